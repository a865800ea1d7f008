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
