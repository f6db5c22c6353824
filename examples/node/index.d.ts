export interface Options {
  /** Rejects at once. A call that has begun goes on by itself: look a post up before it is made again. */
  signal?: AbortSignal;
}

export interface CallOptions extends Options {
  /** Further fields of this request, by the library's names: files, save_to, timeout_ms and so on. */
  [field: string]: unknown;
}

/** JSON text in, JSON text out: numbers keep all their digits, and a failure is in the reply. */
export function getToken(request: string, options?: Options): Promise<string>;
export function refreshToken(request: string, options?: Options): Promise<string>;
export function call(request: string, options?: Options): Promise<string>;
/** The reply holds the token. */
export function sign(request: string, options?: Options): Promise<string>;
export function diagnose(request: string, options?: Options): Promise<string>;
/** The version of the library, such as "1.2.3". */
export function version(): string;

export interface Warning {
  kind: 'clock' | 'store' | 'eviction' | 'verify' | 'certificate' | 'repeated' | 'log' | string;
  zh: string;
  en: string;
}

/** The fields that every request begins with, see the library's documentation. */
export interface Settings {
  accesskey?: string;
  secretkey?: string;
  accesstoken?: string;
  port?: number | string;
  proxy?: string | null;
  retry?: number;
  timeout_ms?: number;
  connect_timeout_ms?: number;
  keep_alive_ms?: number;
  tls?: { verify?: boolean; ca_file?: string; pin_sha256?: string | string[] };
  headers?: Record<string, string>;
  token_store?: 'memory' | { file: string } | { redis: string };
  /** Whether replies come with facts and warnings beside them (true). */
  meta?: boolean;
  /** By default each kind is told once by process.emitWarning. */
  onWarning?: (warning: Warning) => void;
  [field: string]: unknown;
}

/** What the control center answered; any JSON, and usually this. */
export interface Reply {
  code: number;
  msg?: string;
  result?: any;
  [field: string]: any;
}

export interface Sent {
  reply: Reply;
  /** The JSON as it came; with `meta` the facts are around it. */
  text: string;
  meta: Record<string, any> | null;
  warnings: Warning[];
}

export interface Diagnosis {
  verdict: {
    ok: boolean;
    zh: string;
    en: string;
    check: string | null;
    setting: string | null;
    turn: 'you' | 'network' | 'control_center' | null;
  };
  library: Record<string, any>;
  machine: Record<string, any>;
  settings: Array<Record<string, any>>;
  checks: Array<Record<string, any>>;
}

/** One control center. */
export class Client {
  constructor(host: string, settings?: Settings);
  readonly settings: Record<string, unknown>;
  get(restType: string, data?: object | string, options?: CallOptions): Promise<Reply>;
  post(restType: string, data?: object | string, options?: CallOptions): Promise<Reply>;
  put(restType: string, data?: object | string, options?: CallOptions): Promise<Reply>;
  delete(restType: string, data?: object | string, options?: CallOptions): Promise<Reply>;
  /** Any call, with all that is known of it. */
  send(mode: 'get' | 'post' | 'put' | 'delete', restType: string, data?: object | string, options?: CallOptions): Promise<Sent>;
  /** Starts something by a post and waits until it has come to its end. */
  run(restType: string, data: object | string, wait: object, options?: CallOptions): Promise<{ started: Reply; reply: Reply; resume?: string }>;
  /** Goes on waiting for what run() has started, in whatever process that was. */
  resume(resume: string, options?: CallOptions): Promise<{ started: Reply; reply: Reply; resume?: string }>;
  /** Gathers all pages of a list into one reply. */
  pages(restType: string, data: object | string, pages: object, options?: CallOptions): Promise<Reply>;
  /** What is wrong first, and whose turn it is. */
  diagnose(options?: CallOptions): Promise<Diagnosis>;
  getToken(accesskey: string, secretkey: string, options?: Options): Promise<Reply>;
  refreshToken(refreshtoken: string, options?: Options): Promise<Reply>;
}

/** A call that the library could not bring to an end. A refusal by the control center is none: that is a reply. */
export class RpaError extends Error {
  readonly code: number;
  /** In Chinese, a few words that tell the next step. */
  readonly msg: string;
  readonly kind: 'argument' | 'mode' | 'dns' | 'connect' | 'proxy' | 'tls' | 'timeout' | 'disconnected' | 'redirect'
    | 'response' | 'too_large' | 'internal' | string;
  readonly detail: string;
  readonly field: string | null;
  /** "no": calling again is safe. */
  readonly delivered: 'no' | 'unknown' | 'yes';
  readonly http_status: number | null;
  readonly attempts: number;
  readonly elapsed_ms: number;
  readonly id?: string;
  readonly time?: string;
  readonly version?: string;
  readonly function?: string;
  readonly target?: { scheme: string; host: string; port: number; path: string } | null;
  readonly peer?: string | null;
  readonly proxy?: string | null;
  readonly proxy_from?: string | null;
  readonly phase?: string | null;
  readonly ms?: Record<string, number | null> | null;
  readonly hint?: string | null;
  readonly encoding?: 'python' | 'java' | null;
  readonly token?: Record<string, any>;
  /** Of run(): which of the two calls it was. */
  readonly part?: 'start' | 'wait';
  readonly resume?: string;
  readonly reply: Reply;
  readonly warnings: Warning[];
}
