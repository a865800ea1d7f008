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
