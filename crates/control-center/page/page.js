// The page: its sections, its language, and the stream of requests.

import { byId } from "./elements.js";
import { firstLanguage, keepLanguage, language, say, setLanguage } from "./words.js";
import * as requests from "./requests.js";
import * as form from "./form.js";
import * as state from "./state.js";

const SECTIONS = ["requests", "form", "state"];
const WAITING = 200;

let connection = "connecting";

function open(section, focus = false) {
  for (const name of SECTIONS) {
    const tab = byId(`tab-${name}`);
    const chosen = name === section;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    byId(`panel-${name}`).hidden = !chosen;
    if (chosen && focus) tab.focus();
  }
  history.replaceState(null, "", `#${section}`);
  if (section === "state") state.ask();
}

function speak(name) {
  setLanguage(name);
  byId("language").textContent = say("otherLanguage");
  byId("language").lang = language() === "zh" ? "en" : "zh-CN";
  showConnection();
  requests.show();
  form.showLabels();
  state.show();
}

function showConnection() {
  byId("connection").className = connection === "connected" ? "open" : "";
  byId("connection").textContent = say(connection);
}

function listen() {
  let emulator = null;
  let waiting = [];
  let timer = null;
  // Many that come at once are shown at once.
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = null;
      requests.add(waiting.splice(0));
      state.askSoon();
    }, 60);
  };
  const stream = new EventSource("events");
  const now = (name) => () => {
    connection = name;
    showConnection();
  };
  stream.addEventListener("open", now("connected"));
  stream.addEventListener("error", now("disconnected"));
  stream.addEventListener("hello", (event) => {
    if (emulator !== null && emulator !== event.data) requests.forget();
    emulator = event.data;
  });
  stream.addEventListener("request", (event) => {
    waiting.push(JSON.parse(event.data));
    if (waiting.length > WAITING) requests.addLost(waiting.splice(0, waiting.length - WAITING).length);
    soon();
  });
  stream.addEventListener("lost", (event) => requests.addLost(Number(event.data)));
}

for (const name of SECTIONS) byId(`tab-${name}`).addEventListener("click", () => open(name));
document.querySelector(".tabs").addEventListener("keydown", (event) => {
  const here = SECTIONS.findIndex((name) => byId(`tab-${name}`) === event.target);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (here >= 0 && step) open(SECTIONS[(here + step + SECTIONS.length) % SECTIONS.length], true);
});
byId("language").addEventListener("click", () => {
  const other = language() === "zh" ? "en" : "zh";
  keepLanguage(other);
  speak(other);
});

requests.begin();
form.begin(() => open("requests"));
speak(firstLanguage());
open(SECTIONS.includes(location.hash.slice(1)) ? location.hash.slice(1) : "requests");
state.begin(() => open("form"));
listen();
