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
