// Tokens, jobs, files, counts, and the rules in force, as the emulator holds them now.

import { byId, make, visible } from "./elements.js";
import { language, say } from "./words.js";
import { setBase } from "./requests.js";
import { setGeneration, useToken } from "./form.js";

let state = null;
let openForm = () => {};
let asking = null;

const clock = (ms) => (ms === null ? "" : new Date(ms).toLocaleTimeString(language() === "zh" ? "zh-CN" : "en-GB"));

export async function ask() {
  try {
    state = await (await fetch("state")).json();
  } catch {
    return; // The line at the top says that the connection is lost.
  }
  setBase(state.base);
  setGeneration(state.generation);
  show();
}

// Soon, and once for many.
export function askSoon() {
  asking ??= setTimeout(() => {
    asking = null;
    ask();
  }, 300);
}

async function change(settings) {
  await fetch("settings", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(settings) });
  await ask();
}

function table(word, none, columns, rows) {
  if (!rows.length) return [make("h2", {}, say(word)), make("p", { class: "soft" }, say(none))];
  const head = columns.map((column) => make("th", { scope: "col" }, column ? say(column) : ""));
  const body = rows.map((row) => make("tr", {}, row));
  const made = make("table", { "data-table": word }, make("thead", {}, make("tr", {}, head)), make("tbody", {}, body));
  return [make("h2", {}, say(word)), make("div", { class: "scroll" }, made)];
}

const cell = (text) => make("td", {}, visible(text ?? ""));
const codeCell = (text) => make("td", { class: "code" }, visible(text ?? ""));
const pill = (kind, text) => make("td", {}, make("span", { class: `pill ${kind}` }, text));
const TOKEN_STATES = { valid: ["good", "stateValid"], expired: ["bad", "stateExpired"], superseded: ["warn", "stateSuperseded"] };

function tokens() {
  const rows = state.tokens.map((token) => {
    const [kind, word] = TOKEN_STATES[token.state] ?? ["warn", "unknown"];
    const take = () => {
      useToken(token.access);
      openForm();
    };
    const use = make("button", { type: "button", on: { click: take } }, say("use"));
    return [codeCell(token.access), pill(kind, say(word)), cell(clock(token.issued)), cell(clock(token.expires)), cell(token.calls), make("td", {}, use)];
  });
  return table("tokens", "noTokens", ["token", "status", "issued", "expires", "calls", ""], rows);
}

function jobs() {
  const kinds = { finished: "good", stopped: "bad" };
  const rows = state.jobs.map((job) => [
    codeCell(job.jobNo),
    cell(`${job.procCode} ${job.procName}`),
    codeCell(job.robotNo),
    pill(kinds[job.status] ?? "warn", say(job.status)),
    cell(clock(job.createTime)),
    codeCell(JSON.stringify(job.params)),
  ]);
  return table("jobs", "noJobs", ["job", "process", "robot", "status", "created", "params"], rows);
}

function files() {
  const rows = state.files.map((file) => [cell(file.name), cell(file.bytes), codeCell(file.sha256), cell(clock(file.time))]);
  return table("files", "noFiles", ["fileName", "bytes", "SHA-256", "created"], rows);
}

function counts() {
  const rows = Object.entries(state.counts.by_path).map(([path, amount]) => [codeCell(path), cell(amount)]);
  return table("counts", "none", ["request", "calls"], rows);
}

function rules() {
  const names = { python: "python", java: "java", either: say("ruleEither") };
  const options = Object.entries(names).map(([value, text]) => make("option", { value, selected: value === state.encoding }, text));
  const rule = make("select", { id: "rule", on: { change: (event) => change({ encoding: event.target.value }) } }, options);
  const expire = make("button", { type: "button", id: "expire", on: { click: () => change({ expire_tokens: true }) } }, say("expireTokens"));
  const keys = state.generation === "10.3" ? `appkey ${state.appkey}` : `accesskey ${state.accessKey} · secretkey ${state.secretKey}`;
  const row = [make("label", {}, say("acceptedRule"), rule)];
  if (state.generation.startsWith("2020")) row.push(expire);
  const shown = [make("h2", {}, say("rules")), make("div", { class: "row" }, row)];
  if (state.generation !== "9") shown.push(make("p", { class: "soft" }, say("keys") + keys));
  return shown;
}

export function show() {
  if (!state) return;
  const encoding = state.encoding === "either" ? say("ruleEither") : state.encoding;
  byId("facts").textContent = [state.base, say("generation", state.generation), say("rule", encoding)].join(" · ");
  if (byId("panel-state").hidden) return;
  // A list that is just open, or a button that has the focus, stays.
  if (!byId("rules").contains(document.activeElement)) byId("rules").replaceChildren(...rules());
  const focused = byId("tables").contains(document.activeElement);
  if (focused) return;
  const has = state.generation.startsWith("2020");
  byId("tables").replaceChildren(...(has ? tokens() : []), ...jobs(), ...(state.generation === "2020.5" ? files() : []), ...counts());
}

export function begin(open) {
  openForm = open;
  ask();
  setInterval(() => {
    if (!document.hidden && !byId("panel-state").hidden) ask();
  }, 1500);
}
