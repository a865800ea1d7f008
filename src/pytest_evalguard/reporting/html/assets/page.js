const OUTCOMES = Object.keys(FACTS.outcomes);
const CHANGES = [
  "regressed", "fixed", "weaker", "stronger", "still failing", "errors", "input changed",
  "score moved", "renamed", "new",
];
const CHOICES = 12;
const MOST_CHOICES = 200;
const SPARE_ROWS = 6;
const SAVE_AFTER = 300; // ms

const byId = (id) => document.getElementById(id);
const [list, search, pane, article] = ["rows", "search", "pane", "case"].map(byId);
const rowHeight = 3.25 * parseFloat(getComputedStyle(document.documentElement).fontSize);
const isWide = matchMedia("(min-width: 1100px)");

// The cases

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

// The view: what is open, sought and chosen. It is in the URL, as its fragment

const GROUPS = [
  { name: "outcome", order: OUTCOMES, of: (each) => [each.outcome] },
  { name: "change", order: CHANGES, of: (each) => (each.change ? [each.change] : []) },
  { name: "tag", order: [], of: (each) => [...new Set(each.tags ?? [])] },
];
for (const group of GROUPS) group.values = cases.map(group.of);

let view = readFragment();
let timer = 0;

function noneChosen() {
  return new Map(GROUPS.map(({ name }) => [name, new Set()]));
}

function readFragment() {
  const read = { id: null, query: "", beside: "", chosen: noneChosen() };
  for (const part of location.hash.slice(1).split("&")) {
    const [key, value] = (/([^=]*)=(.*)/s.exec(part) ?? []).slice(1).map(decode);
    if (key === "case") read.id = value;
    else if (key === "search") read.query = value;
    else if (key === "beside") read.beside = Object.hasOwn(FACTS.groups, value) ? value : "";
    else read.chosen.get(key)?.add(value);
  }
  return read;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function fragment({ id, query, beside, chosen }) {
  const pairs = id === null ? [] : [["case", id]];
  for (const [name, values] of chosen) {
    for (const value of values) pairs.push([name, value]);
  }
  if (query) pairs.push(["search", query]);
  if (beside) pairs.push(["beside", beside]);
  return pairs.map(([key, value]) => `${key}=${encodeURIComponent(wellFormed(value))}`).join("&");
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

// Search and filters

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
  for (let place = 0; place < cases.length; place++) {
    if (!hits[place]) continue;
    const missed = GROUPS.filter((group) => !isChosen(group, place));
    if (!missed.length) shown.push(place);
    if (missed.length < 2) {
      for (const group of missed.length ? missed : GROUPS) count(group, place);
    }
  }
  if (view.beside) shown = [...new Set(shown.map(entryOf))].filter((row) => row !== undefined);
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
    const section = document.querySelector(`[data-group=${group.name}]`);
    const values = inOrder(group);
    const choices = values.slice(0, MOST_CHOICES);
    group.buttons = new Map(choices.map((value) => [value, makeChoice(group, value)]));
    const items = [...group.buttons.values()].map((button) => make("li", {}, button));
    section.hidden = !items.length;
    section.querySelector("ul").replaceChildren(...items);
    if (items.length > CHOICES + 1) section.append(makeMore(items.slice(CHOICES)));
    if (values.length > MOST_CHOICES) section.append(makeRest(values.length - MOST_CHOICES));
  }
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
}

function showStatus() {
  const chosen = [...view.chosen.values()].reduce((sum, { size }) => sum + size, 0);
  const [some, all] = [shown.length, size()].map(counted);
  const noun = view.beside ? "row" : "case";
  const text = some === all ? `${all} ${all === "1" ? noun : `${noun}s`}` : `${some} of ${all}`;
  const isMissing = view.id !== null && !places.has(view.id);
  byId("status").replaceChildren(...visible(isMissing ? `${text}; none is ${view.id}` : text));
  byId("clear").hidden = !chosen && !view.query;
  byId("chosen").textContent = chosen ? `(${chosen})` : "";
}

// The list: only the rows in sight are in the document

const rows = new Map();
let active = -1;

function draw() {
  const [from, to] = inSight();
  for (const index of rows.keys()) {
    if (index < from || index >= to) drop(index);
  }
  let following = list.firstChild;
  for (let index = from; index < to; index++) {
    if (!rows.has(index)) rows.set(index, list.insertBefore(makeRow(index), following));
    following = rows.get(index).nextSibling;
  }
}

function inSight() {
  const top = -list.getBoundingClientRect().top;
  const from = Math.max(0, Math.floor(top / rowHeight) - SPARE_ROWS);
  const to = Math.max(from, Math.ceil((top + innerHeight) / rowHeight)) + SPARE_ROWS;
  return [from, Math.min(shown.length, to)];
}

function drop(index) {
  rows.get(index).remove();
  rows.delete(index);
}

function redraw() {
  for (const index of rows.keys()) drop(index);
  list.style.height = `${shown.length * rowHeight}px`;
  draw();
}

function makeRow(index) {
  const each = cases[placeAt(index)];
  const why = make("span", { class: "why" }, excerpt(each));
  const parts = view.beside ? makeSideRow(cases, side().rows[shown[index]], view.beside) : [
    mark(each.outcome), unseen(`${each.outcome}: `),
    make("span", { class: "what" }, makeName(each), makeBadges(each), why),
    make("span", { class: "number" }, decimal(score(each))),
    make("span", { class: "number time" }, duration(each.latency_ms)),
  ];
  const link = make("a", { href: `#${fragment({ ...view, id: each.nodeid })}` }, parts);
  if (index === active) link.setAttribute("aria-current", "true");
  link.addEventListener("click", (event) => open(event, index));
  const row = make("li", { "aria-setsize": shown.length, "aria-posinset": index + 1 }, link);
  row.style.top = `${index * rowHeight}px`;
  return row;
}

function excerpt({ outcome, reason, input = "" }) {
  return ((outcome !== "passed" && reason) || input).slice(0, 300);
}

function open(event, index) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const place = event.target.closest("[data-place]")?.dataset.place;
  go({ id: place ? idOf(place) : idAt(index) }, view.id === null, "opened");
  article.querySelector("h2").focus();
}

const idOf = (place) => wellFormed(cases[place].nodeid);
const idAt = (index) => idOf(placeAt(index));

function activate(index) {
  rows.get(active)?.firstChild.removeAttribute("aria-current");
  active = index;
  rows.get(active)?.firstChild.setAttribute("aria-current", "true");
}

function reveal(index) {
  const top = list.getBoundingClientRect().top + index * rowHeight;
  const above = top - search.parentElement.offsetHeight;
  const below = top + rowHeight - innerHeight;
  if (above < 0) scrollBy(0, above);
  else if (below > 0) scrollBy(0, below);
  draw();
}

function focusRow() {
  if (active < 0) return;
  reveal(active);
  rows.get(active).firstChild.focus({ preventScroll: true });
}

function move(step) {
  if (!shown.length) return;
  activate(Math.min(Math.max(active + step, 0), shown.length - 1));
  if (view.id !== null) go({ id: idAt(active) });
  if (pane.contains(document.activeElement)) reveal(active);
  else focusRow();
}

// The pane, with the case that is open

function showCase() {
  const place = places.get(view.id);
  if (place === undefined) return hideCase();
  activate(shown.indexOf(entryOf(place)));
  const hadFocus = article.contains(document.activeElement);
  const row = view.beside ? side().rows[entryOf(place)] : undefined;
  article.replaceChildren(...(row ? describeSides(cases, row, place, view.beside) : describe(cases[place])));
  article.scrollTop = 0;
  byId("place").textContent = active < 0 ? "" : `${counted(active + 1)} of ${counted(shown.length)}`;
  if (!pane.open) openPane();
  else if (hadFocus) article.querySelector("h2").focus();
}

function openPane() {
  document.documentElement.classList.add("open");
  if (isWide.matches) pane.show();
  else pane.showModal();
}

function hideCase() {
  document.documentElement.classList.remove("open");
  if (!pane.open) return;
  pane.close();
  focusRow();
}

function leave() {
  if (view.id === null) return;
  if (history.state !== "opened") return go({ id: null });
  forget();
  view = { ...view, id: null };
  update();
  history.back();
}

// Keys and the start

const isInList = () => list.contains(document.activeElement) || document.activeElement === search;

const KEYS = {
  "/": () => [search.focus(), search.select()],
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: () => (isInList() ? move(1) : false),
  ArrowUp: () => (isInList() ? move(-1) : false),
  Escape: leave,
};
const SEARCH_KEYS = {
  ArrowDown: KEYS.ArrowDown,
  Escape: () => (view.id === null ? search.blur() : leave()),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const keys = event.target === search ? SEARCH_KEYS : KEYS;
  if (Object.hasOwn(keys, event.key) && keys[event.key]() !== false) event.preventDefault();
}

function onSearch() {
  // beside an open case: to go back would undo it
  if (history.state) history.replaceState(null, "");
  go({ query: search.value });
}

let filtered = null;

function update() {
  const wanted = fragment({ ...view, id: null });
  if (filtered !== wanted) {
    filtered = wanted;
    showFound();
  }
  showStatus();
  showCase();
}

function showFound() {
  if (search.value !== view.query) search.value = view.query;
  if (sought !== view.query) seek(view.query);
  filter();
  active = shown.indexOf(entryOf(places.get(view.id)));
  showFilters();
  showViews();
  redraw();
}

// The list of cases, or cases side by side by a parameter

function makeViews() {
  const names = Object.keys(FACTS.groups);
  if (names.length) byId("views").append(...["", ...names].map(makeView));
  byId("views").hidden = !names.length;
}

function makeView(name) {
  const button = make("button", { type: "button", "data-view": name }, name ? `side by side: ${name}` : "list");
  button.addEventListener("click", () => go({ beside: name, id: null }, true));
  return button;
}

function showViews() {
  for (const button of byId("views").children) {
    button.setAttribute("aria-pressed", button.dataset.view === view.beside);
  }
  byId("sides").hidden = !view.beside;
  byId("sides").replaceChildren(...(view.beside ? makeSideHead(view.beside) : []));
}

function listen() {
  addEventListener("scroll", draw, { passive: true });
  addEventListener("resize", draw);
  addEventListener("popstate", goBack);
  document.addEventListener("keydown", onKey);
  search.addEventListener("input", onSearch);
  byId("clear").addEventListener("click", () => go({ query: "", chosen: noneChosen() }, true));
  byId("skip").addEventListener("click", () => byId("main").focus());
  byId("previous").addEventListener("click", () => move(-1));
  byId("next").addEventListener("click", () => move(1));
  byId("close").addEventListener("click", leave);
  pane.addEventListener("close", () => pane.open || leave());
  isWide.addEventListener("change", reopenPane);
}

function reopenPane() {
  if (!pane.open) return;
  pane.close();
  openPane();
}

function start() {
  for (const part of document.querySelectorAll(".found, .keys, #skip")) part.hidden = false;
  document.querySelector(".filters").open = matchMedia("(min-width: 761px)").matches;
  makeFilters();
  makeViews();
  listen();
  update();
  if (active >= 0) reveal(active);
  setTimeout(prepare, 0, 0);
}

start();
