// Asks the trigger nodes of a real n8n: node trigger_oracle.js IN.jsonl OUT.jsonl, with N8N_APP and n8n's own variables set.
// IN, one case per line: {name, type, typeVersion, parameters, credentials, steps: [{do, mode?, clock, static, request?, exchanges}]}.
// OUT: {name, steps: [{requests: [raw], responses, response, output, error, staticAfter}]}. A request is answered by the first unused
// exchange [{method, url}, response] of the same method and path, then by a used one, then by one of the same method, then by {}.
const fs = require('fs');
const http = require('http');
const https = require('https');
const path = require('path');
const { AsyncLocalStorage } = require('async_hooks');

const APP = path.join(process.env.N8N_APP, 'node_modules/n8n');
const [input, output] = process.argv.slice(2);
const load = require('module').createRequire(path.join(APP, 'package.json'));
process.env.NODE_CONFIG_DIR = path.join(APP, 'bin/config');
process.argv = [process.argv[0], 'n8n', 'execute'];

// ---- the world: every request of the process goes to one server, which knows where it was meant to go
const plain = http.request.bind(http);
const asking = new AsyncLocalStorage();
let port = 0;
let world = null;
let number = 0;

function redirect(scheme) {
  return (...given) => {
    const callback = given.find((each) => typeof each === 'function');
    let options = {};
    for (const each of given) {
      if (typeof each === 'string' || each instanceof URL) {
        const url = new URL(each);
        options = { ...options, hostname: url.hostname, port: url.port, path: url.pathname + url.search };
      } else if (each && typeof each === 'object') options = { ...options, ...each };
    }
    const host = options.hostname || String(options.host || 'localhost').replace(/:\d+$/, '');
    if (options.port === port && host === '127.0.0.1') return plain(options, callback);
    const usual = { 'http:': 80, 'https:': 443 }[scheme];
    const at = options.port && Number(options.port) !== usual ? `${host}:${options.port}` : host;
    const headers = { ...(options.headers || {}), 'x-meant-for': `${scheme}//${at}`, 'x-asked-by': String(asking.getStore() ?? '') };
    return plain({ method: options.method, path: options.path, auth: options.auth, headers, host: '127.0.0.1', port, agent: false }, callback);
  };
}
for (const [module, scheme] of [[http, 'http:'], [https, 'https:']]) {
  module.request = redirect(scheme);
  module.get = (...given) => { const asked = module.request(...given); asked.end(); return asked; };
}

const TOKEN = { access_token: 'TOKEN', token_type: 'Bearer', expires_in: 3600 };
const OWN = ['x-meant-for', 'x-asked-by'];
const pathOf = (url) => { try { return new URL(url).pathname; } catch { return url; } };

function choose(method, url) {
  const same = world.exchanges.filter(([asked]) => asked.method === method && pathOf(asked.url) === pathOf(url));
  const unused = same.find((each) => !world.used.has(each));
  const chosen = unused || same[same.length - 1] || world.exchanges.find(([asked]) => asked.method === method);
  if (chosen) world.used.add(chosen);
  return chosen ? chosen[1] : { status: 200, json: {} };
}

const asksForToken = (request, chunks) => request.method === 'POST' && Buffer.concat(chunks).includes('grant_type');
const granted = () => (world.unauthorised ? { status: 401, json: { error: 'invalid_grant' } } : { status: 200, json: TOKEN });

function answer(request, reply) {
  const chunks = [];
  request.on('data', (each) => chunks.push(each));
  request.on('end', () => {
    const meant = request.headers['x-meant-for'];
    const late = request.headers['x-asked-by'] !== String(number); // of a step that was given up, and asks on
    if (late) return reply.destroy();
    const url = meant + request.url;
    const headers = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      if (!OWN.includes(request.rawHeaders[i].toLowerCase())) headers.push([request.rawHeaders[i], request.rawHeaders[i + 1]]);
    }
    const told = !world ? { status: 200, json: {} } : asksForToken(request, chunks) ? granted() : choose(request.method, url);
    if (world) {
      world.requests.push({ method: request.method, url, headers, base64: Buffer.concat(chunks).toString('base64') });
      world.responses.push(told);
    }
    const out = { ...(told.headers || {}) };
    let body = Buffer.alloc(0);
    if ('base64' in told) body = Buffer.from(told.base64, 'base64');
    else if ('text' in told) body = Buffer.from(String(told.text));
    else if ('json' in told) {
      body = Buffer.from(JSON.stringify(told.json));
      if (!Object.keys(out).some((each) => each.toLowerCase() === 'content-type')) out['content-type'] = 'application/json; charset=utf-8';
    }
    if (![204, 304].includes(told.status)) out['content-length'] = body.length;
    reply.writeHead(told.status || 200, { ...out, connection: 'close' });
    reply.end([204, 304].includes(told.status) ? undefined : body);
  });
}

// ---- the clock stands still while a step is done
const TrueDate = Date;
let frozen = null;
class StandingDate extends TrueDate {
  constructor(...given) { if (given.length || frozen === null) super(...given); else super(frozen); }
  static now() { return frozen ?? TrueDate.now(); }
}

// ---- n8n
let parts;

async function start() {
  load('reflect-metadata');
  load(path.join(APP, 'dist/config'));
  const { Container } = load('@n8n/di');
  const { BaseCommand } = load(path.join(APP, 'dist/commands/base-command.js'));
  const { ModuleRegistry } = load('@n8n/backend-common');
  await Container.get(ModuleRegistry).loadModules?.();
  class Asker extends BaseCommand {
    constructor() { super(); this.needsExpressionEngine = true; }
    async init() { await super.init(); await this.initLicense(); await this.initBinaryDataService(); await this.initDataDeduplicationService?.(); }
  }
  const asker = new Asker();
  await asker.init();
  const { NodeTypes } = load(path.join(APP, 'dist/node-types.js'));
  const { CredentialsHelper } = load(path.join(APP, 'dist/credentials-helper.js'));
  const helper = Container.get(CredentialsHelper);
  helper.getDecrypted = async (_data, _which, type) => structuredClone(world.credentials[type] ?? {});
  helper.updateCredentials = async () => {};
  helper.updateCredentialsOauthTokenData = async (_which, type, data) => { // as n8n stores it: the next request has the new token
    world.credentials = { ...world.credentials, [type]: { ...world.credentials[type], ...data } };
  };
  parts = {
    core: load('n8n-core'), flow: load('n8n-workflow'), express: load('express'), helper,
    types: Container.get(NodeTypes), data: load(path.join(APP, 'dist/workflow-execute-additional-data.js')),
    bodies: load(path.join(APP, 'dist/middlewares/body-parser.js')),
  };
}

const HOOK = '00000000-0000-4000-8000-00000000000a';
const failure = (error) => ({
  name: error?.name ?? 'Error', message: String(error?.message ?? error),
  ...(error?.description ? { description: String(error.description) } : {}), ...(error?.httpCode ? { httpCode: error.httpCode } : {}),
});

async function prepared(asked, step) {
  const { flow, types, data } = parts;
  const node = {
    id: '00000000-0000-4000-8000-000000000001', name: 'Trigger', type: asked.type, typeVersion: asked.typeVersion, position: [0, 0],
    webhookId: HOOK, parameters: structuredClone(asked.parameters),
    credentials: Object.fromEntries(Object.keys(asked.credentials).map((each) => [each, { id: each, name: each }])),
  };
  const workflow = new flow.Workflow({
    id: 'wf1', name: 'wf1', nodes: [node], connections: {}, active: true, nodeTypes: types,
    settings: { executionOrder: 'v1', timezone: 'UTC' }, staticData: { 'node:Trigger': structuredClone(step.static) },
  });
  const additional = await data.getBase({ workflowSettings: { timezone: 'UTC' } });
  Object.assign(additional, {
    webhookBaseUrl: 'https://n8n.example.com/webhook', webhookTestBaseUrl: 'https://n8n.example.com/webhook-test',
    instanceBaseUrl: 'https://n8n.example.com/', executionId: '1', credentialsHelper: parts.helper,
  });
  await workflow.expression?.acquireIsolate?.();
  const own = workflow.getNode('Trigger');
  return { workflow, additional, node: own, type: types.getByNameAndVersion(asked.type, asked.typeVersion) };
}

function webhookData(at, description) {
  return {
    httpMethod: description.httpMethod, node: 'Trigger', path: `${HOOK}/webhook`, webhookDescription: description, workflowId: 'wf1',
    workflowExecuteAdditionalData: at.additional, webhookId: HOOK, isTest: false,
  };
}

async function registered(at, step) {
  const active = step.do === 'activate' ? 'activate' : 'deactivate';
  for (const description of at.type.description.webhooks) {
    const methods = at.type.webhookMethods?.[description.name];
    if (!methods) continue;
    const context = new parts.core.HookContext(at.workflow, at.node, at.additional, step.mode || 'trigger', active, webhookData(at, description));
    if (step.do === 'deactivate') await methods.delete.call(context);
    else if (!(await methods.checkExists.call(context))) await methods.create.call(context);
  }
}

async function polled(at, step) {
  const context = new parts.core.PollContext(at.workflow, at.node, at.additional, step.mode || 'trigger', step.mode === 'manual' ? 'manual' : 'activate');
  return await at.type.poll.call(context);
}

// A delivery goes through n8n's own readers of bodies on a server of ours.
let receive = null;

async function delivered(at, step) {
  const { method, query, headers, body } = step.request;
  const found = at.type.description.webhooks.find((each) => at.workflow.expression.getSimpleParameterValue(at.node, each.httpMethod, 'internal', {}, undefined, 'POST') === method);
  if (!found) return { response: { status: 404 } };
  let made = null, failed = null;
  const own = number;
  receive = (request, reply) => asking.run(own, async () => {
    request.params = {};
    at.additional.httpRequest = request;
    at.additional.httpResponse = reply;
    try {
      if (String(request.headers['content-type']).startsWith('multipart/')) request.body = await formOf(request);
      else await parts.bodies.parseBody(request);
      const context = new parts.core.WebhookContext(at.workflow, at.node, at.additional, 'webhook', webhookData(at, found), [], null);
      made = await at.type.webhook.call(context);
      if (!made.noWebhookResponse && !reply.headersSent) {
        if (made.webhookResponse !== undefined && typeof made.webhookResponse !== 'object') reply.status(200).send(String(made.webhookResponse));
        else reply.status(200).json(made.webhookResponse ?? { message: 'Webhook call received' });
      }
    } catch (error) {
      failed = error;
      if (!reply.headersSent) reply.status(500).json({ code: 0, message: 'Workflow Webhook Error: Workflow could not be started!' });
    }
  });
  const search = new URLSearchParams(query || {}).toString();
  const response = await new Promise((done, fail) => {
    const asked = plain({ host: '127.0.0.1', port: hooks, method, path: `/webhook/${HOOK}/webhook${search ? `?${search}` : ''}`, headers: { host: 'n8n.example.com', ...headers } }, (told) => {
      const chunks = [];
      told.on('data', (each) => chunks.push(each));
      told.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        let said = { text };
        if (String(told.headers['content-type']).includes('json')) { try { said = { json: JSON.parse(text) }; } catch { /* text */ } }
        done({ status: told.statusCode, ...said });
      });
    });
    asked.on('error', fail);
    asked.end(body ?? '');
  });
  return { response, made: made?.workflowData ?? null, failed };
}

// A form of several parts without files, as n8n hands it out: {data, files}.
async function formOf(request) {
  const chunks = [];
  for await (const each of request) chunks.push(each);
  const given = new Response(Buffer.concat(chunks), { headers: { 'content-type': request.headers['content-type'] } });
  const data = {};
  for (const [name, value] of await given.formData()) data[name] = name in data ? [].concat(data[name], value) : value;
  return { data, files: {} };
}

let hooks = 0;

async function listen(handler) {
  const server = http.createServer(handler);
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return server.address().port;
}

async function stepped(asked, step) {
  world = { exchanges: step.exchanges || [], used: new Set(), requests: [], responses: [], credentials: asked.credentials, unauthorised: step.world === 'unauthorised' };
  const told = { response: null, output: null, error: null };
  frozen = TrueDate.parse(step.clock);
  let at = null;
  try {
    at = await prepared(asked, step);
    let made = null;
    if (step.do === 'deliver') {
      const done = await delivered(at, step);
      [told.response, made] = [done.response, done.made];
      if (done.failed) told.error = failure(done.failed);
    } else if (step.do === 'poll') made = await polled(at, step);
    else await registered(at, step);
    told.output = made && made.some((items) => items?.length) ? await Promise.all(made.map(async (items) => await Promise.all((items || []).map(shown)))) : null;
  } catch (error) { told.error = failure(error); if (process.env.SHOW_STACKS) console.error(error); }
  frozen = null;
  const after = at?.workflow.staticData?.['node:Trigger'] ?? {};
  const { requests, responses } = world;
  return { ...told, requests, responses, staticAfter: JSON.parse(JSON.stringify(after)) };
}

async function shown(item) {
  const json = JSON.parse(JSON.stringify(item.json ?? null));
  if (!item.binary || !Object.keys(item.binary).length) return { json };
  return { json, binary: JSON.parse(JSON.stringify(item.binary)) };
}

(async () => {
  await start();
  port = await listen(answer);
  const app = parts.express();
  app.set('query parser', 'extended'); // objects of queries have their methods, as trigger nodes expect
  app.use(parts.bodies.rawBodyReader);
  app.all('*any', (request, reply) => receive(request, reply));
  hooks = await listen(app);
  global.Date = StandingDate;
  const cases = fs.readFileSync(input, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
  const out = fs.openSync(output, 'w');
  for (const asked of cases) {
    const steps = [];
    for (const step of asked.steps) {
      const late = new Promise((done) => { setTimeout(() => done({ late: true }), 10000); });
      number += 1;
      steps.push(await Promise.race([asking.run(number, () => stepped(asked, step)), late]));
      frozen = null;
    }
    fs.writeSync(out, `${JSON.stringify({ name: asked.name, steps })}\n`);
  }
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(2); });
