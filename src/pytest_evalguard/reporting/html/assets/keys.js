// JSON by key: what is the same under each key of two texts, and what is not

const MOST_ROWS = 200;

// a value as it is written: a number may be longer than JavaScript can hold
class Leaf {
  constructor(text) {
    this.text = text;
  }
}

function readJson(text) {
  if (!/^\s*[[{]/.test(text ?? "")) return undefined;
  try {
    return JSON.parse(text, (key, value, context) =>
      value instanceof Object ? value : new Leaf((typeof value === "number" && context?.source) || JSON.stringify(value)));
  } catch {
    return undefined;
  }
}

function indented(value, indent = "") {
  if (value instanceof Leaf) return value.text;
  const [start, end] = Array.isArray(value) ? "[]" : "{}";
  const inner = `${indent}  `;
  const lines = Object.entries(value).map(([key, each]) =>
    `${inner}${start === "{" ? `${JSON.stringify(key)}: ` : ""}${indented(each, inner)}`);
  return lines.length ? `${start}\n${lines.join(",\n")}\n${indent}${end}` : start + end;
}

// too deep to go through, if anybody writes that, is shown as the text that it is
function orElse(fallback, find) {
  try {
    return find() ?? fallback;
  } catch (error) {
    if (error instanceof RangeError) return fallback;
    throw error;
  }
}

function showJson(text) {
  const value = readJson(text);
  return value ? orElse(text, () => indented(value)) : text;
}

function leavesOf(value, path = "", leaves = new Map()) {
  const entries = value instanceof Leaf ? [] : Object.entries(value);
  if (!entries.length) return leaves.set(path, indented(value));
  for (const [key, each] of entries) leavesOf(each, path + step(key, Array.isArray(value), path), leaves);
  return leaves;
}

function step(key, isIndex, path) {
  if (isIndex) return `[${key}]`;
  return /^[\p{L}\p{N}_-]+$/u.test(key) ? `${path && "."}${key}` : `[${JSON.stringify(key)}]`;
}

// undefined unless both are objects, or both are lists
function compareKeys(expected, actual) {
  const [wanted, came] = [expected, actual].map(readJson);
  if (!wanted || !came || Array.isArray(wanted) !== Array.isArray(came)) return undefined;
  return orElse(undefined, () => {
    const [left, right] = [leavesOf(wanted), leavesOf(came)];
    const keys = [...new Set([...left.keys(), ...right.keys()])];
    const differing = keys.filter((key) => left.get(key) !== right.get(key));
    return { left, right, differing, same: keys.length - differing.length };
  });
}

function makeKeys({ left, right, differing, same }) {
  const rows = differing.slice(0, MOST_ROWS).map((key) => makeKeyRow(key, left.get(key), right.get(key)));
  const rest = differing.length - rows.length;
  const parts = [
    `${keyCount(differing.length)} ${differing.length > 1 ? "differ" : "differs"}`,
    rest > 0 ? `the first ${MOST_ROWS} are shown` : "",
    same ? `${counted(same)} the same` : "",
  ].filter(Boolean);
  const heading = make("h3", {}, "By key", make("small", {}, parts.join(", ")));
  return make("section", { class: "by-key" }, heading, rows.length ? makeKeyTable(rows) : "");
}

const keyCount = (number) => (number ? `${counted(number)} ${number === 1 ? "key" : "keys"}` : "no key");

function makeKeyRow(key, wanted, came) {
  const isBoth = wanted !== undefined && came !== undefined;
  const cells = isBoth ? makeDifference(wanted, came) : [wanted ?? absent(), came ?? absent()];
  return make("tr", {}, make("th", { scope: "row" }, key), cells.map((cell) => make("td", {}, cell)));
}

const absent = () => make("span", { class: "missing" }, "missing");

function makeKeyTable(rows) {
  const head = ["key", "expected", "actual"].map((name) => make("th", { scope: "col" }, name));
  const table = make("table", {}, make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "By key" }, table);
}
