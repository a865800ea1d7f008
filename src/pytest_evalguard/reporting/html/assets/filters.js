// Search and filters: which cases are shown

const CHOICES = 12;
const MOST_CHOICES = 200;
const SORT_NAMES = { "": "not passed first", score: "score", latency: "latency", cost: "cost", change: "change", name: "name" };

const byId = (id) => document.getElementById(id);
const search = byId("search");

let hits = new Uint8Array(cases.length).fill(1);
let sought = "";
let shown = [];

function seek(query) {
  const words = query.toLowerCase().match(/\S+/g) ?? [];
  const isNarrower = query.startsWith(sought);
  const hasAll = (place) => words.every((word) => haystack(place).includes(word));
  hits = hits.map((wasHit, place) => (wasHit || !isNarrower) && hasAll(place));
  sought = query;
}

// what the list has: places of cases, or rows of cases that stand side by side

const side = () => sideBySide(cases, view.beside);
const entryOf = (place) => (view.beside ? side().rowOf.get(place) : place);
const placeAt = (index) => (view.beside ? side().rows[shown[index]][0] : shown[index]);
const size = () => (view.beside ? side().rows.length : cases.length);

// a choice counts what choosing it would show: the other groups' choices hold for it
function filter() {
  shown = [];
  for (const group of GROUPS) group.counts = new Map();
  for (const place of orderBy(view.sort, Boolean(view.reverse))) {
    if (!hits[place] || !isInRange(place)) continue;
    const missed = GROUPS.filter((group) => !isChosen(group, place));
    if (!missed.length) shown.push(place);
    if (missed.length < 2) {
      for (const group of missed.length ? missed : GROUPS) count(group, place);
    }
  }
  if (view.beside) shown = [...new Set(shown.map(entryOf))].filter((row) => row !== undefined);
}

function isInRange(place) {
  if (!view.from && !view.to) return true;
  const figure = score(cases[place]);
  return figure !== undefined && figure >= Number(view.from || 0) && figure <= Number(view.to || 1);
}

function isChosen({ name, values }, place) {
  const chosen = view.chosen.get(name);
  return !chosen.size || values[place].some((value) => chosen.has(value));
}

function count({ counts, values }, place) {
  for (const value of values[place]) counts.set(value, (counts.get(value) ?? 0) + 1);
}

function makeFilters() {
  for (const group of GROUPS) {
    const values = inOrder(group);
    const choices = values.slice(0, MOST_CHOICES);
    group.buttons = new Map(choices.map((value) => [value, makeChoice(group, value)]));
    const items = [...group.buttons.values()].map((button) => make("li", {}, button));
    const section = makeFilter(group, items);
    if (items.length > CHOICES + 1) section.append(makeMore(items.slice(CHOICES)));
    if (values.length > MOST_CHOICES) section.append(makeRest(values.length - MOST_CHOICES));
  }
  byId("range").hidden = !hasFigure("score");
  for (const id of ["from", "to"]) {
    byId(id).addEventListener("change", () => go({ [id]: asShare(byId(id).value) }, true));
  }
}

function makeFilter({ name, title }, items) {
  let section = [...document.querySelectorAll("[data-group]")].find((each) => each.dataset.group === name);
  if (!section) {
    section = make("section", { "data-group": name }, make("h2", {}, title), make("ul", {}));
    byId("range").before(section);
  }
  section.querySelector("ul").replaceChildren(...items);
  section.hidden = !items.length;
  return section;
}

function inOrder(group) {
  group.counts = new Map();
  cases.forEach((_, place) => count(group, place));
  const rank = (value) => (group.order.indexOf(value) + 1) || group.order.length + 1;
  const compare = ([one, many], [other, more]) =>
    rank(one) - rank(other) || more - many || (one < other ? -1 : 1);
  return [...group.counts].sort(compare).map(([value]) => value);
}

function makeChoice({ name }, value) {
  const icon = name === "outcome" ? mark(value) : "";
  const label = make("span", { class: name === "change" ? `change ${cssClass(value)}` : "label" }, value);
  const button = make("button", { type: "button" }, icon, label, make("b", {}));
  button.addEventListener("click", () => choose(name, value));
  return button;
}

function choose(name, value) {
  const values = new Set(view.chosen.get(name));
  if (!values.delete(value)) values.add(value);
  go({ chosen: new Map(view.chosen).set(name, values) }, true);
}

function makeMore(items) {
  const button = make("button", { type: "button", class: "more" }, `${counted(items.length)} more`);
  for (const item of items) item.hidden = true;
  button.addEventListener("click", () => {
    for (const item of items) item.hidden = false;
    button.remove();
  });
  return button;
}

function makeRest(number) {
  return make("p", { class: "rest" }, `and ${counted(number)} rarer ones, not shown here`);
}

function showFilters() {
  for (const { name, buttons, counts } of GROUPS) {
    for (const [value, button] of buttons) {
      const isPressed = view.chosen.get(name).has(value);
      button.setAttribute("aria-pressed", isPressed);
      button.classList.toggle("none", !counts.has(value));
      button.lastChild.textContent = counted(counts.get(value) ?? 0);
      if (isPressed) button.parentElement.hidden = false;
    }
  }
  for (const id of ["from", "to"]) byId(id).value = view[id];
}

function showStatus() {
  const isBounded = Boolean(view.from || view.to);
  const chosen = [...view.chosen.values()].reduce((sum, { size }) => sum + size, Number(isBounded));
  const [some, all] = [shown.length, size()].map(counted);
  const noun = view.beside ? "row" : "case";
  const text = some === all ? `${all} ${all === "1" ? noun : `${noun}s`}` : `${some} of ${all}`;
  const isMissing = view.id !== null && !places.has(view.id);
  byId("status").replaceChildren(...visible(isMissing ? `${text}; none is ${view.id}` : text));
  byId("clear").hidden = !chosen && !view.query;
  byId("chosen").textContent = chosen ? `(${chosen})` : "";
}

// The order

function makeSort() {
  const options = sortsOffered().map((sort) => make("option", { value: sort }, SORT_NAMES[sort]));
  byId("sort").append(...options);
  byId("sort").addEventListener("change", () => go({ sort: byId("sort").value }, true));
  byId("reverse").addEventListener("click", () => go({ reverse: view.reverse ? "" : "yes" }, true));
}

function showSort() {
  byId("sort").value = view.sort;
  byId("reverse").setAttribute("aria-pressed", Boolean(view.reverse));
}
