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
