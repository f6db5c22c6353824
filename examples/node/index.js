// Calls the OpenAPI of an RPA control center (iS-RPA) through the shared library rpa_openapi, by koffi. Node 16 and later.
//
//     const { Client } = require('isrpa-openapi');
//
//     const client = new Client('https://10.0.0.5:8443', { accesskey: '...', secretkey: '...' });
//     const reply = await client.post('/oapi/v1/job/create', { procCode: 'P001', note: '...' });
//
// The library is that of the folder `native`, of this system and processor, else the one beside this file. The environment
// variable RPA_OPENAPI_LIBRARY names another file.
'use strict';

const fs = require('fs');
const path = require('path');
const koffi = require('koffi');

// --- The library's functions: JSON text in, JSON text out -----------------------------------------------------------

// A call takes a thread of libuv's pool for as long as it takes. One of them is left to files and name lookups.
const MOST = Math.max(1, (Number(process.env.UV_THREADPOOL_SIZE) || 4) - 1);

let running = 0;
const waiting = [];

/** Asks a function of the library, and resolves to its reply as it came. */
function ask(name, request, options) {
  const signal = options && options.signal;
  return new Promise((resolve, reject) => {
    if (request !== null && typeof request !== 'string') {
      throw new TypeError('the request is a JSON text');
    }
    if (request !== null && request.includes('\0')) {
      throw new TypeError('the request holds NUL, at which the library would take it to end');
    }
    // Half a surrogate pair has no UTF-8, but JSON can write it.
    const text = request && request.replace(/\p{Cs}/gu, (half) => '\\u' + half.charCodeAt(0).toString(16));
    const call = exported(name);
    if (signal && signal.aborted) {
      throw signal.reason;
    }
    const begin = () => {
      running += 1;
      // The reply is copied and freed by koffi, also where nobody waits for it any more.
      call.async(text, (error, reply) => {
        running -= 1;
        if (signal) {
          signal.removeEventListener('abort', abort);
        }
        if (waiting.length > 0) {
          waiting.shift()();
        }
        if (error) {
          reject(error);
        } else {
          resolve(reply);
        }
      });
    };
    // A call that has begun cannot be stopped: it goes on by itself, at most for its timeout_ms.
    const abort = () => {
      const place = waiting.indexOf(begin);
      if (place >= 0) {
        waiting.splice(place, 1);
      }
      reject(signal.reason);
    };
    if (signal) {
      signal.addEventListener('abort', abort, { once: true });
    }
    if (running < MOST) {
      begin();
    } else {
      waiting.push(begin);
    }
  });
}

const getToken = (request, options) => ask('rpa_get_token', request, options);
const refreshToken = (request, options) => ask('rpa_refresh_token', request, options);
const call = (request, options) => ask('rpa_call', request, options);
const sign = (request, options) => ask('rpa_sign', request, options);
const diagnose = (request, options) => ask('rpa_diagnose', request, options);

/** The version of the library, such as "1.2.3". */
function version() {
  return exported('rpa_version')();
}

// --- A client that keeps what its calls have in common --------------------------------------------------------------

/** A call that the library could not bring to an end. A refusal by the control center is none: that is a reply. */
class RpaError extends Error {
  constructor(reply, warnings) {
    super(`${reply.msg} (${reply.error.kind}: ${reply.error.detail})`);
    // kind, detail, field, delivered, http_status, id, phase, hint and so on, by the library's names.
    Object.assign(this, reply.error);
    this.name = 'RpaError';
    this.code = reply.code;
    this.msg = reply.msg;
    this.resume = (reply.error && reply.error.resume) || (reply.result && reply.result.resume) || undefined;
    this.reply = reply;
    this.warnings = warnings || [];
  }
}

// The settings that are for calls alone.
const OF_CALLS = ['accesskey', 'secretkey', 'accesstoken', 'token_store', 'token_ttl_ms', 'token_refused', 'correct_clock',
  'values', 'encoding', 'retry_mode', 'query', 'empty_ok', 'signature_refused'];

/** One control center. Its methods resolve to the reply, whatever its code, and reject with an RpaError where there is none. */
class Client {
  /** The settings are the fields that every request begins with; onWarning is told what should be looked at. */
  constructor(host, { onWarning, ...settings } = {}) {
    this.settings = { meta: true, ...settings, host };
    this.onWarning = onWarning || warnOnce();
  }

  async get(restType, data, options) {
    return (await this.send('get', restType, data, options)).reply;
  }

  async post(restType, data, options) {
    return (await this.send('post', restType, data, options)).reply;
  }

  async put(restType, data, options) {
    return (await this.send('put', restType, data, options)).reply;
  }

  async delete(restType, data, options) {
    return (await this.send('delete', restType, data, options)).reply;
  }

  /** Any call, with all that is known of it: { reply, text, meta, warnings }. */
  send(mode, restType, data, { signal, ...more } = {}) {
    return this._ask('rpa_call', { mode, rest_type: restType, data_json: data, ...more }, signal);
  }

  /**
   * Starts something by a post and waits until it has come to its end; `wait` says how that is seen, see the library's
   * field of that name. Resolves to { started, reply }. An error's `part` says of which of the two it is, and its `resume`
   * goes on waiting by resume(), and starts nothing again.
   */
  async run(restType, data, wait, options) {
    return (await this.send('post', restType, data, { ...options, wait })).reply.result;
  }

  async resume(resume, { signal, ...more } = {}) {
    return (await this._ask('rpa_call', { resume, ...more }, signal)).reply.result;
  }

  /** Gathers all pages of a list into one reply; `pages` names the fields, see the library's field of that name. */
  pages(restType, data, pages, options) {
    return this.get(restType, data, { ...options, pages });
  }

  /** What is wrong first, and whose turn it is: { verdict, library, machine, settings, checks }. */
  async diagnose({ signal, ...more } = {}) {
    return (await this._ask('rpa_diagnose', more, signal)).reply.result;
  }

  /** Gets an access token and a refresh token, for who looks after tokens by hand. */
  async getToken(accesskey, secretkey, { signal } = {}) {
    return (await this._ask('rpa_get_token', { ...this._without(), accesskey, secretkey }, signal)).reply;
  }

  async refreshToken(refreshtoken, { signal } = {}) {
    return (await this._ask('rpa_refresh_token', { ...this._without(), refreshtoken }, signal)).reply;
  }

  // JSON.stringify leaves out what is undefined.
  _without() {
    return Object.fromEntries(OF_CALLS.map((name) => [name, undefined]));
  }

  async _ask(name, fields, signal) {
    const text = await ask(name, JSON.stringify({ ...this.settings, ...fields }), { signal });
    const whole = JSON.parse(text);
    const isWrapped = whole !== null && typeof whole === 'object' && 'reply' in whole && 'meta' in whole;
    const { reply, meta } = isWrapped ? whole : { reply: whole, meta: null };
    const warnings = (meta && meta.warnings) || [];
    warnings.forEach((warning) => this.onWarning(warning));
    const error = reply !== null && typeof reply === 'object' ? reply.error : null;
    // A control center's own reply may have a field of that name.
    if (error && typeof error.kind === 'string' && typeof error.delivered === 'string') {
      throw new RpaError(reply, warnings);
    }
    return { reply, text, meta, warnings };
  }
}

// As Node does with warnings of its own: each once.
function warnOnce() {
  const told = new Set();
  return (warning) => {
    if (!told.has(warning.kind)) {
      told.add(warning.kind);
      process.emitWarning(`${warning.zh} (${warning.en})`, { type: 'RpaWarning', code: warning.kind });
    }
  };
}

// --- Loading --------------------------------------------------------------------------------------------------------

const functions = new Map();
let library = null;

/** A function of the library, which is loaded at the first call, once, and never unloaded. */
function exported(name) {
  if (!functions.has(name)) {
    functions.set(name, declare(name));
  }
  return functions.get(name);
}

function declare(name) {
  try {
    if (library === null) {
      const loaded = koffi.load(libraryPath());
      const free = loaded.func('rpa_free', 'void', ['void *']);
      library = { loaded, Reply: koffi.disposable('str', free) };
    }
    return name === 'rpa_version' ? library.loaded.func(name, 'str', []) : library.loaded.func(name, library.Reply, ['str']);
  } catch (error) {
    const what = library === null ? 'cannot be loaded' : 'is too old or another one';
    const cause = library === null ? '找不到动态库rpa_openapi,或者它不能加载' : '动态库rpa_openapi版本太旧,或者不是这个库';
    const detail = `The library rpa_openapi ${what}. This process is ${process.platform}-${process.arch}. ${error.message}`;
    const facts = { kind: 'internal', detail, field: null, http_status: null, attempts: 0, delivered: 'no', elapsed_ms: 0 };
    throw new RpaError({ code: 40, msg: 'fail,意外情况:' + cause, result: null, error: facts });
  }
}

function libraryPath() {
  if (process.env.RPA_OPENAPI_LIBRARY) {
    return path.resolve(process.env.RPA_OPENAPI_LIBRARY);
  }
  const name = { win32: 'rpa_openapi.dll', darwin: 'librpa_openapi.dylib' }[process.platform] || 'librpa_openapi.so';
  const places = [path.join(__dirname, 'native', `${process.platform}-${process.arch}`, name), path.join(__dirname, name)];
  return places.find((place) => fs.existsSync(place)) || places[0];
}

module.exports = { Client, RpaError, getToken, refreshToken, call, sign, diagnose, version };
