// The list: only the rows in sight are in the document

const SPARE_ROWS = 6;

const list = byId("rows");
const rowHeight = 3.25 * parseFloat(getComputedStyle(document.documentElement).fontSize);
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
    makeLast(each),
  ];
  const link = make("a", { href: `#${fragment({ ...view, id: each.nodeid })}` }, parts);
  if (index === active) link.setAttribute("aria-current", "true");
  link.addEventListener("click", (event) => open(event, index));
  const row = make("li", { "aria-setsize": shown.length, "aria-posinset": index + 1 }, link);
  row.style.top = `${index * rowHeight}px`;
  return row;
}

// latency, or cost in its order; a narrow list has it where it is the order
function makeLast(each) {
  const isSorted = ["latency", "cost"].includes(view.sort);
  const text = view.sort === "cost" ? dollars(each.cost_usd) : duration(each.latency_ms);
  return make("span", { class: isSorted ? "number time sorted" : "number time" }, text);
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
  const above = top - search.closest(".top").offsetHeight;
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

const [pane, article] = ["pane", "case"].map(byId);
const isWide = matchMedia("(min-width: 1100px)");

// The pane, with the case that is open

function showCase() {
  const place = places.get(view.id);
  if (place === undefined) return hideCase();
  activate(shown.indexOf(entryOf(place)));
  const hadFocus = article.contains(document.activeElement);
  const row = view.beside ? side().rows[entryOf(place)] : undefined;
  article.replaceChildren(...(row ? describeSides(cases, row, place, view.beside) : describe(cases[place])));
  article.scrollTop = 0;
  byId("copied").textContent = "";
  byId("place").textContent = active < 0 ? "" : `${counted(active + 1)} of ${counted(shown.length)}`;
  if (!pane.open) openPane();
  else if (hadFocus) article.querySelector("h2").focus();
}

async function copyCase() {
  await copy(markdownOf(cases[places.get(view.id)]));
  byId("copied").textContent = "copied";
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

// where letters are typed, or chosen, they are no commands
const isField = (element) => element.matches("input, select");
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
  const keys = event.target === search ? SEARCH_KEYS : isField(event.target) ? {} : KEYS;
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
  showSort();
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
  byId("clear").addEventListener("click", () => go({ query: "", ...noneChosen() }, true));
  byId("skip").addEventListener("click", () => byId("main").focus());
  byId("previous").addEventListener("click", () => move(-1));
  byId("next").addEventListener("click", () => move(1));
  byId("copy").addEventListener("click", copyCase);
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
  makeSort();
  makeViews();
  listen();
  update();
  if (active >= 0) reveal(active);
  setTimeout(prepare, 0, 0);
}

start();
