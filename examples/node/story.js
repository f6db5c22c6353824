// The short story of a robot's job, in Node: get a token, start a job with a Chinese parameter, read it back, refresh the
// token, and one call that is refused on purpose.
//
//     node story.js https://127.0.0.1:8443 FINGERPRINT [PROXY]
//
// FINGERPRINT is the SHA-256 fingerprint of the control center's certificate, or - for plain http. PROXY is a proxy's
// address, or - for none; if it is left out, the system's is used. The exit status is 0 only if every step was as it
// should be; what was not is said on stderr.
//
// It needs the package isrpa-openapi, or its index.js and the library beside this file, and koffi: npm install koffi
//
// The names jobNo and params, and the path job/get, are those of the emulator, `control_center --tls`.
'use strict';

const fs = require('fs');
const path = require('path');
const isCopied = fs.existsSync(path.join(__dirname, 'index.js'));
const { Client, RpaError, version } = require(isCopied ? './index.js' : 'isrpa-openapi');

const ACCESS_KEY = 'demo-access-key';
const SECRET_KEY = 'demo-secret-key';
const NOTE = '月结 & 100% 完成';

async function tell(host, settings) {
  console.log(`version ${version()}`);

  // With accesskey and secretkey among the settings, the client would look after the token by itself.
  const stranger = new Client(host, settings);
  let reply = checked(await stranger.getToken(ACCESS_KEY, SECRET_KEY));
  const { accessToken, refreshToken } = reply.result;
  console.log('token: ok');

  const client = new Client(host, { ...settings, accesstoken: accessToken });
  const job = { procCode: 'P001', robotNo: 'Administrator@0A1B2C3D4E5F', note: NOTE };
  reply = checked(await client.post('/oapi/v1/job/create', job));
  console.log('job started: ok');

  reply = checked(await client.get('/oapi/v1/job/get', { jobNo: reply.result.jobNo }));
  const note = reply.result.params.note;
  expect(note === NOTE, `the note is ${note}`);
  console.log(`job read back: ${note}`);

  reply = checked(await client.refreshToken(refreshToken));
  expect(reply.result.accessToken !== accessToken, 'the refreshed token is the old one');
  console.log('token refreshed: ok');

  // A field is misspelt, so nothing is sent, and the error names the field.
  const refusal = await client.get('/oapi/v1/job/list', {}, { acesstoken: accessToken }).catch((error) => error);
  expect(refusal instanceof RpaError && refusal.delivered === 'no', `the refusal is ${JSON.stringify(refusal)}`);
  console.log(`refused on purpose: ${refusal.kind} ${refusal.field}`);
}

// A reply that says success, which is "code": 0. What the control center refuses is a reply as well.
function checked(reply) {
  if (reply.code !== 0) {
    throw new Error(reply.msg);
  }
  return reply;
}

function expect(right, what) {
  if (!right) {
    throw new Error(`not as it should be: ${what}`);
  }
}

const [host, fingerprint, proxy] = process.argv.slice(2);
if (fingerprint === undefined || process.argv.length > 5) {
  console.error('usage: node story.js <base URL> <fingerprint, - for plain http> [proxy, - for none]');
  process.exit(2);
}
const settings = {};
if (fingerprint !== '-') {
  settings.tls = { pin_sha256: fingerprint };
}
if (proxy !== undefined) {
  settings.proxy = proxy === '-' ? null : proxy;
}
tell(host, settings).catch((error) => {
  const isOfLibrary = error instanceof RpaError;
  console.error(`story: ${isOfLibrary ? error.msg : error.message}`);
  if (isOfLibrary) {
    console.error(`story: ${error.kind}: ${error.detail}, delivered: ${error.delivered}`);
  }
  process.exitCode = 1;
});
