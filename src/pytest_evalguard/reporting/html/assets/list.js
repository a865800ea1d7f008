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
