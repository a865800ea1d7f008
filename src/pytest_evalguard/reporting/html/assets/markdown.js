// A case as Markdown, to be pasted elsewhere: all recorded text is code, which nothing renders

function markdownOf(each) {
  const change = each.change ? ` (${each.change})` : "";
  const texts = ["reason", "input", "expected", "actual"].filter((name) => each[name]);
  const facts = factsOf(each).map(([name, value]) => {
    const isLink = name === "trace" && FACTS.traceLink;
    return `- ${name}: ${isLink ? `<${traceUrl(value)}>` : inCode(value)}`;
  });
  const scores = Object.entries(each.scores ?? {}).map(([name, one]) => {
    const why = one.reason ? `: ${inCode(one.reason)}` : "";
    return `- ${inCode(name)} ${decimal(one.score)}, ${one.passed ? "passed" : "failed"}${why}`;
  });
  return [
    `**${each.outcome}**${change} ${inCode(each.nodeid)}`,
    ...[facts.join("\n"), scores.join("\n")].filter(Boolean),
    ...texts.map((name) => `${name}:\n\n${inBlock(each[name])}`),
  ].join("\n\n") + "\n";
}

// longer than any row of backticks in the text
function ticks(text, fewest) {
  const rows = text.match(/`+/g) ?? [];
  return "`".repeat(rows.reduce((most, row) => Math.max(most, row.length + 1), fewest));
}

function inCode(text) {
  const line = plain(text).replace(/\s+/g, " ");
  const around = ticks(line, 1);
  return line.includes("`") ? `${around} ${line} ${around}` : around + line + around;
}

function inBlock(text) {
  const shown = plain(text);
  const around = ticks(shown, 3);
  return `${around}text\n${shown}\n${around}`;
}

const plain = (text) =>
  text.split(HIDDEN).map((part, index) => (index % 2 ? [...part].map(escape).join("") : part)).join("");

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyByEvent(text);
  }
}

// where a page from disk may not write to the clipboard by itself
function copyByEvent(text) {
  const give = (event) => {
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
  };
  document.addEventListener("copy", give, { once: true });
  document.execCommand("copy");
}
