// The cases, and what is known of each for search, filters and order

const OUTCOMES = Object.keys(FACTS.outcomes);
const CHANGES = [
  "regressed", "weaker", "errors", "input changed", "still failing", "score moved", "fixed",
  "stronger", "renamed", "new",
];

const cases = readCases();
const places = new Map(cases.map((each, place) => [wellFormed(each.nodeid), place]));
const haystacks = new Array(cases.length);

function readCases() {
  const all = [];
  for (const block of document.querySelectorAll("script.cases")) {
    for (const line of block.textContent.split("\n")) {
      if (line) all.push(withChange(JSON.parse(line)));
    }
    block.remove();
  }
  return all;
}

function withChange(each) {
  const isChanged = Object.hasOwn(FACTS.changes, each.nodeid);
  each.change = isChanged ? FACTS.changes[each.nodeid] : undefined;
  return each;
}

function haystack(place) {
  const { nodeid, name, input, expected, actual, reason } = cases[place];
  const texts = [nodeid, name, input, expected, actual, reason];
  return (haystacks[place] ??= texts.join("\n").toLowerCase());
}

// ahead of the first search, a little at a time
function prepare(from) {
  const to = Math.min(from + 500, cases.length);
  for (let place = from; place < to; place++) haystack(place);
  if (to < cases.length) setTimeout(prepare, 0, to);
}

// Orders: the place of each case by a figure of it; what has none comes last, either way

const rankOf = (values, value) => (value === undefined ? NaN : values.indexOf(value));
const SORTS = {
  "": (each) => -(FACTS.outcomes[each.outcome]?.severity ?? Infinity),
  score: (each) => score(each) ?? NaN,
  latency: (each) => -each.latency_ms,
  cost: (each) => -each.cost_usd,
  change: (each) => rankOf(CHANGES, each.change),
};
const orders = new Map();

function orderBy(sort, isReversed) {
  const key = JSON.stringify([sort, isReversed]);
  if (!orders.has(key)) orders.set(key, findOrder(sort, isReversed ? -1 : 1));
  return orders.get(key);
}

function findOrder(sort, sign) {
  const order = Uint32Array.from(cases.keys());
  if (sort === "name") {
    const { compare } = new Intl.Collator("en", { numeric: true });
    return order.sort((one, other) => sign * compare(cases[one].nodeid, cases[other].nodeid));
  }
  const figures = Float64Array.from(cases, SORTS[sort]);
  const isLast = (place) => Number(Number.isNaN(figures[place]));
  return order.sort((one, other) =>
    isLast(one) - isLast(other) || sign * (figures[one] - figures[other]) || one - other);
}

const sortsOffered = () => ["", ...Object.keys(SORTS).slice(1).filter(hasFigure), "name"];
const hasFigure = (sort) => cases.some((each) => !Number.isNaN(SORTS[sort](each)));

// The view: what is open, sought, chosen and in which order. It is in the URL, as its fragment

const SAVE_AFTER = 300; // ms

const byTag = (each) => [...new Set(each.tags ?? [])];
const GROUPS = [
  { name: "outcome", title: "Outcome", order: OUTCOMES, of: (each) => [each.outcome] },
  { name: "change", title: "Since the baseline", order: CHANGES, of: (each) => (each.change ? [each.change] : []) },
  ...FACTS.keys.map((key) => ({ name: key, title: key.slice(key.indexOf(":") + 1), order: [], of: groupOf(key) })),
  { name: "tag", title: "Tag", order: [], of: byTag },
  { name: "shard", title: "Shard", order: [], of: (each) => (each.shard ? [shardName(each.shard)] : []) },
];
for (const group of GROUPS) group.values = cases.map(group.of);

// as Key.values in groups.py
function groupOf(key) {
  const [kind, name] = [key.slice(0, key.indexOf(":")), key.slice(key.indexOf(":") + 1)];
  const field = kind === "param" ? "params" : "metadata";
  return (each) => (Object.hasOwn(each[field] ?? {}, name) ? [groupText(each[field][name])] : []);
}

function groupText(value) {
  if (typeof value === "string") return value;
  return { true: "True", false: "False", null: "None" }[value] ?? JSON.stringify(value);
}

function shardName(id) {
  return Object.hasOwn(FACTS.shards, id) ? FACTS.shards[id] : id;
}

let view = readFragment();
let timer = 0;

function noneChosen() {
  return { chosen: new Map(GROUPS.map(({ name }) => [name, new Set()])), from: "", to: "" };
}

function readFragment() {
  const read = { id: null, query: "", beside: "", sort: "", reverse: "", ...noneChosen() };
  const keep = {
    case: (value) => (read.id = value),
    search: (value) => (read.query = value),
    beside: (value) => (read.beside = Object.hasOwn(FACTS.groups, value) ? value : ""),
    sort: (value) => (read.sort = sortsOffered().includes(value) ? value : ""),
    reverse: (value) => (read.reverse = value && "yes"),
    from: (value) => (read.from = asShare(value)),
    to: (value) => (read.to = asShare(value)),
  };
  for (const part of location.hash.slice(1).split("&")) {
    const [key, value] = (/([^=]*)=(.*)/s.exec(part) ?? []).slice(1).map(decode);
    if (Object.hasOwn(keep, key ?? "")) keep[key](value);
    else read.chosen.get(key)?.add(value);
  }
  return read;
}

function asShare(text) {
  return text.trim() && Number.isFinite(Number(text)) ? text.trim() : "";
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function fragment({ id, query, beside, sort, reverse, chosen, from, to }) {
  const pairs = id === null ? [] : [["case", id]];
  for (const [name, values] of chosen) {
    for (const value of values) pairs.push([name, value]);
  }
  const others = { from, to, search: query, beside, sort, reverse };
  pairs.push(...Object.entries(others).filter(([, value]) => value));
  const text = (part) => encodeURIComponent(wellFormed(part));
  return pairs.map(([key, value]) => `${text(key).replace("%3A", ":")}=${text(value)}`).join("&");
}

function save(push = false, state = history.state) {
  forget();
  const hash = fragment(view);
  const url = location.href.split("#")[0] + (hash && `#${hash}`);
  if (push) history.pushState(state, "", url);
  else history.replaceState(state, "", url);
}

function forget() {
  clearTimeout(timer);
  timer = 0;
}

// browsers bound how often a page may set its URL: moves and keystrokes share one
function go(changes, push = false, state = null) {
  if (push && timer) save();
  view = { ...view, ...changes };
  if (push) save(true, state);
  else timer ||= setTimeout(save, SAVE_AFTER);
  update();
}

function goBack() {
  forget();
  view = readFragment();
  update();
}

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
