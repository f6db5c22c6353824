// Elements, made without ever taking a text for HTML: what a request holds is text, whatever it looks like.

export function make(tag, facts = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) {
    if (name === "class") element.className = value;
    else if (name === "on") for (const [event, work] of Object.entries(value)) element.addEventListener(event, work);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

// Characters that nobody sees, or that turn the order of others around; a line break and a tab are none.
const UNSEEN = /([\p{Cc}\p{Cf}\p{Zl}\p{Zp}])/u;

// A text in which unseen characters are named.
export function visible(text) {
  const pieces = document.createDocumentFragment();
  for (const piece of String(text).split(UNSEEN)) {
    if (piece === "") continue;
    if (UNSEEN.test(piece) && piece !== "\n" && piece !== "\t") {
      const code = piece.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
      pieces.append(make("span", { class: "unseen" }, `U+${code}`));
    } else {
      pieces.append(piece);
    }
  }
  return pieces;
}

export const code = (text) => make("code", { class: "text" }, visible(text));

// Where two texts begin to differ, in characters; null if they do not. Within a %XX it is the place of the %.
export function firstDifference(one, other) {
  const [a, b] = [Array.from(one), Array.from(other)];
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at += 1;
  if (at === a.length && at === b.length) return null;
  for (const back of [1, 2]) {
    if (a[at - back] === "%" && b[at - back] === "%") return at - back;
  }
  return at;
}

// A text up to its first difference, the differing character marked, and the rest.
export function marked(text, at) {
  const characters = Array.from(text);
  const length = characters[at] === "%" ? 3 : 1;
  const [before, there, after] = [characters.slice(0, at), characters.slice(at, at + length), characters.slice(at + length)];
  return make(
    "code",
    { class: "text" },
    make("span", { class: "same" }, visible(before.join(""))),
    make("mark", {}, there.length ? visible(there.join("")) : "∅"),
    visible(after.join("")),
  );
}

export const at = (text, place) => {
  const characters = Array.from(text);
  return characters.slice(place, place + (characters[place] === "%" ? 3 : 1)).join("");
};
