// What the client has beside plain calls: <base> <fingerprint> <address of a server that never answers>
'use strict';

const { Client, RpaError, call, getToken, refreshToken, sign } = require('./index.js');

const [host, pin, silent] = process.argv.slice(2);
const KEYS = { accesskey: 'demo-access-key', secretkey: 'demo-secret-key', proxy: null };

function check(right, what) {
  if (!right) {
    console.log(`not as it should be: ${what}`);
  }
}

const signed = (value) => sign(JSON.stringify({ host: 'http://x', rest_type: '/a', mode: 'get', accesstoken: 't', timestamp: 1, data_json: { a: value } }));

async function edges() {
  check((await call(null)).includes('"kind":"argument"'), 'null is answered');
  check((await getToken('')).includes('"kind":"argument"'), 'an empty text is answered');
  check((await refreshToken('{}\0{}').catch((error) => error)) instanceof TypeError, 'NUL is refused');
  check((await call({}).catch((error) => error)) instanceof TypeError, 'what is no text is refused');
  check((await signed('月结😀')).includes('"source":"a=月结😀&token='), 'Chinese goes in and comes out');
  check((await signed('\ud83d')).includes('"field":"data_json"'), 'half a pair is refused where it cannot be sent');
  const half = `{"host":"http://x","rest_type":"/a","mode":"put","accesstoken":"t","data_json":{"a":"月😀\ud83d完"}}`;
  check((await sign(half)).includes('\\\\u6708\\\\ud83d\\\\ude00\\\\ud83d\\\\u5b8c'), 'half a pair is sent');
  const replies = await Promise.all(Array.from({ length: 2000 }, (_, i) => signed(`月结${i}`)));
  check(replies.every((reply, i) => reply.includes(`"source":"a=月结${i}&token=`)), 'each call gets its own reply');
  const large = '月'.repeat(100000);
  await signed(large);
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 75; i++) {
    await signed(large);
  }
  const grown = Math.round((process.memoryUsage().rss - before) / 1048576);
  check(grown < 90, `replies are freed: the process has grown by ${grown} MiB`);
}

async function longWork(client) {
  const job = { procCode: 'P001', robotNo: 'Administrator@0A1B2C3D4E5F' };
  const wait = {
    rest_type: '/oapi/v1/job/get',
    data_json: { jobNo: { pointer: '/result/jobNo' } },
    until: [{ pointer: '/result/status', in: ['finished'] }],
    every_ms: 100,
  };
  const lines = [];
  const ended = await client.run('/oapi/v1/job/create', job, wait);
  check(ended.started.result.jobNo === ended.reply.result.jobNo, 'the end is of what was started');
  lines.push(`run: ${ended.reply.result.status}`);
  const begun = await client.run('/oapi/v1/job/create', job, { ...wait, timeout_ms: 0 });
  const resumed = await client.resume(begun.resume);
  check(resumed.started.result.jobNo === begun.started.result.jobNo, 'the same is gone on with');
  lines.push(`resume: ${resumed.reply.result.status}`);
  const never = { ...wait, until: [{ pointer: '/result/status', in: ['never'] }], timeout_ms: 300 };
  const late = await client.run('/oapi/v1/job/create', job, never).catch((error) => error);
  check(late.kind === 'timeout' && late.part === 'wait' && late.resume.length > 50, 'what is late can be gone on with');
  const pages = { page: 'pageNum', size: 'pageSize', items: '/result/rows', total: '/result/total' };
  const all = await client.pages('/oapi/v1/job/list', { pageSize: 2 }, pages);
  lines.push(`pages: ${all.result.rows.length}`);
  return lines;
}

async function cancelled() {
  // Given up long before its limit. More than may run at once, so that some have not begun.
  const waiting = new Client(silent, { ...KEYS, timeout_ms: 15000 });
  const giveUp = new AbortController();
  const calls = Array.from({ length: 9 }, () => waiting.post('/oapi/v1/job/create', {}, { signal: giveUp.signal }).catch((error) => error.name));
  setTimeout(() => giveUp.abort(), 200);
  const ends = await Promise.all(calls);
  return `cancelled: ${ends.every((end) => end === 'AbortError') ? 'ok' : ends}`;
}

async function others() {
  const lines = [];
  const error = await new Client(host, { ...KEYS, tls: { pin_sha256: '0'.repeat(64) } }).get('/oapi/v1/job/list').catch((caught) => caught);
  const whole = error instanceof RpaError && error.name === 'RpaError' && error.code === 40 && error.field === null && error.attempts >= 1
    && error.detail.includes('pin') && error.message.startsWith(error.msg) && error.reply.error.kind === 'tls' && error.stack.includes('clients.js')
    && error.id.length > 5 && error.hint.length > 5 && error.target.scheme === 'https';
  lines.push(`error: ${error.kind} ${error.delivered} ${whole ? 'ok' : JSON.stringify(error)}`);

  const client = new Client(host, { ...KEYS, tls: { pin_sha256: pin } });
  const started = await client.post('/oapi/v1/job/create', { procCode: 'P001', robotNo: 'Administrator@0A1B2C3D4E5F', note: '月结 & 100% 完成' });
  const { reply } = await client.send('get', '/oapi/v1/job/get', { jobNo: started.result.jobNo });
  lines.push(`reply: ${reply.result.params.note}`);
  lines.push(...(await longWork(client)));
  const told = [];
  const trusting = new Client(host, { ...KEYS, tls: { verify: false }, onWarning: (warning) => told.push(warning.kind) });
  const trusted = await trusting.send('get', '/oapi/v1/job/list');
  check(trusted.reply.code === 0 && trusted.meta.http_status === 200, 'facts are beside it');
  lines.push(`warning: ${told.join(' ')}`);
  const { verdict: well } = await client.diagnose();
  const { verdict: wrong } = await new Client(host, { ...KEYS, tls: { pin_sha256: '0'.repeat(64) } }).diagnose();
  lines.push(`diagnosis: ${well.ok ? 'well' : well.en}, ${wrong.check} ${wrong.setting} ${wrong.turn}`);
  await edges();
  return lines;
}

// What was given up keeps its thread, and the process, until it ends: so it comes last, and its limit is short.
async function tell() {
  const lines = await others();
  console.log([await cancelled(), ...lines].join('\n'));
}

tell().then(() => process.exit(0), (error) => {
  console.log(error);
  process.exit(1);
});
