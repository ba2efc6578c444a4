// The world of a Code, Function or Function Item node: its globals, one run of its code, and what the run gave.
//
// Needs `luxon`, `jmespath`, `__extend`, `__openScope` (runtime/expressions) and `__modules.buffer`; loaded last.
//
//   __start(text)   begins a run. text: JSON {code, mode, isLibrary, continueOnFail, snapshot}; mode is 'all', 'each',
//                   'function', 'functionItem' or 'sort' (the globals are `items` and little else). Its microtasks run
//                   when the call returns to the host.
//   __poll(limit)   JSON: {done: {outcomes, staticData, customData, logs}} | {wait: milliseconds} |
//                   {calls: [{id, name, args}]} (things that only the host can do) | {stuck: true}
//   __tick()        fires the timers that are due
//   __settle(text)  answers calls: JSON [{id, value} | {id, error: {message, description}}]
//   __clean()       takes the run's traces away; false when that is impossible and the context must go
//
// An outcome is {data} | {missing: 'undefined' | 'null' | 'number'} | {error: {message, description, line, host}}:
// one for the modes 'all', 'function' and 'sort', one per item otherwise, ending early at an error unless continueOnFail.
// What leaves the sandbox is JSON, as in n8n: dates become ISO text, functions and undefined are dropped.
'use strict';

(() => {
  const G = globalThis;
  const { stringify, parse } = JSON;
  const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf, isExtensible, keys: keysOf } = Object;
  const { ownKeys, deleteProperty } = Reflect;
  const { Date: HostDate, Promise: HostPromise, Error: HostError, Map: HostMap, eval: evaluate } = G;
  const { DateTime, Duration, Interval } = G.luxon;
  const { Buffer } = G.__modules.buffer;
  const openScope = G.__openScope;
  const ExpressionError = G.__ExpressionError;
  const now = HostDate.now.bind(HostDate);

  const isObject = (value) => typeof value === 'object' && value !== null;
  const isFunction = (value) => typeof value === 'function';

  // An error that n8n raises, told apart from one that the author's code raises: it gets no line number.
  const refuse = (message, description) => {
    throw new ExpressionError(message, description);
  };

  // --- text and bytes -------------------------------------------------------------------------------------------------

  const bytesOf = (view) =>
    view instanceof ArrayBuffer ? Buffer.from(view) : Buffer.from(view.buffer, view.byteOffset, view.byteLength);

  // The Encoding Standard's UTF-8: a broken sequence becomes one U+FFFD up to the byte that breaks it.
  const LEADS = [
    [0xc2, 0xdf, 1, 0x80, 0xbf], [0xe0, 0xe0, 2, 0xa0, 0xbf], [0xe1, 0xec, 2, 0x80, 0xbf], [0xed, 0xed, 2, 0x80, 0x9f],
    [0xee, 0xef, 2, 0x80, 0xbf], [0xf0, 0xf0, 3, 0x90, 0xbf], [0xf1, 0xf3, 3, 0x80, 0xbf], [0xf4, 0xf4, 3, 0x80, 0x8f],
  ]; // prettier-ignore

  const fromUtf8 = (bytes) => {
    const parts = [];
    let codes = [];
    for (let i = 0; i < bytes.length; ) {
      const first = bytes[i++];
      let code = first < 0x80 ? first : 0xfffd;
      const lead = first < 0x80 ? undefined : LEADS.find(([low, high]) => first >= low && first <= high);
      if (lead) {
        const [, , length, low, high] = lead;
        let made = first & (0x3f >> length);
        let taken = 0;
        while (taken < length && bytes[i] >= (taken ? 0x80 : low) && bytes[i] <= (taken ? 0xbf : high)) {
          made = (made << 6) | (bytes[i++] & 0x3f);
          taken++;
        }
        if (taken === length) code = made;
      }
      codes.push(code);
      if (codes.length === 4096) {
        parts.push(String.fromCodePoint(...codes));
        codes = [];
      }
    }
    return parts.join('') + String.fromCodePoint(...codes);
  };

  class TextEncoder {
    get encoding() {
      return 'utf-8';
    }
    encode(text = '') {
      return new Uint8Array(Buffer.from(String(text), 'utf8'));
    }
  }

  const ENCODINGS = { 'utf-8': 'utf8', utf8: 'utf8', 'utf-16le': 'utf16le', 'iso-8859-1': 'latin1', latin1: 'latin1',
    ascii: 'latin1', 'windows-1252': 'latin1' }; // prettier-ignore

  class TextDecoder {
    #encoding;
    #fatal;
    constructor(label = 'utf-8', { fatal = false } = {}) {
      this.#encoding = String(label).toLowerCase();
      if (!(this.#encoding in ENCODINGS)) throw new RangeError(`The "${label}" encoding is not supported`);
      this.#fatal = fatal;
    }
    get encoding() {
      return this.#encoding;
    }
    decode(view = new Uint8Array()) {
      const text = bytesOf(view).toString(ENCODINGS[this.#encoding]);
      if (this.#fatal && text.includes('\ufffd')) throw new TypeError('The encoded data was not valid for encoding utf-8');
      return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    }
  }

  const btoa = (text) => {
    const binary = String(text);
    if (/[^\0-\xff]/.test(binary)) refuse('Invalid character');
    return Buffer.from(binary, 'latin1').toString('base64');
  };
  const atob = (text) => {
    const digits = String(text).replace(/[\t\n\f\r ]/g, '').replace(/={1,2}$/, '');
    if (/[^A-Za-z0-9+/]/.test(digits) || digits.length % 4 === 1) refuse('Invalid character');
    return Buffer.from(digits, 'base64').toString('latin1');
  };

  // Node's Buffer also knows base64url, and decodes UTF-8 by the standard.
  const plain = { from: Buffer.from, toString: Buffer.prototype.toString, isEncoding: Buffer.isEncoding };
  Buffer.from = function from(value, encoding, length) {
    const url = typeof value === 'string' && encoding === 'base64url';
    return plain.from.call(Buffer, value, url ? 'base64' : encoding, length);
  };
  Buffer.isEncoding = (encoding) => encoding === 'base64url' || plain.isEncoding(encoding);
  Buffer.prototype.toString = function toString(encoding, ...range) {
    if (encoding === undefined || /^utf-?8$/i.test(encoding)) return fromUtf8(range.length ? this.subarray(...range) : this);
    if (encoding !== 'base64url') return plain.toString.call(this, encoding, ...range);
    return plain.toString.call(this, 'base64', ...range).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  };

  class FormData {
    #entries = [];
    append(name, value) {
      this.#entries.push([String(name), isObject(value) ? value : String(value)]);
    }
    set(name, value) {
      this.delete(name);
      this.append(name, value);
    }
    delete(name) {
      this.#entries = this.#entries.filter(([key]) => key !== name);
    }
    get(name) {
      return this.#entries.find(([key]) => key === name)?.[1] ?? null;
    }
    getAll(name) {
      return this.#entries.filter(([key]) => key === name).map(([, value]) => value);
    }
    has(name) {
      return this.#entries.some(([key]) => key === name);
    }
    *entries() {
      yield* this.#entries;
    }
    *keys() {
      for (const [key] of this.#entries) yield key;
    }
    *values() {
      for (const [, value] of this.#entries) yield value;
    }
    forEach(visit) {
      for (const [key, value] of this.#entries) visit(value, key, this);
    }
    [Symbol.iterator]() {
      return this.entries();
    }
    toJSON() {
      return {};
    }
  }

  // --- timers: the host sleeps until the next one is due -----------------------------------------------------------------

  const timers = new HostMap();
  let lastTimer = 0;

  class Timeout {
    constructor(callback, delay, args, repeat) {
      Object.assign(this, { callback, delay: Math.max(1, Number(delay) || 1), args, repeat, id: ++lastTimer });
      this.refresh();
    }
    refresh() {
      this.due = now() + this.delay;
      timers.set(this.id, this);
      return this;
    }
    close() {
      timers.delete(this.id);
      return this;
    }
    ref() {
      return this;
    }
    unref() {
      return this;
    }
    hasRef() {
      return true;
    }
    [Symbol.toPrimitive]() {
      return this.id;
    }
    toJSON() {
      return {};
    }
  }

  const timer = (repeat, immediate) => (callback, ...rest) => {
    if (!isFunction(callback)) throw new TypeError('The "callback" argument must be of type function.');
    const [delay, ...args] = immediate ? [1, ...rest] : rest;
    return new Timeout(callback, delay, args, repeat);
  };
  const clear = (handle) => {
    timers.delete(isObject(handle) ? handle.id : Number(handle));
  };

  const tick = () => {
    const time = now();
    for (const each of [...timers.values()].sort((a, b) => a.due - b.due)) {
      if (each.due > time || !timers.has(each.id)) continue;
      if (each.repeat) each.refresh();
      else timers.delete(each.id);
      try {
        each.callback(...each.args);
      } catch (error) {
        fail(error);
      }
    }
  };

  // --- the console ------------------------------------------------------------------------------------------------------

  const LOG_LINES = 1000;
  const LOG_CHARACTERS = 10000;
  let logs = [];

  const shown = (value) => {
    if (typeof value === 'string') return value;
    try {
      return stringify(value) ?? String(value);
    } catch {
      return String(value);
    }
  };
  const log = (level) => (...values) => {
    if (logs.length < LOG_LINES) logs.push({ level, text: values.map(shown).join(' ').slice(0, LOG_CHARACTERS) });
  };
  const quiet = () => undefined;
  const QUIET = ['time', 'timeEnd', 'timeLog', 'assert', 'clear', 'count', 'countReset', 'group', 'groupEnd',
    'groupCollapsed', 'profile', 'profileEnd', 'timeStamp']; // prettier-ignore
  const consoleOf = () => ({
    ...Object.fromEntries(QUIET.map((name) => [name, quiet])),
    ...Object.fromEntries(['log', 'info', 'debug', 'trace', 'dir', 'dirxml', 'table'].map((name) => [name, log('info')])),
    warn: log('warning'),
    error: log('error'),
  });

  // --- what only the host can do ------------------------------------------------------------------------------------------

  let calls = [];
  const open = new HostMap();
  let lastCall = 0;

  const call = (name, ...args) =>
    new HostPromise((resolve, reject) => {
      const id = ++lastCall;
      open.set(id, { resolve, reject });
      calls.push({ id, name, args });
    });

  const settle = (text) => {
    for (const { id, value, error } of parse(text)) {
      const waiting = open.get(id);
      open.delete(id);
      if (!error) waiting?.resolve(value);
      else waiting?.reject(Object.assign(new ExpressionError(error.message, error.description), error.data));
    }
  };

  const revived = (value) => (value && value.$bytes !== undefined ? Buffer.from(value.$bytes, 'base64') : value);
  // A request's body or an answer may be bytes; everything else is JSON already.
  const packed = (value) => (value instanceof Uint8Array ? { $bytes: bytesOf(value).toString('base64') } : value);

  const request = (name) => async (options) => {
    const sent = isObject(options) ? { ...options, body: packed(options.body) } : { url: String(options) };
    const answer = await call(name, sent);
    return answer.full ? { ...answer.full, body: revived(answer.full.body) } : revived(answer.body);
  };

  const unsupported = (name) => async () => refuse(`The function "helpers.${name}" is not supported in the Code Node`);
  const UNSUPPORTED = ['httpRequestWithAuthentication', 'requestWithAuthenticationPaginated', 'copyBinaryFile',
    'createReadStream', 'getStoragePath', 'getBinaryPath', 'getBinaryStream', 'writeContentToFile', 'copyInputItems',
    'returnJsonArray', 'normalizeItems', 'getSSHClient', 'createDeferredPromise', 'constructExecutionMetaData',
    'getBinaryMetadata']; // prettier-ignore

  const helpersOf = (job) => {
    const binaryAt = (index, name) => {
      const binary = job.snapshot.items[index]?.binary?.[name];
      return binary ?? refuse(`This operation expects the node's input data to contain a binary file '${name}', but none was found [item ${index}]`);
    };
    return {
      ...Object.fromEntries(UNSUPPORTED.map((name) => [name, unsupported(name)])),
      assertBinaryData: binaryAt,
      getBinaryDataBuffer: async (index, name) => revived(await call('readBinary', binaryAt(index, name))),
      prepareBinaryData: (bytes, fileName, mimeType) => call('writeBinary', packed(Buffer.from(bytes)), fileName, mimeType),
      setBinaryDataBuffer: (binary, bytes) =>
        call('writeBinary', packed(Buffer.from(bytes)), binary?.fileName, binary?.mimeType),
      binaryToString: async (bytes, encoding = 'utf8') => Buffer.from(bytes).toString(encoding),
      binaryToBuffer: async (bytes) => Buffer.from(bytes),
      httpRequest: request('httpRequest'),
      request: request('request'),
    };
  };

  // --- the variables --------------------------------------------------------------------------------------------------------

  const VARIABLES = ['$', '$input', '$binary', '$data', '$env', '$evaluateExpression', '$item', '$fromAI', '$fromai',
    '$fromAi', '$items', '$tool', '$json', '$node', '$self', '$parameter', '$rawParameter', '$prevNode', '$runIndex',
    '$mode', '$workflow', '$itemIndex', '$now', '$today', '$jmesPath', '$execution', '$evaluation', '$vars', '$secrets',
    '$executionId', '$resumeWebhookUrl', '$getPairedItem', '$jmespath', '$position', '$thisItem', '$thisItemIndex',
    '$thisRunIndex', '$nodeVersion', '$nodeId', '$agentInfo', '$webhookId']; // prettier-ignore

  const noArguments = (name, take) => (...args) =>
    args.length === 0
      ? take()
      : refuse(
          `$input.${name}() takes no arguments. To get items from a specific upstream node, use $('NodeName').${name}() (or $('NodeName').all() for every item).`,
        );

  // without items only when the node was reached through an input that it has not
  const present = (input) => (input.all().length > 0 ? input : refuse('No execution data available'));

  const codeInput = (input) => ({
    all: () => present(input).all(),
    get context() {
      return input.context;
    },
    first: noArguments('first', () => present(input).first()),
    get item() {
      return present(input).item;
    },
    last: noArguments('last', () => present(input).last()),
    get params() {
      return input.params;
    },
  });

  const copied = (value) => parse(stringify(value));

  // The variables that a node has beside those of expressions, by mode; each is made anew for each item.
  const EXTRA = {
    all: (job) => ({ items: [...job.snapshot.items], $getWorkflowStaticData: staticData(job), ...CODE_ONLY(job) }),
    each: (job, i) => ({ item: job.snapshot.items[i], $getWorkflowStaticData: staticData(job), ...CODE_ONLY(job) }),
    function: (job) => ({ items: copied(job.snapshot.items), getWorkflowStaticData: staticData(job), ...legacy(job) }),
    functionItem: (job, i) => {
      const item = copied(job.snapshot.items[i]);
      job.binary = item.binary;
      return {
        item: item.json,
        getBinaryData: () => job.binary,
        setBinaryData: (binary) => {
          job.binary = binary;
        },
        getWorkflowStaticData: staticData(job),
        ...legacy(job),
      };
    },
    sort: (job) => ({ items: copied(job.snapshot.items) }),
  };

  const CODE_ONLY = (job) => ({
    $evaluateExpression: () =>
      refuse(
        "$evaluateExpression can't be used in the Code node while task runners run in secure mode",
        'Secure-mode task runners disable evaluating strings as code, which expressions rely on. Evaluate the expression in a node field instead, for example an Edit Fields (Set) node before the Code node.',
      ),
    $fromAI: fromAI(job),
    $fromAi: fromAI(job),
    $fromai: fromAI(job),
    $tool: undefined,
    helpers: helpersOf(job),
  });

  const fromAI = (job) => job.snapshot.arguments ? job.scopeAt(0).$fromAI : () => refuse('No execution data available');

  const legacy = (job) => ({
    require: (name) => {
      throw new Error(`Cannot find module '${name}'`);
    },
    getNodeParameter: (name) => job.snapshot.step.parameters[name],
    getBinaryDataAsync: async () => copied(job.snapshot.items[0]?.binary ?? null) ?? undefined,
    setBinaryDataAsync: async (item, data) => {
      item.binary = data;
    },
    helpers: {
      ...helpersOf(job),
      returnJsonArray: (list) => (Array.isArray(list) ? list : [list]).map((json) => ({ json })),
    },
  });

  const staticData = (job) => (type) => {
    if (type !== 'global' && type !== 'node') {
      refuse('Unknown context type. Only `global` and `node` are supported.');
    }
    const { staticData: kept, step } = job.snapshot;
    const key = type === 'global' ? 'global' : `node:${step.name}`;
    job.readsStatic = true;
    return (kept[key] ??= {});
  };

  const require_ = (name) => refuse(`Module '${name}' is disallowed`);

  const BASE = () => ({
    Buffer, TextEncoder, TextDecoder, FormData, btoa, atob, DateTime, Duration, Interval,
    console: consoleOf(),
    setTimeout: timer(false), setInterval: timer(true), setImmediate: timer(false, true),
    clearTimeout: clear, clearInterval: clear, clearImmediate: clear,
    global: G, module: { exports: {} }, require: (name) => lined(() => require_(name)),
  }); // prettier-ignore

  // n8n's refusal of a module names the line, unlike its other refusals.
  const lined = (work) => {
    try {
      return work();
    } catch (error) {
      throw Object.assign(error, { lined: true });
    }
  };

  // The binding's own timers cannot be redefined, only assigned to.
  const put = (name, value) => {
    if (getOwnPropertyDescriptor(G, name)?.configurable === false) G[name] = value;
    else defineProperty(G, name, { value, writable: true, enumerable: true, configurable: true });
  };

  // A variable is computed when it is read, and an author may assign to it.
  const lazily = (name, read) =>
    defineProperty(G, name, {
      get: read,
      set: (value) => put(name, value),
      enumerable: true,
      configurable: true,
    });

  const install = (job, i) => {
    if (job.mode === 'sort') {
      for (const name of keysOf(base)) if (!BARE.includes(name)) deleteProperty(G, name);
    } else {
      const scope = job.scopeAt(i);
      for (const name of VARIABLES) lazily(name, () => scope[name]);
      let input;
      lazily('$input', () => (input ??= codeInput(scope.$input)));
    }
    const extra = EXTRA[job.mode](job, i);
    for (const name of keysOf(extra)) put(name, extra[name]);
  };

  // --- a run ------------------------------------------------------------------------------------------------------------------

  const SOURCE = 'n8n-code-node';
  // The first frame with a place in a file is the author's, unless a library of ours stands above it. The line is that
  // of the first function with a name: n8n passes over callbacks without one.
  const FRAME = /^\s+at .*:\d+:\d+\)?$/m;
  const PLACE = new RegExp(`^\\s+at (?!eval \\().*\\(${SOURCE}:(\\d+):\\d+\\)$`, 'm');

  const textOf = (error) => {
    if (error === undefined) return 'Unknown error';
    if (isObject(error) && typeof error.message === 'string') return error.message || 'Unknown error';
    try {
      return stringify(error) ?? 'Unknown error';
    } catch {
      return 'Unknown error';
    }
  };

  const described = (error) => {
    if (!isObject(error)) return { message: textOf(error), primitive: true };
    const host = error instanceof ExpressionError;
    const stack = !host || error.lined ? error.stack : undefined;
    const frame = typeof stack === 'string' ? FRAME.exec(stack) : null;
    const library = frame !== null && !frame[0].includes(SOURCE);
    const place = frame && !library ? PLACE.exec(stack) : null;
    const parsing = library && frame[0].includes(runOnce.name); // the code as a whole is no JavaScript
    const named = error instanceof HostError && !host && (!library || parsing) && error.name !== 'Error';
    return {
      message: textOf(error).split('\n', 1)[0],
      description: host ? error.description : named ? String(error.name) : undefined,
      line: place ? Number(place[1]) : undefined,
    };
  };

  // BigInt is the only value that JSON refuses and n8n writes, as text.
  const written = (value) => {
    try {
      return stringify(value);
    } catch (error) {
      if (!(error instanceof TypeError) || !/BigInt/.test(error.message)) throw error;
      return stringify(value, (_key, each) => (typeof each === 'bigint' ? String(each) : each));
    }
  };

  const missing = (what) => `{"missing":"${what}"}`;

  const plainly = (value, old = false) => {
    if (value === undefined || value === null) return missing(String(value));
    if (typeof value === 'number' && !Number.isFinite(value)) return missing('number');
    let text;
    try {
      text = written(value);
    } catch {
      throw new ExpressionError(old ? 'Maximum call stack size exceeded' : 'Unknown error');
    }
    return text === undefined ? missing('undefined') : `{"data":${text}}`;
  };

  const itemOf = (value, i) => {
    if (value === undefined || value === null) return value;
    const pairedItem = { item: i };
    if (!isObject(value) || Array.isArray(value)) return { json: value, pairedItem };
    const binary = value.binary || undefined;
    if ('json' in value) return { json: value.json, binary, pairedItem };
    return 'binary' in value ? { json: {}, binary, pairedItem } : { json: value, pairedItem };
  };

  // The rules of the old Function node, on the values themselves: it ran without a transport in between.
  const functionItems = (value) => {
    let items = value;
    if (items === null) throw new TypeError("Cannot read properties of null (reading 'json')");
    if (items === undefined) throw new TypeError("Cannot read properties of undefined (reading 'every')");
    if (isObject(items) && !Array.isArray(items)) items = items.json ? [items] : [{ json: items }];
    if (!Array.isArray(items)) throw new TypeError('executionData.every is not a function');
    const has = (key) => (item) => {
      if (item === null) throw new TypeError(`Cannot use 'in' operator to search for '${key}' in null`);
      return isObject(item) && key in item;
    };
    if (!items.every(has('json'))) {
      if (items.some(has('json'))) throw new TypeError('Inconsistent item format');
      const files = items.length > 0 && items.every(has('binary'));
      items = files
        ? items.map(({ binary, ...json }) => ({ json, binary }))
        : items.map((json) => ({ json }));
    }
    for (const item of items) {
      if (item.json === undefined) throw new TypeError('All returned items have to contain a property named "json"!');
      if (item.json === null) throw new TypeError('Cannot convert undefined or null to object');
      if (!isObject(item.json)) throw new TypeError('The json-property has to be an object!');
    }
    return items;
  };

  const functionItem = (value, job, i) => {
    if (value === undefined) throw new TypeError('No data got returned. Always an object has to be returned!');
    if (value === null) throw new TypeError('Cannot convert undefined or null to object');
    return { json: value, binary: job.binary, pairedItem: { item: i } };
  };

  const RESULT = {
    all: (value) => plainly(value),
    sort: (value) => plainly(value),
    each: (value, _job, i) => plainly(itemOf(value, i)),
    function: (value) => plainly(functionItems(value), true),
    functionItem: (value, job, i) => plainly(functionItem(value, job, i), true),
  };

  const ONCE = ['all', 'function', 'sort'];
  const BARE = ['console', 'global', 'module']; // what a comparer has of the globals

  let current = null;

  const runOnce = async (job, i) => {
    try {
      install(job, i);
      // An indirect eval: the body sees globals only, and its first line is line 1.
      const value = await evaluate(`(async function VmCodeWrapper() {${job.code}\n}).call(globalThis)\n//# sourceURL=${SOURCE}`);
      if (ONCE.includes(job.mode) && Array.isArray(value) && value.length > job.maxItems) job.tooMany = value.length;
      else job.outcomes.push(RESULT[job.mode](value, job, i));
      return true;
    } catch (error) {
      job.outcomes.push(stringify({ error: described(error) }));
      return false;
    }
  };

  const runAll = async (job) => {
    const count = ONCE.includes(job.mode) ? 1 : job.snapshot.items.length;
    for (let i = 0; i < count; i++) {
      if (i > 0 && job.mode === 'functionItem') forget();
      if ((await runOnce(job, i)) || job.continueOnFail) continue;
      job.failed = job.mode === 'all' || job.mode === 'each'; // what it changed besides is lost, as in n8n; Function nodes keep it
      break;
    }
    job.done = true;
  };

  const fail = (error) => {
    if (!current || current.done) return;
    current.outcomes.push(stringify({ error: described(error) }));
    current.done = true;
  };

  // n8n copies what code sees of items, without members that every object has already.
  const UNSAFE = ['__proto__', 'constructor', 'prototype'];
  const safely = (key, value) => (UNSAFE.includes(key) ? undefined : value);

  const start = (text) => {
    const job = parse(text);
    if (!job.isLibrary && UNSAFE.some((key) => text.includes(`"${key}"`))) job.snapshot = parse(stringify(job.snapshot), safely);
    Object.assign(job, { outcomes: [], done: false, scopeAt: openScope(job.snapshot, 'code') });
    current = job;
    runAll(job);
  };

  const finished = (job, limit) => {
    const { snapshot } = job;
    if (job.tooMany) return `{"tooMany":${job.tooMany}}`; // whoever reads them has other things to do
    const parts = [`"outcomes":[${job.outcomes.join(',')}]`, `"logs":${stringify(logs)}`];
    if (!job.failed && job.readsStatic) parts.push(`"staticData":${written(snapshot.staticData)}`);
    if (!job.failed && snapshot.execution) parts.push(`"customData":${written(snapshot.execution.customData)}`);
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    return size > limit ? `{"tooLarge":${size}}` : `{"done":{${parts.join(',')}}}`;
  };

  const poll = (limit) => {
    if (current.done) return finished(current, limit);
    if (calls.length) {
      const asked = calls;
      calls = [];
      return written({ calls: asked });
    }
    if (timers.size) return stringify({ wait: Math.max(0, Math.min(...[...timers.values()].map((each) => each.due)) - now()) });
    return open.size ? '{"wait":0}' : '{"stuck":true}';
  };

  // --- between runs ------------------------------------------------------------------------------------------------------------

  delete Error.captureStackTrace; // n8n's sandbox has none
  for (const name of ['FinalizationRegistry', 'WeakRef', 'Atomics', 'SharedArrayBuffer', 'WebAssembly']) delete G[name];
  for (const [name, made] of [['DateTime', DateTime], ['Duration', Duration], ['Interval', Interval]]) {
    defineProperty(made, 'name', { value: name }); // the minified library forgot
  }
  const base = BASE();
  for (const name of keysOf(base)) put(name, base[name]);
  const ENTRIES = { __start: start, __poll: poll, __tick: tick, __settle: settle, __clean: clean };

  // Everything that code may bend: the built-in constructors, their prototypes, luxon, Buffer, the console.
  const holders = new Set([G.luxon, JSON, Math, Reflect, Intl, base.console]);
  for (const value of [...ownKeys(G).map((name) => G[name]), ...Object.values(G.luxon), ...Object.values(base)]) {
    if (isFunction(value)) holders.add(value);
    if (isFunction(value) && isObject(value.prototype)) holders.add(value.prototype);
  }
  holders.delete(undefined);
  const members = (holder) =>
    ownKeys(holder).map((key) => {
      const { value, get, set, writable, configurable } = getOwnPropertyDescriptor(holder, key);
      return [key, value, get, set, writable, configurable];
    });
  const UNTOUCHED = [...holders].map((holder) => [holder, members(holder), getPrototypeOf(holder), isExtensible(holder)]);
  const ROOT = getPrototypeOf(G);
  const GLOBALS = new HostMap();
  const NOTHING = /(?:)/;

  const bent = () =>
    !isExtensible(G) || getPrototypeOf(G) !== ROOT ||
    UNTOUCHED.some(([holder, before, prototype, extensible]) => {
      if (ownKeys(holder).length !== before.length) return true;
      if (getPrototypeOf(holder) !== prototype || isExtensible(holder) !== extensible) return true;
      return before.some(([key, value, get, set, writable, configurable]) => {
        if (key === 'arguments' || key === 'caller' || key === 'lastIndex') return false;
        const is = getOwnPropertyDescriptor(holder, key);
        if (!is || is.get !== get || is.set !== set || (is.value !== value && value === value)) return true;
        return is.writable !== writable || is.configurable !== configurable;
      });
    });

  const forget = () => {
    timers.clear();
    let whole = true;
    for (const name of ownKeys(G)) if (!GLOBALS.has(name)) whole = deleteProperty(G, name) && whole;
    for (const [name, descriptor] of GLOBALS) {
      const is = getOwnPropertyDescriptor(G, name);
      if (!is || is.value !== descriptor.value) whole = Reflect.defineProperty(G, name, descriptor) && whole;
    }
    return whole;
  };

  function clean() {
    current = null;
    calls = [];
    open.clear();
    logs = [];
    const whole = forget() && !bent();
    if (whole) NOTHING.exec(''); // what RegExp.$1 and its siblings show of the last match
    return whole;
  }

  // What was needed to get here is not for the author's code; the entries go once the host has taken them and cleans.
  for (const name of ['__modules', 'luxon', 'jmespath', '__extend', '__extensionNames', '__openScope', '__buildScope',
    '__scopeNames', '__scopePrototypes', '__ExpressionError']) delete G[name]; // prettier-ignore
  for (const name of ownKeys(G)) GLOBALS.set(name, getOwnPropertyDescriptor(G, name));
  Object.assign(G, ENTRIES);
})();
