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
