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
