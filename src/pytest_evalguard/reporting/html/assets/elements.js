// What outcomes mean, what changed since the baseline by node id, groups and shards
const FACTS = JSON.parse(document.getElementById("facts").textContent);

// Elements: text goes in as text, and what hides or turns it is shown as an escape

// as in parts.py, but for tab, line feed, and the tags that make a flag
const HIDDEN = new RegExp(
  "((?:[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e" +
    "\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\ud800-\\udfff]" +
    "|(?<!\\u{1f3f4}[\\u{e0030}-\\u{e007a}]{0,6})[\\u{e0000}-\\u{e007f}])+)",
  "u",
);

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  const asNodes = (child) => (typeof child === "string" ? visible(child) : child);
  element.append(...children.flat().flatMap(asNodes));
  return element;
}

function visible(text) {
  const parts = text.split(HIDDEN);
  return parts.map((part, index) => (index % 2 ? makeEscape(part) : part));
}

function makeEscape(hidden) {
  const element = document.createElement("span");
  element.className = "escape";
  element.append([...hidden].map(escape).join(""));
  return element;
}

const SHORT = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escape(character) {
  if (SHORT[character]) return SHORT[character];
  const code = character.codePointAt(0);
  const isByte = code < 0x80 || (code < 0x100 && /\p{C}/u.test(character));
  const [letter, digits] = isByte ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return `\\${letter}${code.toString(16).padStart(digits, "0")}`;
}

// half a character can't stand in a URL
const wellFormed = (text) => text.replace(/[\ud800-\udfff]/gu, "\ufffd");

const cssClass = (name) => name.replaceAll(" ", "-");
const unseen = (text) => make("span", { class: "unseen" }, text);

function mark(outcome) {
  const letter = FACTS.outcomes[outcome]?.mark ?? "";
  const attributes = { class: `mark ${cssClass(outcome)}`, "data-letter": letter };
  return make("span", { ...attributes, "aria-hidden": "true" });
}

// What stands for a case in the list and above its details

function makeName({ nodeid, name }) {
  const end = name ? nodeid.length : nodeid.split("[", 1)[0].lastIndexOf("::") + 2;
  const path = make("span", { class: "path" }, make("bdi", { dir: "ltr" }, nodeid.slice(0, end)));
  const rest = make("span", { class: "name" }, name ?? nodeid.slice(end));
  return make("span", { class: "id" }, name ? [rest, " ", path] : [path, rest]);
}

function makeBadges({ change, flaky, carried, trials = [] }) {
  const badges = make("span", { class: "badges" });
  const passed = trials.filter(({ outcome }) => FACTS.outcomes[outcome]?.passes).length;
  if (trials.length) badges.append(make("span", { class: "trials" }, `${passed} of ${trials.length} trials`));
  if (carried) badges.append(make("span", { class: "carried" }, "carried over"));
  if (flaky) badges.append(make("span", { class: "flaky" }, "flaky"));
  if (change) badges.append(make("span", { class: `change ${cssClass(change)}` }, change));
  return badges;
}

// Figures as text

const dollars = (cost) => (cost === undefined ? "" : `$${Number(cost.toFixed(6))}`);
const counted = (number) => number.toLocaleString("en-US");
const decimal = (number) => (number === undefined ? "" : Number(number).toFixed(3));

function duration(milliseconds) {
  if (!milliseconds) return "";
  if (milliseconds < 100) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${milliseconds.toFixed(0)} ms`;
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

function score(each) {
  if (each.score !== undefined) return each.score;
  const scores = Object.values(each.scores ?? {}).map((one) => one.score);
  return scores.length ? scores.reduce((sum, one) => sum + one) / scores.length : undefined;
}

// The difference of two texts, word by word: each becomes a list of [part, isShared]

// a blank run, a word, a flag, an emoji of several characters, or a sign
const WORDS = new RegExp(
  "\\s+|[\\p{L}\\p{M}\\p{N}_\\u200c\\u200d]+|\\p{RI}{2}" +
    "|\\p{ExtPict}[\\p{M}\\p{EMod}]*(?:\\u200d\\p{ExtPict}[\\p{M}\\p{EMod}]*)*" +
    "|[^\\s\\p{L}\\p{M}\\p{N}_]",
  "gu",
);
const MOST_EDITS = 2000; // 16 MB, and a few hundredths of a second

function difference(one, other) {
  const [left, right] = [one, other].map((text) => text.match(WORDS) ?? []);
  const start = sharedStart(left, right);
  const end = sharedStart(left.slice(start).reverse(), right.slice(start).reverse());
  const middle = (words) => words.slice(start, words.length - end);
  const kept = common(middle(left), middle(right));
  return [left, right].map((words, side) => {
    const isOutside = (at) => at < start || at >= words.length - end;
    return parts(words, (at) => isOutside(at) || kept[side][at - start] === 1);
  });
}

function sharedStart(left, right) {
  const most = Math.min(left.length, right.length);
  let length = 0;
  while (length < most && left[length] === right[length]) length++;
  return length;
}

// which words of either are kept by the shortest way from one to the other
function common(left, right) {
  const kept = [new Uint8Array(left.length), new Uint8Array(right.length)];
  let [x, y] = [left.length, right.length];
  const reaches = shortestWay(left, right);
  for (let edits = reaches.length - 1; edits >= 0; edits--) {
    const reach = (diagonal) => reaches[edits][diagonal + edits + 1];
    const isDown = goesDown(reach, x - y, edits);
    const from = isDown ? x - y + 1 : x - y - 1;
    const start = edits ? reach(from) + (isDown ? 0 : 1) : 0;
    while (x > start) kept[0][--x] = kept[1][--y] = 1;
    [x, y] = [reach(from), reach(from) - from];
  }
  if (!isTelling(left, kept[0]) && !isTelling(right, kept[1])) kept.forEach((each) => each.fill(0));
  return kept;
}

// Myers, "An O(ND) difference algorithm", 1986: before each edit, how far along the left
// words every diagonal reaches; nothing where it takes too many edits
function shortestWay(left, right) {
  const most = Math.min(left.length + right.length, MOST_EDITS);
  const reaches = [];
  const furthest = new Int32Array(2 * most + 3);
  const reach = (diagonal) => furthest[diagonal + most + 1];
  for (let edits = 0; edits <= most; edits++) {
    reaches.push(furthest.slice(most - edits, most + edits + 3));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const isDown = goesDown(reach, diagonal, edits);
      let x = edits ? (isDown ? reach(diagonal + 1) : reach(diagonal - 1) + 1) : 0;
      while (x < left.length && x - diagonal < right.length && left[x] === right[x - diagonal]) x++;
      furthest[diagonal + most + 1] = x;
      if (x >= left.length && x - diagonal >= right.length) return reaches;
    }
  }
  return [];
}

function goesDown(reach, diagonal, edits) {
  if (diagonal === -edits || diagonal === edits) return diagonal === -edits;
  return reach(diagonal - 1) < reach(diagonal + 1);
}

// a few stray words in common would only tear two different texts to pieces
function isTelling(words, kept) {
  const size = (some) => some.reduce((sum, word) => sum + word.trim().length, 0);
  return size(words.filter((_, at) => kept[at])) * 4 >= size(words);
}

function parts(words, isKept) {
  // a blank between two words that differ belongs to them
  const isInside = (at) => at > 0 && at < words.length - 1;
  const isBridge = (at) => !words[at].trim() && isInside(at) && !isKept(at - 1) && !isKept(at + 1);
  const isShared = (at) => isKept(at) && !isBridge(at);
  const found = [];
  for (let from = 0, to = 0; from < words.length; from = to) {
    while (to < words.length && isShared(to) === isShared(from)) to++;
    found.push([words.slice(from, to).join(""), isShared(from)]);
  }
  return found;
}

// Parts that differ and look the same are shown with escapes, as difference.py does it

const BLANK = /\p{Zs}/gu;
const UNSEEN =
  /[\u034f\u115f\u1160\u17b4\u17b5\u200c\u200d\u2800\u3164\uffa0\ufe00-\ufe0f\u{e0020}-\u{e01ef}]/gu;
const ODD = [new RegExp(`${UNSEEN.source}|(?! )\\p{Zs}`, "u"), /[^\0-\x7f]/u, /\s/u];
const LATIN = {
  from:
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf" +
    "\u0405\u0406\u0408\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425" +
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u2010\u2011",
  to: "ABEZHIKMNOPTYXoSIJABEKMHOPCTXaeopcyxsij--",
};

function outline(text) {
  const seen = text.replace(UNSEEN, "").replace(BLANK, " ").normalize("NFC").trim();
  return seen.replace(/[^\0-\x7f]/g, (char) => LATIN.to[LATIN.from.indexOf(char)] ?? char);
}

// make an element of each part that differs, with escapes if the other text has its like
function showParts(parts, others, name) {
  const differing = others.filter(([, isShared]) => !isShared).map(([text]) => text);
  const alike = new Map(differing.map((text) => [outline(text), text]));
  const content = (text) => {
    const like = alike.get(outline(text)) ?? (outline(text) ? undefined : "");
    return like === undefined ? text : withEscapes(text, like);
  };
  return parts.map(([text, isShared]) => (isShared ? text : make(name, {}, content(text))));
}

function withEscapes(text, like) {
  const odd = ODD.find((each) => each.test(text + like));
  const show = (char) => (char === "\n" ? [makeEscape(char), char] : makeEscape(char));
  return [...text].flatMap((char) => (odd?.test(char) ? show(char) : char));
}

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
