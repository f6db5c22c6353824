// The list of requests, newest first, and which of them is chosen.

import { byId, make, visible } from "./elements.js";
import { language, say } from "./words.js";
import { detail } from "./detail.js";

const KEPT = 200;

let visits = [];
let chosen = null;
let lost = 0;
let base = "";

export const isRefused = (visit) => visit.status === null || visit.status >= 400 || (visit.code ?? 0) !== 0;

export const why = (visit) => {
  if (visit.status === null) return say("clientGone");
  return language() === "zh" && visit.msg ? visit.msg : visit.reason;
};

// Takes requests that came, in the order they came.
export function add(came) {
  const known = new Set(visits.map((visit) => visit.n));
  visits = [...came.filter((visit) => !known.has(visit.n)).reverse(), ...visits].slice(0, KEPT);
  if (byId("follow").checked && visits.length) chosen = shown()[0]?.n ?? null;
  show();
}

export function addLost(amount) {
  lost += amount;
  show();
}

export function forget() {
  [visits, chosen, lost] = [[], null, 0];
  show();
}

export function setBase(address) {
  base = address;
  showEmpty();
}

export function choose(n) {
  chosen = n;
  byId("follow").checked = false;
  show();
}

const find = (n) => visits.find((visit) => visit.n === n);

function shown() {
  return byId("refused-only").checked ? visits.filter(isRefused) : visits;
}

const time = (visit) => new Date(visit.time).toLocaleTimeString(language() === "zh" ? "zh-CN" : "en-GB");

function row(visit) {
  const button = make(
    "button",
    { type: "button", class: isRefused(visit) ? "bad" : "good", "data-n": visit.n, "aria-current": visit.n === chosen ? "true" : "false" },
    make("span", { class: "method" }, visible(visit.method)),
    make("span", { class: "path" }, visible(visit.path.text)),
    make("span", { class: "pill" }, String(visit.status ?? say("noReply"))),
    make("span", { class: "why" }, `${time(visit)}  `, visible(why(visit))),
  );
  // One of the list is reached by Tab, the others by the arrows.
  button.tabIndex = visit.n === chosen ? 0 : -1;
  return make("li", {}, button);
}

function showEmpty() {
  const list = shown();
  byId("none").hidden = list.length > 0;
  byId("none").textContent = visits.length ? say("noneRefused") : say("noRequests", base);
}

export function show() {
  const list = shown();
  const focused = document.activeElement?.dataset?.n;
  byId("requests").replaceChildren(...list.map(row));
  const buttons = [...byId("requests").querySelectorAll("button")];
  if (buttons.length && !buttons.some((button) => button.tabIndex === 0)) buttons[0].tabIndex = 0;
  if (focused) buttons.find((button) => button.dataset.n === focused)?.focus({ preventScroll: true });
  byId("lost").hidden = lost === 0;
  byId("lost").textContent = say("lost", lost);
  showEmpty();
  const visit = find(chosen);
  // What is shown already stays as it is: somebody may be reading, or have marked a text.
  const key = visit ? `${visit.n} ${language()}` : `none ${language()}`;
  if (byId("detail").dataset.shows !== key) {
    byId("detail").dataset.shows = key;
    byId("detail").replaceChildren(visit ? detail(visit, why(visit), isRefused(visit)) : make("p", { class: "empty" }, say("choose")));
  }
}

export function begin() {
  byId("requests").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(Number(button.dataset.n));
  });
  byId("requests").addEventListener("keydown", (event) => {
    const buttons = [...byId("requests").querySelectorAll("button")];
    const here = buttons.indexOf(event.target.closest("button"));
    const places = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: buttons.length - 1 };
    const next = buttons[places[event.key]];
    if (here < 0 || !next) return;
    event.preventDefault();
    next.focus();
    choose(Number(next.dataset.n));
  });
  byId("refused-only").addEventListener("change", show);
  byId("follow").addEventListener("change", () => add([]));
  byId("clear").addEventListener("click", forget);
}
