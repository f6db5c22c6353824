// All that the page says, in English and Chinese.

const WORDS = {
  title: ["Control center emulator", "模拟控制中心"],
  skip: ["Skip to the content", "跳到正文"],
  sections: ["Sections", "栏目"],
  requests: ["Requests", "请求"],
  tryCall: ["Try a call", "试一次调用"],
  state: ["Tokens, jobs, rules", "Token、任务、规则"],
  otherLanguage: ["中文", "English"],
  generation: ["generation {}", "{}版"],
  rule: ["signatures by the {} rule", "按{}规则验签"],
  connected: ["live", "实时"],
  disconnected: ["connection lost, trying again", "连接中断，正在重连"],
  connecting: ["connecting", "正在连接"],
  refusedOnly: ["only refused", "只看被拒绝的"],
  follow: ["show the newest", "自动显示最新"],
  clear: ["Clear", "清空"],
  lost: ["{} requests came too fast to be shown", "有{}个请求来得太快，未显示"],
  noRequests: ["No request yet. Call {}, or try a call here.", "还没有请求。请调用{}，或在这里试一次调用。"],
  noneRefused: ["No refused request.", "没有被拒绝的请求。"],
  detail: ["The chosen request", "所选请求"],
  choose: ["Choose a request on the left.", "请在左边选择一个请求。"],
  noReply: ["no reply", "无回复"],
  clientGone: ["The client closed the connection before the reply.", "客户端在回复之前关闭了连接。"],
  accepted: ["Accepted", "已接受"],
  refused: ["Refused", "被拒绝"],
  signatureMatches: ["The signature is right, by the {} rule.", "签名正确（按{}规则）。"],
  guess: ["Likely mistake: ", "可能的错误："],
  noGuess: [
    "No usual mistake leads to this signature, so what the client signed is not known. Paste its source string or encoded text below.",
    "没有一种常见错误能得出这个签名，因此不知道客户端签的是什么。请把它的源串或编码后的源串粘贴到下面。",
  ],
  compare: ["The client's source string or encoded text, to compare", "客户端的源串或编码后的源串（用于比较）"],
  signature: ["Signature", "签名"],
  source: ["Source string", "源串"],
  encoded: ["Encoded text", "编码后的源串"],
  server: ["server", "控制中心"],
  client: ["client", "客户端"],
  expected: ["expected", "应为"],
  received: ["received", "收到"],
  none: ["none", "无"],
  sameSource: ["Both are the same.", "两者相同。"],
  difference: [
    "First difference at character {}: the server has {}, the client has {}.",
    "第{}个字符开始不同：控制中心是{}，客户端是{}。",
  ],
  end: ["the end", "结尾"],
  stages: ["How the server checked the signature", "控制中心如何验签"],
  request: ["Request", "请求内容"],
  parameters: ["Parameters, decoded", "参数（解码后）"],
  query: ["Query", "URL参数"],
  headers: ["Headers", "请求头"],
  body: ["Body", "请求体"],
  reply: ["Reply", "回复"],
  cut: ["the beginning of {} bytes", "共{}字节，只显示开头"],
  tokenLine: ["Token ending in {}: {}", "末尾为{}的token：{}"],
  valid: ["valid until {}", "有效期至{}"],
  expired: ["expired at {}, {} before this request", "{}已过期，早于此请求{}"],
  superseded: ["superseded by a newer token", "已被新token取代"],
  stateValid: ["valid", "有效"],
  stateExpired: ["expired", "已过期"],
  stateSuperseded: ["superseded", "已失效"],
  unknown: ["unknown", "未知"],
  seconds: ["{} s", "{}秒"],
  formLead: [
    "The call is signed and sent by the library itself. Its stages are shown here; what the emulator made of it stands under Requests.",
    "由动态库签名并发送。这里显示签名的各个步骤；模拟控制中心收到后的处理见“请求”。",
  ],
  mode: ["mode", "方式（mode）"],
  path: ["rest_type (path)", "rest_type（路径）"],
  action: ["action", "action（动作）"],
  data: ["data_json (JSON object)", "data_json（JSON对象）"],
  encoding: ["encoding", "encoding（编码）"],
  values: ["values", "values（取值）"],
  token: ["accesstoken", "accesstoken"],
  "SHA-256": ["SHA-256", "SHA-256"],
  tokenByKeys: ["empty: by the emulator's keys", "留空：使用模拟控制中心的密钥"],
  byDefault: ["default", "默认"],
  send: ["Sign and send", "签名并发送"],
  sending: ["sending", "正在发送"],
  notSent: ["The form could not be sent: {}", "无法发送：{}"],
  libraryReply: ["What the library returned", "动态库返回的结果"],
  libraryStages: ["What the library signed and sent", "动态库签名并发送的内容"],
  notes: ["Notes", "说明"],
  seeRequest: ["What the emulator made of it", "模拟控制中心的处理"],
  rules: ["Rules", "规则"],
  acceptedRule: ["signatures are checked by", "验签规则"],
  ruleEither: ["either", "两者皆可"],
  expireTokens: ["Expire all tokens now", "让所有token立即过期"],
  tokens: ["Tokens", "Token"],
  noTokens: ["No token was handed out yet.", "还没有发放过token。"],
  use: ["Use in the form", "填入表单"],
  issued: ["issued", "发放"],
  expires: ["expires", "过期"],
  calls: ["calls", "调用次数"],
  jobs: ["Jobs", "任务"],
  noJobs: ["No job yet.", "还没有任务。"],
  job: ["job", "任务编号"],
  process: ["process", "流程"],
  robot: ["robot", "机器人"],
  status: ["status", "状态"],
  created: ["created", "创建"],
  params: ["parameters", "参数"],
  waiting: ["waiting", "等待"],
  running: ["running", "运行中"],
  finished: ["finished", "已完成"],
  stopped: ["stopped", "已停止"],
  files: ["Files", "文件"],
  noFiles: ["No file was uploaded yet.", "还没有上传过文件。"],
  fileName: ["name", "文件名"],
  bytes: ["bytes", "字节"],
  counts: ["Counted", "计数"],
  keys: ["Keys of this emulator: ", "模拟控制中心的密钥："],
};

const KEPT = "rpa-emulator-language";
let chosen = 0;

export const language = () => ["en", "zh"][chosen];

// In the language of the page; each {} is filled in order.
export function say(word, ...fillings) {
  const text = (WORDS[word] ?? [word, word])[chosen];
  return text.replace(/\{\}/g, () => fillings.shift() ?? "");
}

// Of a sentence that the server gives in both.
export const either = (words) => (words ? words[language()] : null);

export function setLanguage(name) {
  chosen = name === "zh" ? 1 : 0;
  document.documentElement.lang = chosen ? "zh-CN" : "en";
  document.title = say("title");
  for (const element of document.querySelectorAll("[data-words]")) element.textContent = say(element.dataset.words);
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say(element.dataset.label));
  }
  for (const element of document.querySelectorAll("[data-placeholder]")) {
    element.placeholder = say(element.dataset.placeholder);
  }
}

// What was chosen before, else the first of the browser's languages that the page knows.
export function firstLanguage() {
  try {
    const kept = localStorage.getItem(KEPT);
    if (kept) return kept;
  } catch {
    // A browser that keeps nothing has its own language.
  }
  const known = navigator.languages.map((name) => name.slice(0, 2).toLowerCase()).find((name) => ["en", "zh"].includes(name));
  return known ?? "en";
}

export function keepLanguage(name) {
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // Then it is asked for again next time.
  }
}
