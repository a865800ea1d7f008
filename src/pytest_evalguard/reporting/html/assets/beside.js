// Cases side by side: in a row stand those that differ in one parameter only

const MOST_SIDES = 12;
const sides = new Map();

// as _partner_key in group_figures.py: the test and all its parameters but one
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
