// Loaded into n8n before its own code: every HTTP request goes to the mock of the fresh vendor calls, with its address as
// an absolute URL (as a proxy is asked), and the clock stands still from the first case on. `MOCK_PORT` names the mock.
'use strict';
const http = require('http');
const https = require('https');

const PORT = Number(process.env.MOCK_PORT);
const STILL = Date.parse('2026-01-15T12:00:00Z');
const CASE = '/fresh-case/';
const OUR_OWN = new Set(['127.0.0.1', 'localhost', '::1']);
const plainRequest = http.request;
const RealDate = Date;
const realNow = RealDate.now;
let still = false;

RealDate.now = () => (still ? STILL : realNow());

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, as) => Reflect.construct(target, still && given.length === 0 ? [STILL] : given, as),
  apply: () => (still ? new RealDate(STILL) : new RealDate()).toString(),
});

function merged(given) {
  let [input, options, callback] = given;
  if (typeof input === 'string') input = new URL(input);
  if (input instanceof URL) {
    if (typeof options === 'function') [options, callback] = [{}, options];
    return [{ ...require('url').urlToHttpOptions(input), ...options }, callback];
  }
  return [{ ...input }, options];
}

function redirecting(protocol, original) {
  return function request(...given) {
    const [options, callback] = merged(given);
    const host = String(options.hostname ?? options.host ?? 'localhost').replace(/:\d+$/, '');
    if (String(options.path ?? '').startsWith(CASE)) still = true;
    if (OUR_OWN.has(host.replace(/[[\]]/g, ''))) return original.apply(this, given);
    const usual = protocol === 'https:' ? 443 : 80;
    const port = options.port && Number(options.port) !== usual ? `:${options.port}` : '';
    const headers = Array.isArray(options.headers) ? options.headers : { ...options.headers };
    if (!Array.isArray(headers) && !Object.keys(headers).some((name) => name.toLowerCase() === 'host')) headers.host = host + port;
    return plainRequest.call(http, {
      method: options.method,
      auth: options.auth,
      timeout: options.timeout,
      signal: options.signal,
      hostname: '127.0.0.1',
      port: PORT,
      path: `${protocol}//${host}${port}${options.path ?? '/'}`,
      headers,
      agent: false,
    }, callback);
  };
}

for (const [protocol, module_] of [['http:', http], ['https:', https]]) {
  module_.request = redirecting(protocol, module_.request);
  module_.get = (...given) => {
    const request = module_.request(...given);
    request.end();
    return request;
  };
}

const plainFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const asked = new Request(input, init);
  const url = new URL(asked.url);
  if (OUR_OWN.has(url.hostname)) return plainFetch(asked);
  const content = ['GET', 'HEAD'].includes(asked.method) ? undefined : Buffer.from(await asked.arrayBuffer());
  return new Promise((resolve, reject) => {
    const request = redirecting(url.protocol, plainRequest)(
      { method: asked.method, hostname: url.hostname, port: url.port, path: url.pathname + url.search, headers: Object.fromEntries(asked.headers) },
      (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
          const empty = [101, 204, 205, 304].includes(answer.statusCode);
          resolve(new Response(empty ? null : Buffer.concat(chunks), { status: answer.statusCode, statusText: answer.statusMessage, headers }));
        });
      },
    );
    request.on('error', reject);
    request.end(content);
  });
};
