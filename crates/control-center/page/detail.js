// One request: what came of it and why, what the server checked beside what the client signed, and all that arrived.

import { at, code, firstDifference, make, marked, visible } from "./elements.js";
import { either, language, say } from "./words.js";

const EXACT = { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 };
const clock = (ms) => new Date(ms).toLocaleTimeString(language() === "zh" ? "zh-CN" : "en-GB", EXACT);

export function detail(visit, why, refused) {
  const pieces = document.createDocumentFragment();
  pieces.append(verdict(visit, why, refused));
  if (visit.stages && !visit.stages.matches) pieces.append(...comparison(visit.stages));
  pieces.append(...arrived(visit));
  if (visit.stages?.matches) {
    const stages = make("details", {}, make("summary", {}, say("stages")), ...single(visit.stages));
    pieces.append(stages);
  }
  return pieces;
}

function verdict(visit, why, refused) {
  const status = visit.status === null ? say("noReply") : `HTTP ${visit.status}`;
  const line = [say(refused ? "refused" : "accepted"), status];
  if (visit.code !== null && visit.code !== undefined) line.push(`code ${visit.code}`);
  const lines = [make("p", { class: "line" }, line.join(" · ")), make("p", {}, visible(why))];
  if (visit.token) lines.push(make("p", { class: "token" }, tokenLine(visit)));
  const stages = visit.stages;
  if (stages?.matches) lines.push(make("p", {}, say("signatureMatches", stages.encoding)));
  if (stages && !stages.matches) {
    const guess = stages.hint ? either(stages.hint) : say("noGuess");
    lines.push(make("p", { class: "guess" }, make("strong", {}, say("guess")), guess));
  }
  return make("div", { class: `verdict ${refused ? "bad" : "good"}` }, lines);
}

function tokenLine(visit) {
  const { access, state, expires } = visit.token;
  const late = say("seconds", ((visit.time - expires) / 1000).toFixed(1));
  const facts = { valid: [clock(expires)], expired: [clock(expires), late] };
  return say("tokenLine", access.slice(-4), say(state, ...(facts[state] ?? [])));
}

// The server's and the client's text under each other, up to the first difference.
function pair(word, server, client) {
  const place = firstDifference(server, client);
  const texts = place === null ? [code(server), code(client)] : [marked(server, place), marked(client, place)];
  const sentence = place === null
    ? say("sameSource")
    : say("difference", place + 1, quoted(at(server, place)), quoted(at(client, place)));
  return [
    make("h2", {}, say(word)),
    make("div", { class: "pair", "data-pair": word }, make("h3", {}, say("server")), texts[0], make("h3", {}, say("client")), texts[1]),
    make("p", { class: "difference soft" }, visible(sentence)),
  ];
}

const quoted = (character) => (character === "" ? say("end") : `“${character}”`);

function comparison(stages) {
  const signature = [
    make("h2", {}, say("signature")),
    make(
      "div",
      { class: "pair" },
      make("h3", {}, say("expected")),
      code(stages.expected),
      make("h3", {}, say("received")),
      code(stages.received ?? say("none")),
    ),
  ];
  if (stages.client) {
    return [...pair("source", stages.source, stages.client.source), ...pair("encoded", stages.encoded, stages.client.encoded), ...signature];
  }
  return [...single(stages), ...pasted(stages), ...signature.slice(0, 2)];
}

function single(stages) {
  return [make("h2", {}, say("source")), code(stages.source), make("h2", {}, say("encoded")), code(stages.encoded)];
}

// A text that somebody has of the client is compared with the one of the two that it is closer to.
function pasted(stages) {
  const result = make("div", { class: "pasted" });
  const compare = (event) => {
    const text = event.target.value.trim();
    if (text === "") {
      result.replaceChildren();
      return;
    }
    const far = (own) => firstDifference(own, text) ?? Infinity;
    const word = far(stages.encoded) >= far(stages.source) ? "encoded" : "source";
    result.replaceChildren(...pair(word, stages[word], text));
  };
  const box = make("textarea", { rows: "3", spellcheck: "false", class: "paste", on: { input: compare } });
  return [make("h2", {}, make("label", {}, say("compare"), box)), result];
}

function arrived(visit) {
  const rows = visit.headers.map(([name, value]) =>
    make("tr", {}, make("th", { class: "code", scope: "row" }, visible(name)), make("td", { class: "code" }, visible(value))),
  );
  const pieces = [
    make("h2", {}, say("request")),
    code(`${visit.method} ${visit.path.text}${visit.query ? `?${visit.query.text}` : ""}`),
    ...parameters(visit),
    make("h2", {}, say("headers")),
    make("div", { class: "scroll" }, make("table", { class: "headers" }, make("tbody", {}, rows))),
  ];
  if (visit.body) pieces.push(...part("body", visit.body));
  if (visit.reply) pieces.push(...part("reply", visit.reply));
  return pieces;
}

function parameters(visit) {
  if (!visit.query?.text.includes("%")) return [];
  let rows;
  try {
    rows = visit.query.text.split("&").map((piece) => {
      const [name, ...value] = piece.split("=").map((side) => decodeURIComponent(side));
      return make("tr", {}, make("th", { class: "code", scope: "row" }, visible(name)), make("td", { class: "code" }, visible(value.join("="))));
    });
  } catch {
    return []; // The verdict says that it is broken.
  }
  return [make("h2", {}, say("parameters")), make("div", { class: "scroll" }, make("table", { class: "parameters" }, make("tbody", {}, rows)))];
}

function part(word, text) {
  const pieces = [make("h2", {}, say(word)), code(text.text)];
  if (!text.whole) pieces.push(make("p", { class: "soft" }, say("cut", text.bytes)));
  return pieces;
}
