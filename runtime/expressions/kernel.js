// Runs the scripts of one step over all its items, in a context that nothing they do outlives.
//
// Loaded last, after the vendored libraries, extensions.js and scope.js. It gives the host two functions and then
// freezes everything that a script could reach:
//
//   __define(id, function | null)   one script; null when the engine refused to parse it
//   __run(request)                  JSON in, JSON out
//
// request: {scripts: [id], copies: [bool per script; those behind are of parameters that others read], first, count, seed,
//           snapshot, undefined: its items have marks of members that are undefined}
// answer:  {columns: [[cell per item] per script], custom: customData | undefined, undefined: whether there is [1] inside a value}
//
// A cell is a JSON scalar as it is, or a list: [0, value] an object or array, [1] undefined, [2, 'NaN'] a number that
// JSON does not know, [3, digits] a bigint, [5, text] a DateTime, [6, JSON, number, text] a Date or Duration (JSON null: an invalid one), [7, value, text | null] an Interval
// and its text, [4, value] an object or array with {"\u0000": [..]} where such a cell stands inside it, [9, message, description] the error that n8n raises.
//
// What makes two runs equal: the clock stands at `snapshot.now`, Math.random is seeded, stack traces are off, nothing
// observes garbage collection, and no state is kept between runs.
'use strict';

(() => {
  const { DateTime, Duration, Interval, Settings } = globalThis.luxon;
  const ExpressionError = globalThis.__ExpressionError;
  const openScope = globalThis.__openScope;
  const extensions = new Set([...globalThis.__extensionNames, 'isEmpty', 'isNotEmpty']);
  // The compiler writes calls of these names only; whoever reaches the function by another way gets no further.
  const extend = (value, name, args, optional) =>
    extensions.has(name) ? globalThis.__extend(value, name, args, optional) : fail(`Cannot access "${String(name)}" due to security concerns`);
  const { stringify, parse } = JSON;
  const own = Object.prototype.hasOwnProperty;

  const fail = (message, description) => {
    throw new ExpressionError(message, description);
  };

  // --- clock and chance ---------------------------------------------------------------------------------------------

  let now = 0;
  let state = 0;

  const RealDate = Date;
  function ClockDate(...parts) {
    if (!new.target) return new RealDate(now).toString();
    return Reflect.construct(RealDate, parts.length ? parts : [now], new.target === ClockDate ? RealDate : new.target);
  }
  Object.defineProperties(ClockDate, {
    name: { value: 'Date' },
    length: { value: 7 },
    prototype: { value: RealDate.prototype },
    now: { value: { now: () => now }.now, writable: true },
    parse: { value: RealDate.parse, writable: true },
    UTC: { value: RealDate.UTC, writable: true },
  });
  RealDate.prototype.constructor = ClockDate;
  globalThis.Date = ClockDate;
  Settings.now = () => now;
  const { resetCaches } = Settings; // zones, locales and formatters by keys that an earlier script may have forged

  // mulberry32: small, and good enough for picking an item.
  Math.random = { random: () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  } }.random;

  // Without an argument these read the real clock.
  const format = Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, 'format').get;
  Object.defineProperty(Intl.DateTimeFormat.prototype, 'format', {
    get() {
      const bound = format.call(this);
      return (date) => bound(date === undefined ? now : date);
    },
  });
  // Node's parts keep the narrow space that CLDR puts beside AM and PM; this engine's parts have a plain one.
  const NARROW = new Set(
    'af az be bs ca cs cy da de el en es et eu fi fil fr ga gl hr hu id is it kk ky lt lv mk mn ms nb no pl pt ro ru sk sl sq sr sv sw tk tr uk uz vi zu'.split(' '),
  );
  const toParts = Intl.DateTimeFormat.prototype.formatToParts;
  const locale = Intl.DateTimeFormat.prototype.resolvedOptions;
  const narrowed = (parts) => {
    for (const [i, part] of parts.entries()) {
      if (part.type !== 'dayPeriod') continue;
      part.value = part.value.replace('\u00a0', '\u202f');
      if (parts[i - 1]?.value === ' ') parts[i - 1].value = '\u202f';
      if (parts[i + 1]?.value === ' ' && parts[i + 2]?.type === 'hour') parts[i + 1].value = '\u202f';
      break;
    }
    return parts;
  };
  Intl.DateTimeFormat.prototype.formatToParts = {
    formatToParts(date) {
      const parts = toParts.call(this, date === undefined ? now : date);
      if (!parts.some((part) => part.type === 'dayPeriod')) return parts;
      return NARROW.has(locale.call(this).locale.split('-')[0]) ? narrowed(parts) : parts;
    },
  }.formatToParts;

  Error.stackTraceLimit = 0;

  // --- bounds that the engine's own memory limit does not know ---------------------------------------------------------

  const BUFFER_BYTES = 1 << 20;
  let allocated = 0;

  const charge = (bytes) => {
    allocated += bytes;
    if (allocated > BUFFER_BYTES) throw new RangeError('Array buffer allocation failed');
  };

  const bounded = (name) => {
    const Real = globalThis[name];
    const width = Real.BYTES_PER_ELEMENT ?? 1;
    const size = (given) => {
      if (typeof given === 'object' && given !== null) return given instanceof ArrayBuffer ? 0 : Number(given.length ?? given.size) || 0;
      return Number(given) || 0;
    };
    const Bounded = {
      [name]: function (...parts) {
        if (!new.target) throw new TypeError(`Constructor ${name} requires 'new'`);
        charge(size(parts[0]) * width);
        return Reflect.construct(Real, parts.slice(0, 3), Real);
      },
    }[name];
    Object.defineProperties(Bounded, {
      prototype: { value: Real.prototype },
      [Symbol.species]: { get: () => Bounded },
      length: { value: Real.length },
    });
    if (Real.BYTES_PER_ELEMENT) {
      Bounded.BYTES_PER_ELEMENT = Real.BYTES_PER_ELEMENT;
      Bounded.from = { from: (values, map, self) => new Bounded(Array.from(values, map, self)) }.from;
      Bounded.of = { of: (...values) => new Bounded(values) }.of;
    } else if (name === 'ArrayBuffer') {
      Bounded.isView = Real.isView;
    }
    Object.defineProperty(Real.prototype, 'constructor', { value: Bounded });
    return Bounded;
  };
  for (const method of ['resize', 'transfer', 'transferToFixedLength']) delete ArrayBuffer.prototype[method];
  delete SharedArrayBuffer.prototype.grow;
  delete Array.fromAsync;

  const BUFFERS = {};
  for (const name of [
    'ArrayBuffer', 'BigInt64Array', 'BigUint64Array', 'Float32Array', 'Float64Array', 'Int16Array', 'Int32Array', 'Int8Array',
    'SharedArrayBuffer', 'Uint16Array', 'Uint32Array', 'Uint8Array', 'Uint8ClampedArray',
  ]) {
    BUFFERS[name] = bounded(name);
  }

  // --- the names that are no variables of n8n -----------------------------------------------------------------------------

  const picked = (source, without, name) => {
    const shown = { [name]: function (...parts) { return new.target ? Reflect.construct(source, parts) : source(...parts); } }[name];
    for (const key of Object.getOwnPropertyNames(source)) {
      if (!without.includes(key) && typeof source[key] === 'function' && key !== 'prototype') shown[key] = source[key];
    }
    Object.defineProperty(shown, 'prototype', { value: source.prototype });
    Object.keys(shown).forEach((key) => Object.defineProperty(shown, key, { enumerable: false }));
    return shown;
  };

  const OBJECT_WITHOUT = [
    'defineProperty', 'defineProperties', 'setPrototypeOf', 'getPrototypeOf', 'getOwnPropertyDescriptor', 'getOwnPropertyDescriptors',
  ];
  const ERROR_WITHOUT = ['captureStackTrace', 'prepareStackTrace', 'stackTraceLimit'];

  const GLOBALS = Object.assign(Object.create(null), BUFFERS, {
    Array, Atomics: {}, BigInt, Boolean, DataView, Date: ClockDate, DateTime, Duration, Infinity, Interval, Intl, JSON, Map, Math,
    NaN, Number, Object: picked(Object, OBJECT_WITHOUT, 'Object'), RegExp, Set, String, Symbol, WeakMap, WeakSet, decodeURI,
    decodeURIComponent, encodeURI, encodeURIComponent, isFinite, isNaN, parseFloat, parseInt, undefined,
    toString: Object.prototype.toString, toLocaleString: Object.prototype.toLocaleString, valueOf: Object.prototype.valueOf,
    // n8n's names of the dispatcher, which knows extension functions and nothing else
    extend: (value, name, args) => extend(value, name, args ?? []),
    extendOptional: (value, name) => (...args) => extend(value, name, args, true),
    hasOwnProperty: own, isPrototypeOf: Object.prototype.isPrototypeOf, propertyIsEnumerable: Object.prototype.propertyIsEnumerable,
  });
  for (const name of ['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError']) {
    GLOBALS[name] = picked(globalThis[name], ERROR_WITHOUT, name);
  }
  for (const name of [
    'AsyncFunction', 'AsyncGenerator', 'AsyncGeneratorFunction', 'Buffer', 'Function', 'Generator', 'GeneratorFunction', 'Promise',
    'Proxy', 'Reflect', 'WebAssembly', 'Window', 'XMLHttpRequest', '__dirname', '__filename', 'alert', 'confirm', 'document', 'escape',
    'eval', 'fetch', 'global', 'globalThis', 'module', 'prompt', 'queueMicrotask', 'require', 'self', 'setImmediate', 'setInterval',
    'setTimeout', 'unescape', 'uneval',
  ]) {
    GLOBALS[name] = Object.freeze({});
  }
  GLOBALS.process = Object.freeze({ env: Object.freeze({}) });

  for (const scope of [globalThis.__scopePrototypes.expression]) {
    for (const name of Object.keys(GLOBALS)) {
      if (!(name in scope)) Object.defineProperty(scope, name, { value: GLOBALS[name], writable: true, enumerable: false });
    }
  }

  // `this` of a script, and of every function in it.
  const dummy = () => ({ process: {}, require: {}, module: {}, Buffer: {} });

  // --- the gate at run time --------------------------------------------------------------------------------------------------

  const FORBIDDEN = new Set(globalThis.__forbidden);

  const key = (value) => {
    if (typeof value === 'number' || typeof value === 'symbol') return value;
    const text = String(value);
    if (FORBIDDEN.has(text)) fail(`Cannot access "${text}" due to security concerns`);
    return text;
  };

  // --- results as JSON ---------------------------------------------------------------------------------------------------------

  const ODD = '\u0000';
  const uncloned = (text) => fail(`Expression evaluation failed: ${text} could not be cloned.`);
  const NOT_LOOKED_UP = new Set(['Date', 'Math', 'NaN', 'RegExp', 'isFinite', 'isNaN', 'undefined']);
  const { toString: functionText } = Function.prototype;
  const lookedUp = (found, name) => (NOT_LOOKED_UP.has(name) ? name : `("${name}" in ___n8n_data ? ___n8n_data : global).${name}`);
  // The text of a function as n8n has it: its names are looked up, and one that is no arrow is bound.
  const sourceOf = (value) => {
    const source = Reflect.apply(functionText, value, []);
    if (source.includes('[native code]')) return source;
    return source.startsWith('function') ? 'function () { [native code] }' : source.replace(/___s\.([\w$]+)/g, lookedUp);
  };

  let odd = false;
  let undefinedInside = false;
  const undefinedMember = () => {
    odd = undefinedInside = true;
    return { [ODD]: [1] };
  };

  const number = (value) => {
    if (Number.isFinite(value)) return value;
    odd = true;
    return { [ODD]: [2, String(value)] };
  };

  const tagOf = (value) => Object.prototype.toString.call(value).slice(8, -1);
  const TEXTS = ['Generator', 'Iterator', 'Promise', 'AsyncGenerator'];

  const plainObject = (value) => {
    if (value instanceof RealDate || DateTime.isDateTime(value) || Duration.isDuration(value)) return value.toJSON();
    const tag = tagOf(value);
    if (TEXTS.some((kind) => tag.endsWith(kind))) uncloned(tag === 'Promise' ? '<function>' : `[object ${tag}]`);
    const copy = {};
    for (const name of Object.keys(value)) {
      const found = value[name];
      // n8n turns a DateTime that is a member into text, one in a list is left to JSON; they differ when it is invalid
      const member = DateTime.isDateTime(found) ? found.toString() : found;
      const copied = plain(member);
      if (name !== '__proto__') copy[name] = copied; // n8n copies by setting members, which makes none of that name
    }
    return copy;
  };

  const plain = (value) => {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return number(value);
      case 'undefined':
        return undefinedMember();
      case 'bigint':
        odd = true;
        return { [ODD]: [3, String(value)] };
      case 'function':
        return uncloned(sourceOf(value));
      case 'symbol':
        return uncloned(String(value));
      default:
        if (value === null) return null;
        return Array.isArray(value) ? Array.from(value, plain) : plainObject(value);
    }
  };

  const nested = (value) => {
    odd = false;
    const made = plain(value);
    return typeof made === 'object' && made !== null ? [odd ? 4 : 0, made] : made;
  };

  const cellOf = (value) => {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) ? value : [2, String(value)];
      case 'undefined':
        return [1];
      case 'bigint':
        return [3, String(value)];
      case 'symbol':
        return fail('Expression evaluation failed: Unsupported type');
      case 'object':
        if (value === null) return null;
        if (DateTime.isDateTime(value)) return [5, value.toString()];
        if (Duration.isDuration(value)) return [6, value.toJSON(), value.valueOf(), String(value)];
        if (value instanceof RealDate) return [6, value.toJSON(), value.getTime(), String(value)];
        // n8n copies an Interval without its methods' own classes: its bounds are text, so that it cannot be shown
        if (Interval.isInterval(value)) return [7, plain(value), value.isValid ? null : String(value)];
        return nested(value);
      default:
        return uncloned(sourceOf(value));
    }
  };

  // --- rendering inside text -------------------------------------------------------------------------------------------------------

  const attempt = (work) => {
    try {
      return work();
    } catch (error) {
      if (error instanceof ExpressionError) throw error;
      return undefined;
    }
  };

  // V8 names what is no function by its source text, which for a name that n8n looks up is a conditional expression.
  const LOOKED_UP = '(intermediate value)(intermediate value)(intermediate value).';
  const withNames = (message) =>
    message
      .replace(/___s\.(\w*)/g, (_, name) => (NOT_LOOKED_UP.has(name) ? name : LOOKED_UP + name))
      .replaceAll('___x(...)', `${LOOKED_UP}extend(...)`);
  const { getOwnPropertyDescriptor } = Object;
  // Called at the beginning of every `catch`.
  const caught = (error) => {
    if (!(error instanceof TypeError)) return;
    const message = getOwnPropertyDescriptor(error, 'message');
    if (typeof message?.value === 'string' && message.writable && /___s\.|___x\(/.test(message.value)) error.message = withNames(message.value);
  };

  // Code without a name, a member or a call: n8n does not catch what it throws.
  const uncaught = (work) => {
    try {
      return work();
    } catch (error) {
      return error instanceof ExpressionError ? fail(error.message, error.description) : fail(`Expression evaluation failed: ${withNames(String(error.message))}`);
    }
  };

  const isBlank = (value) => value === undefined || value === null || value !== value;
  const text = (value) => {
    try {
      return typeof value === 'function' ? sourceOf(value) : `${value}`;
    } catch (error) {
      return error instanceof TypeError ? fail(`Expression evaluation failed: ${error.message}`) : '';
    }
  };
  const render = (work) => {
    const value = attempt(work);
    return isBlank(value) ? '' : text(value);
  };
  // SQL and HTML editors show what is not there, and the raw JSON editor takes objects in as JSON.
  const renderText = (work) => {
    const value = attempt(work);
    return typeof value === 'function' ? uncloned(sourceOf(value)) : text(value);
  };
  const renderJson = (work) => {
    const value = attempt(work);
    return typeof value === 'object' ? (attempt(() => stringify(value)) ?? '') : renderText(() => value);
  };

  // --- running ---------------------------------------------------------------------------------------------------------------------------

  const scripts = new Map();

  const failure = (error) => (error instanceof ExpressionError ? [9, error.message, error.description ?? null] : [1]);

  const cell = (script, scope) => {
    let value;
    try {
      value = script(scope, extend, key, render, renderText, renderJson, dummy(), uncaught, caught);
    } catch (error) {
      return failure(error);
    }
    try {
      return cellOf(value);
    } catch (error) {
      // a value that contains itself
      return error instanceof RangeError ? [9, `Expression evaluation failed: ${error.message}`, null] : failure(error);
    }
  };

  const column = (id, at, request) => {
    const script = scripts.get(id);
    if (script === null) return Array.from({ length: request.count }, () => [9, 'invalid syntax', null]);
    const cells = [];
    for (let i = request.first; i < request.first + request.count; i++) cells.push(cell(script, at(i)));
    return cells;
  };

  // Marks of `runtime/values/undefined.py`.
  const unmarked = (given) => {
    if (typeof given !== 'object' || given === null || given.$tempor8 === 'undefined') return given?.$tempor8 ? undefined : given;
    const value = given.$tempor8 === 'value' ? given.value : given;
    for (const name of Object.keys(value)) if (name !== '__proto__') value[name] = unmarked(value[name]);
    return value;
  };

  const run = (message) => {
    const request = parse(message);
    const snapshot = request.undefined ? unmarked(request.snapshot) : request.snapshot;
    undefinedInside = false;
    now = Math.floor(snapshot.now);
    state = request.seed | 0;
    allocated = 0;
    resetCaches.call(Settings);
    const before = stringify(snapshot.execution.customData);
    const programs = request.scripts.slice(request.copies.length).map((id) => scripts.get(id));
    const evaluate = (index, scope) => {
      const program = programs[index] ?? fail('invalid syntax');
      return attempt(() => program(scope, extend, key, render, renderText, renderJson, dummy(), uncaught, caught));
    };
    const open = openScope(snapshot, 'expression', evaluate);
    const columns = request.copies.map((copies, i) => column(request.scripts[i], (item) => open(item, copies), request));
    const after = stringify(snapshot.execution.customData);
    return stringify({ columns, undefined: undefinedInside || undefined, custom: after === before ? undefined : snapshot.execution.customData });
  };

  globalThis.__define = (id, script) => {
    if (script !== null) Object.freeze(Object.freeze(script).prototype);
    scripts.set(id, script);
  };
  globalThis.__forget = () => scripts.clear();
  globalThis.__run = run;

  // --- nothing a script does may outlive it -----------------------------------------------------------------------------------------------

  for (const name of Object.getOwnPropertyNames(RegExp)) {
    if (!['length', 'name', 'prototype', 'escape'].includes(name)) delete RegExp[name];
  }
  const scopes = globalThis.__scopePrototypes.expression;
  for (const name of ['WeakRef', 'FinalizationRegistry', 'setTimeout', 'clearTimeout', '__timer_manager', 'console', 'WebAssembly',
    'Temporal', '__intl', '__scopePrototypes', '__forbidden']) {
    if (!Reflect.deleteProperty(globalThis, name)) globalThis[name] = undefined;
  }

  // On a frozen prototype an inherited data property cannot be shadowed by assignment (`error.message = 'x'` would do
  // nothing), so those that programs do shadow become accessors that put the value on the object itself.
  const shadowed = [];
  const shadowable = (prototype) => {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const described = Object.getOwnPropertyDescriptor(prototype, name);
      if (!described.configurable || !('value' in described) || name === '__proto__') continue;
      const { value } = described;
      shadowed.push(value);
      Object.defineProperty(prototype, name, {
        get: () => value,
        set(next) {
          if (this === prototype) throw new TypeError(`Cannot assign to read only property '${name}'`);
          Object.defineProperty(this, name, { value: next, writable: true, enumerable: true, configurable: true });
        },
        enumerable: described.enumerable,
        configurable: false,
      });
    }
  };
  for (const name of ['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError']) {
    shadowable(globalThis[name].prototype);
  }
  shadowable(Object.prototype);

  // What of luxon is reached only through its instances: classes that it does not export, and constants that it hands out.
  const luxonParts = () => {
    const { FixedOffsetZone, IANAZone, Info, InvalidZone, SystemZone, Zone } = globalThis.luxon;
    const at = DateTime.fromMillis(0, { zone: 'Europe/Berlin', locale: 'de' });
    const english = at.setLocale('en-US');
    const instances = [
      at, at.loc, at.zone, at.loc.dtFormatter(at), at.loc.numberFormatter(), at.loc.relFormatter(), english.loc.numberFormatter(),
      DateTime.invalid('none').invalidReason === 'none' ? DateTime.invalid('none').invalid : {}, Duration.fromMillis(5),
      Interval.after(at, 5), DateTime.buildFormatParser('yyyy'), new InvalidZone('none'), new IANAZone('Europe/Berlin'),
    ];
    const lists = ['long', 'short', 'narrow'].flatMap((width) =>
      [english.loc.months(width), english.loc.weekdays(width), english.loc.eras(width), Info.months(width), Info.weekdays(width)]);
    const presets = Object.getOwnPropertyNames(DateTime).filter((name) => /^[A-Z0-9_]+$/.test(name)).map((name) => DateTime[name]);
    const matrices = ['casual', 'longterm'].map((conversionAccuracy) => Duration.fromObject({}, { conversionAccuracy }).matrix);
    const zones = [FixedOffsetZone.utcInstance, SystemZone.instance];
    const thrown = [
      () => Duration.fromObject({ nope: 1 }), () => new Zone().type, () => DateTime.fromMillis(''),
      () => DateTime.fromObject({ ordinal: 1, weekNumber: 1 }),
    ].map((work) => {
      try {
        return work();
      } catch (error) {
        return error;
      }
    });
    DateTime.fromFormatExplain('1', 'ff'); // makes the instance by which it looks up formats
    return {
      Locale: Object.getPrototypeOf(at.loc), instances: [...instances, ...thrown],
      constants: [...lists, english.loc.meridiems(), ...presets, ...matrices, ...zones, Settings.now],
    };
  };

  const frozen = new Set();
  const freeze = (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || frozen.has(value)) return;
    frozen.add(value);
    Object.freeze(value);
    freeze(Object.getPrototypeOf(value));
    for (const name of Reflect.ownKeys(value)) {
      const described = Object.getOwnPropertyDescriptor(value, name);
      freeze(described.value);
      freeze(described.get);
      freeze(described.set);
    }
  };
  // luxon's own cache of these is the one that `resetCaches` forgets.
  const { Locale, instances, constants } = luxonParts();
  Locale.listFormatter = { listFormatter(options = {}) { return new Intl.ListFormat(this.intl, options); } }.listFormatter;

  // Methods that read a member by a name which they are given do not reach what the gate forbids.
  const named = (prototype, name) => {
    const method = prototype[name];
    prototype[name] = { [name](...parts) {
      if (parts[0] !== undefined && parts[0] !== null) {
        parts[0] = key(parts[0]); // once, since an object may be another text the next time
        key(String(parts[0]).toLowerCase());
      }
      return method.apply(this, parts);
    } }[name];
  };
  named(DateTime.prototype, 'get');
  named(Duration, 'normalizeUnit');
  for (const name of ['months', 'weekdays', 'eras']) named(Locale, name);

  // No way leads from a function to what would make code of text, whether V8 forbids it or not.
  const Inert = { Function: function () {
    throw new EvalError('Code generation from strings disallowed for this context');
  } }.Function;
  for (const made of [() => {}, async () => {}, function* () {}, async function* () {}]) {
    Object.defineProperty(Object.getPrototypeOf(made), 'constructor', { value: Inert });
  }

  // The text of a function is the author's, without what the compiler wrote into it.
  const source = Function.prototype.toString;
  Function.prototype.toString = { toString() {
    return source.call(this).replace(/___s\.|___e\([^()]*\);/g, '');
  } }.toString;

  const intrinsics = [
    (function* () {})(), (async function* () {})(), (async () => {})(), [][Symbol.iterator](), new Map()[Symbol.iterator](),
    new Set()[Symbol.iterator](), ''[Symbol.iterator](), /a/[Symbol.matchAll](''), new Intl.Segmenter().segment('')[Symbol.iterator](),
    function* () {}, async () => {}, async function* () {}, new Intl.Segmenter().segment(''), [].values().map((x) => x),
    Iterator.from({ next: () => ({ done: true }) }),
  ];
  const stack = Object.values(Object.getOwnPropertyDescriptor(new Error(''), 'stack') ?? {});
  const inner = [...shadowed, ...stack, scopes, ExpressionError, extend, key, render, renderText, renderJson, uncaught, caught];
  for (const value of [...intrinsics, ...inner, ...constants, GLOBALS, globalThis.luxon, globalThis.jmespath]) freeze(value);
  for (const value of instances) freeze(Object.getPrototypeOf(value));
  for (const name of Reflect.ownKeys(globalThis)) freeze(globalThis[name]);
  Object.freeze(globalThis);
})();
