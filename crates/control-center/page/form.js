// The form: a call that the library signs and sends.

import { byId, code, make, visible } from "./elements.js";
import { language, say } from "./words.js";
import { choose } from "./requests.js";

const PATHS = {
  api: ["/oapi/v1/echo", "/oapi/v1/job/create", "/oapi/v1/job/get", "/oapi/v1/job/list", "/oapi/v1/job/stop", "/oapi/v1/process/list", "/oapi/v1/robot/list"],
  9: ["get-process", "get-robots", "start-job", "get-jobs", "get-job-status", "stop-job", "echo"],
};
const FIRST = { note: "月结 2020/11/30 ~ 完成 & 100%" };

let generation = null;
let last = null;
let openRequests = () => {};

export function setGeneration(name) {
  if (generation === name) return;
  generation = name;
  const form = byId("form");
  const paths = PATHS[name] ?? PATHS.api;
  byId("paths").replaceChildren(...paths.map((path) => make("option", { value: path })));
  form.rest_type.value = paths[0];
  form.data_json.value = JSON.stringify(FIRST);
  form.mode.closest("label").hidden = name === "9";
  form.accesstoken.closest("label").hidden = name === "9" || name === "10.3";
  showLabels();
}

export function useToken(token) {
  byId("form").accesstoken.value = token;
}

export function showLabels() {
  byId("path-label").textContent = say(generation === "9" ? "action" : "path");
  if (last) showResult(last);
}

async function send(event) {
  event.preventDefault();
  const form = byId("form");
  const request = {
    [generation === "9" ? "action" : "rest_type"]: form.rest_type.value.trim(),
    data_json: form.data_json.value.trim() || "{}",
  };
  if (form.values.value) request.values = form.values.value;
  if (generation !== "9") request.mode = form.mode.value;
  if (form.encoding.value) request.encoding = form.encoding.value;
  if (form.accesstoken.value.trim()) request.accesstoken = form.accesstoken.value.trim();
  byId("form-status").textContent = say("sending");
  try {
    const reply = await fetch("call", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(request) });
    const result = await reply.json();
    if (!reply.ok) throw new Error(result.msg);
    last = result;
    byId("form-status").textContent = "";
    showResult(result);
  } catch (error) {
    byId("form-status").textContent = say("notSent", error.message);
  }
}

function showResult(result) {
  const { call, sign, visit } = result;
  const refused = call.code !== 0;
  const chinese = language() === "zh" || !call.error;
  const verdict = make(
    "div",
    { class: `verdict ${refused ? "bad" : "good"}` },
    make("p", { class: "line" }, say(refused ? "refused" : "accepted"), ` · code ${call.code}`),
    make("p", {}, visible(chinese ? call.msg : call.error.detail)),
  );
  const pieces = [verdict];
  if (visit) {
    const open = () => {
      openRequests();
      // It may still be on its way: then it is shown when it comes.
      choose(visit);
    };
    pieces.push(make("p", {}, make("button", { type: "button", id: "see-request", on: { click: open } }, say("seeRequest"))));
  }
  pieces.push(...stages(sign), make("h2", {}, say("libraryReply")), code(JSON.stringify(call, null, 2)));
  byId("form-result").replaceChildren(...pieces);
}

function stages(sign) {
  if (!sign) return [];
  const facts = sign.result ?? {};
  if (!facts.source) return [make("h2", {}, say("libraryStages")), code(JSON.stringify(sign, null, 2))];
  const headers = Object.entries(facts.headers ?? {}).map(([name, value]) => `${name}: ${value}`);
  const request = [`${facts.method} ${facts.url}`, ...headers, ...(facts.body ? ["", facts.body] : [])];
  const notes = (facts.notes ?? []).map((note) => make("li", {}, visible(note)));
  return [
    make("h2", {}, say("libraryStages")),
    ...(notes.length ? [make("h3", {}, say("notes")), make("ul", { class: "notes" }, notes)] : []),
    make("h3", {}, say("source")),
    code(facts.source),
    make("h3", {}, say("encoded")),
    code(facts.encoded),
    make("h3", {}, say("signature")),
    code(facts.signature),
    make("h3", {}, say("request")),
    code(request.join("\n")),
  ];
}

export function begin(open) {
  openRequests = open;
  byId("form").addEventListener("submit", send);
}
