// All that is known of one case

function describe(each) {
  return [
    makeTitle(each),
    ...makeRemarks(each),
    makeFacts(each),
    makeTexts(each),
    makeScores(each),
    makeMetrics(each),
    makeRuns("Trials", each.trials),
    makeRuns("Attempts", each.attempts),
    makeData("Parameters", each.params),
    makeData("Metadata", each.metadata),
    makeData("Findings", each.findings),
  ].filter(Boolean);
}

function makeTitle(each) {
  const verdict = make("p", { class: "verdict" }, mark(each.outcome), each.outcome, makeBadges(each));
  const title = make("h2", { id: "title", tabindex: "-1", autofocus: "" }, makeName(each));
  return make("header", {}, verdict, title);
}

function makeRemarks(each) {
  const remarks = [
    [each.ambiguous, `ambiguous: ${each.ambiguous}`],
    [each.flaky, "passed only when rerun"],
    [each.require, `${each.require} of ${each.trials?.length} trials had to pass`],
    [each.silent, "recorded neither actual nor score"],
    [each.carried, `carried over from ${each.carried}`],
    [each.withheld, "values are withheld because a hook failed"],
  ].filter(([holds]) => holds);
  const reason = [[each.reason, "pre", `reason ${cssClass(each.outcome)}`]].filter(([text]) => text);
  return [
    ...reason.map(([text, element, name]) => make(element, { class: name, tabindex: "0" }, text)),
    ...remarks.map(([, text]) => make("p", { class: "remark" }, text)),
  ];
}

function makeFacts(each) {
  const terms = factsOf(each).map(([name, value]) =>
    [make("dt", {}, name), make("dd", {}, name === "trace" ? makeTrace(value) : value)]);
  return make("dl", { class: "facts" }, terms.map((term) => make("div", {}, term)));
}

function factsOf(each) {
  return [
    ["score", decimal(score(each))],
    ["threshold", each.threshold?.toString()],
    ["latency", duration(each.latency_ms)],
    ["tokens", tokens(each)],
    ["cost", dollars(each.cost_usd)],
    ["prompt id", each.prompt_id?.toString()],
    ["hallucination", each.hallucination_label],
    ["tags", each.tags?.join(", ")],
    ["shard", each.shard && shardName(each.shard)],
    ["trace", each.trace_id],
  ].filter(([, value]) => value);
}

function traceUrl(id) {
  return new URL(FACTS.traceLink.replaceAll("{trace_id}", encodeURIComponent(wellFormed(id)))).href;
}

function makeTrace(id) {
  return FACTS.traceLink ? make("a", { href: traceUrl(id), rel: "noopener noreferrer" }, id) : id;
}

function tokens({ prompt_tokens, completion_tokens }) {
  const counts = [[prompt_tokens, "prompt"], [completion_tokens, "completion"]];
  const known = counts.filter(([count]) => count !== undefined);
  return known.map(([count, what]) => `${counted(count)} ${what}`).join(", ");
}

function makeTexts(each) {
  const { input, expected, actual } = each;
  const both = expected !== undefined && actual !== undefined;
  const keys = both && expected !== actual ? compareKeys(expected, actual) : undefined;
  const [wanted, came] = both ? makeDifference(expected, actual) : [expected, actual].map(showJson);
  const answers = [makeText("Expected", wanted), makeText("Actual", came, both ? makeNote(each) : "")];
  const shown = keys ? [makeKeys(keys), makeWhole(answers, keys)] : answers;
  return make("div", { class: "texts" }, makeText("Input", showJson(input)), shown);
}

// the texts by themselves, in sight where no key tells them apart
function makeWhole(answers, { differing }) {
  const whole = make("details", {}, make("summary", {}, "as recorded"), make("div", { class: "texts" }, answers));
  whole.open = !differing.length;
  return whole;
}

function makeNote({ expected, actual, differs_at, types }) {
  const place = differs_at && `differs at character ${counted(differs_at)}`;
  if (expected !== actual) return place ?? "";
  if (types) return `the same text, of another type: ${types}`;
  return place ? `${place}, which is not kept` : "the same as expected";
}

function makeDifference(expected, actual) {
  const [wanted, came] = difference(expected, actual);
  return [showParts(wanted, came, "del"), showParts(came, wanted, "ins")];
}

function makeText(name, content, note = "") {
  const missing = content === undefined ? "not recorded" : content.length ? "" : "empty";
  const text = missing ? make("p", { class: "missing" }, missing) : makeValue(name, content);
  return make("section", { class: name.toLowerCase() }, make("h3", {}, name, make("small", {}, note)), text);
}

function makeValue(name, content) {
  return make("pre", { tabindex: "0", role: "region", "aria-label": name }, content);
}

function makeScores({ scores = {} }) {
  const rows = Object.entries(scores).map(([name, each]) => {
    const verdict = each.passed ? "passed" : "failed";
    const raw = each.raw === undefined ? "" : ` from ${each.raw}`;
    return [name, [makeGauge(each.score), decimal(each.score), raw], [mark(verdict), verdict], each.reason ?? ""];
  });
  return makeTable("Scores", ["name", "score", "verdict", "reason"], rows);
}

function makeMetrics({ metrics = {} }) {
  const rows = Object.entries(metrics).map(([name, value]) => [name, `${+value.toPrecision(7)}`]);
  return makeTable("Metrics", ["name", "value"], rows);
}

function makeGauge(value) {
  const filling = make("span", {});
  filling.style.width = `${Math.min(Math.max(value, 0), 1) * 100}%`;
  return make("span", { class: "gauge", "aria-hidden": "true" }, filling);
}

function makeRuns(title, runs = []) {
  const rows = runs.map((each, index) => [
    `${index + 1}`,
    decimal(each.score),
    [mark(each.outcome), each.outcome],
    duration(each.latency_ms),
    [each.reason ?? "", makeRecorded(each), each.trace_id ? make("p", {}, "trace ", makeTrace(each.trace_id)) : ""],
  ]);
  return makeTable(title, ["#", "score", "outcome", "latency", "reason"], rows);
}

function makeRecorded({ actual }) {
  if (actual === undefined) return "";
  return make("details", {}, make("summary", {}, "actual"), makeValue("Actual", actual));
}

function makeTable(title, names, rows) {
  if (!rows.length) return null;
  const head = make("tr", {}, names.map((name) => make("th", { scope: "col" }, name)));
  const body = rows.map((cells) => make("tr", {}, cells.map((cell) => make("td", {}, cell))));
  const table = make("table", { class: title.toLowerCase() }, make("thead", {}, head), make("tbody", {}, body));
  return make("section", {}, make("h3", {}, title), make("div", { class: "scroll" }, table));
}

function makeData(title, data = []) {
  if (!Object.keys(data).length) return null;
  return make("section", {}, make("h3", {}, title), makeValue(title, JSON.stringify(data, null, 2)));
}

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

// Cases side by side: in a row stand those that differ in one parameter only

const MOST_SIDES = 12;
const sides = new Map();

// as _partner_key in groups.py: the test and all its parameters but one
function partnerKey(each, name) {
  return JSON.stringify([testOf(each), otherParams(each.params, name)]);
}

// last the name of a sub-case, which may have brackets as well
function testOf({ nodeid, test = nodeid }) {
  const [module, ...parts] = test.split("::");
  const rest = parts.join("::");
  const tail = rest.slice(rest.lastIndexOf("]") + 1);
  return [module, rest.split("[", 1)[0], tail, nodeid.slice(test.length)];
}

function otherParams(params, name) {
  const others = Object.entries(params).filter(([key]) => key !== name);
  return others.sort(([one], [other]) => (one < other ? -1 : 1));
}

// found when first asked for: the places of the cases by row, and the row of each
function sideBySide(cases, name) {
  if (!sides.has(name)) sides.set(name, findSides(cases, name));
  return sides.get(name);
}

function findSides(cases, name) {
  const [indices, rows, rowOf] = [new Map(), [], new Map()];
  cases.forEach((each, place) => {
    if (!Object.hasOwn(each.params ?? {}, name)) return;
    const key = partnerKey(each, name);
    if (!indices.has(key)) indices.set(key, rows.push([]) - 1);
    rows[indices.get(key)].push(place);
    rowOf.set(place, indices.get(key));
  });
  return { rows, rowOf };
}

const sideValues = (name) => FACTS.groups[name].slice(0, MOST_SIDES);

function makeSideHead(name) {
  const values = sideValues(name);
  const rest = FACTS.groups[name].length - values.length;
  const title = rest ? `${name}; ${counted(rest)} more values are not shown` : name;
  const labels = values.map((value) => make("span", { class: "label", title: value }, value));
  return [make("span", { class: "what" }, title), makeCells(labels)];
}

function makeCells(cells) {
  const element = make("span", { class: "cells" }, cells);
  element.style.setProperty("--sides", cells.length);
  return element;
}

function makeSideRow(cases, row, name) {
  const first = cases[row[0]];
  const cells = sideValues(name).map((value) => {
    const found = row.filter((place) => cases[place].params[name] === value);
    return makeCell(cases, found, value);
  });
  const why = make("span", { class: "why" }, (first.input ?? "").slice(0, 300));
  return [make("span", { class: "what" }, makeSideName(first, name), why), makeCells(cells)];
}

function makeCell(cases, found, value) {
  if (!found.length) return make("span", { class: "cell none" }, unseen(`${value}: `), "-");
  const parts = found.map((place) => [mark(cases[place].outcome), unseen(cases[place].outcome)]);
  const figure = found.length === 1 ? decimal(score(cases[found[0]])) : `${counted(found.length)} cases`;
  return make("span", { class: "cell", "data-place": found[0] },
    unseen(`${value}: `), parts.slice(0, 1).flat(), make("span", {}, figure));
}

function makeSideName(each, name) {
  const [module, test, tail, within] = testOf(each);
  const others = otherParams(each.params, name).map(([, value]) => value).join(" · ");
  return makeName({ nodeid: `${module}::${test}${others && `[${others}]${tail}`}${within}` });
}

// What is open: the answers of a row beside each other

function describeSides(cases, row, place, name) {
  const shown = sideValues(name).flatMap((value) => row.filter((at) => cases[at].params[name] === value));
  const answers = shown.map((at) => cases[at]);
  const texts = ["input", "expected"].filter((text) => isShared(answers, text));
  return [
    make("header", {}, make("h2", { id: "title", tabindex: "-1", autofocus: "" }, makeSideName(cases[place], name))),
    ...texts.map((text) => makeText(text[0].toUpperCase() + text.slice(1), answers[0][text])),
    make("div", { class: "sides" }, answers.map((each, index) =>
      makeSide(each, index, answers, name, { isChosen: shown[index] === place, texts }))),
  ];
}

const isShared = (answers, text) => answers.every((each) => each[text] === answers[0][text]);

function makeSide(each, index, answers, name, { isChosen, texts }) {
  const own = ["input", "expected"].filter((text) => !texts.includes(text));
  const scores = Object.entries(each.scores ?? {});
  const facts = [decimal(score(each)), duration(each.latency_ms)].filter(Boolean).join(", ");
  return make("section", { class: isChosen ? "side chosen" : "side" },
    make("h3", {}, make("b", {}, each.params[name])),
    make("p", { class: "verdict" }, mark(each.outcome), each.outcome, make("small", {}, facts)),
    ...own.map((text) => makeText(text[0].toUpperCase() + text.slice(1), each[text])),
    makeText("Actual", makeAnswer(each, index, answers)),
    each.reason ? make("p", { class: "remark" }, each.reason) : "",
    scores.length ? make("p", { class: "remark" }, scores.map(([of, one]) => `${of} ${decimal(one.score)}`).join(", ")) : "",
    make("a", { href: `#case=${encodeURIComponent(wellFormed(each.nodeid))}` }, "open this case"));
}

// of two answers what only one of them has is marked in both, else it is in the later ones
function makeAnswer(each, index, answers) {
  const other = answers[index ? 0 : answers.length === 2 ? 1 : 0].actual;
  if (each.actual === undefined || other === undefined || other === each.actual) return each.actual;
  return index ? makeDifference(other, each.actual)[1] : makeDifference(each.actual, other)[0];
}
