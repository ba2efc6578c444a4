// Walks everything that a script can reach and leaves a mark wherever it can; returns where it found the marks of an earlier walk.
//
// The body of a function of NUMBER, which tells walks apart, and REPLACES: whether it overwrites values, too. In a script (see child.py) it sees the scope as `___s` and the kernel's own functions as parameters, and runs past
// the gate, so it reaches more than an author can. Reached are own properties, prototypes, what getters give, what methods of
// luxon and Intl give without arguments and with a few usual ones, and members of maps and sets.
const MARK = '__mark';
const WALK = `walk ${NUMBER}`; // what an earlier one left is another's
const isForeign = (value) => typeof value === 'string' && value.startsWith('walk ') && value !== WALK;
const MAX_OBJECTS = 60000;
const PER_CLASS = 2; // instances of a class whose methods are called
const { ownKeys, getPrototypeOf, getOwnPropertyDescriptor, defineProperty, apply } = Reflect;
const { luxon } = globalThis;
const found = new Set();
const seen = new Set();
const queue = [];
const expanded = new Map();

const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';
const add = (value, path) => {
  if (isObject(value) && !seen.has(value) && seen.size < MAX_OBJECTS) {
    seen.add(value);
    queue.push([value, path]);
  }
};
const attempt = (work) => {
  try {
    return work();
  } catch (error) {
    return isObject(error) ? error : undefined;
  }
};

const isOther = (number) => number > 54320 && number < 54330 && number !== 54320 + NUMBER;
const SLOTS = [
  [Map, (map) => [...Map.prototype.keys.call(map)].some(isForeign), (map) => Map.prototype.set.call(map, WALK, 1)],
  [Set, (set) => [...Set.prototype.values.call(set)].some(isForeign), (set) => Set.prototype.add.call(set, WALK)],
  [Date, (date) => isOther(Date.prototype.getTime.call(date)), (date) => Date.prototype.setTime.call(date, 54320 + NUMBER)],
];

const mark = (value, path) => {
  if (isForeign(attempt(() => getOwnPropertyDescriptor(value, MARK)?.value))) found.add(`${path} keeps a property`);
  attempt(() => defineProperty(value, MARK, { value: WALK, configurable: true, writable: true }));
  for (const [kind, has, put] of SLOTS) {
    if (!(attempt(() => value instanceof kind) === true)) continue;
    if (attempt(() => has(value)) === true) found.add(`${path} keeps a member`);
    attempt(() => put(value));
  }
  if (attempt(() => ArrayBuffer.isView(value)) === true && !(value instanceof DataView) && value.length) {
    if (isOther(Number(value[0]) + 54245)) found.add(`${path} keeps a number`);
    attempt(() => { value[0] = typeof value[0] === 'bigint' ? BigInt(75 + NUMBER) : 75 + NUMBER; });
  }
  for (const name of attempt(() => ownKeys(value)) ?? []) {
    const described = attempt(() => getOwnPropertyDescriptor(value, name));
    if (name !== MARK && isForeign(described?.value)) found.add(`${path}.${String(name)} keeps a value`);
  }
};

// The values of an object that may be another one's, too, are replaced where they can be, once everything has been walked.
const overwrite = (value) => {
  for (const name of attempt(() => ownKeys(value)) ?? []) {
    const described = attempt(() => getOwnPropertyDescriptor(value, name));
    if (described !== undefined && 'value' in described && described.writable && name !== MARK) {
      if (!isObject(described.value)) attempt(() => { value[name] = WALK; });
    }
  }
};

const ARGUMENTS = [[], ['en'], ['Europe/Paris'], ['yyyy'], ['long'], [{}], [0], [new Date(0)]];
const className = (value) => attempt(() => getPrototypeOf(value)?.constructor?.name) ?? '';
const isLibrary = (value) =>
  attempt(() => {
    for (let each = value; each !== null; each = getPrototypeOf(each)) if (INSIDE.has(each)) return true;
    return false;
  }) === true;
const INSIDE = new Set([
  ...Object.values(luxon).filter((each) => typeof each === 'function').flatMap((each) => [each, each.prototype]),
  ...ownKeys(Intl).map((name) => Intl[name]?.prototype).filter(isObject),
]);

const expand = (value, path) => {
  const name = className(value) + typeof value;
  if ((expanded.get(name) ?? 0) >= PER_CLASS) return;
  expanded.set(name, (expanded.get(name) ?? 0) + 1);
  for (let each = value; each !== null && each !== Object.prototype && each !== Function.prototype; each = getPrototypeOf(each)) {
    for (const key of ownKeys(each)) {
      const described = getOwnPropertyDescriptor(each, key);
      if (typeof described.value !== 'function' || key === 'constructor' || key === 'resetCaches') continue;
      for (const given of ARGUMENTS) add(attempt(() => apply(described.value, value, given)), `${path}.${String(key)}(${String(given)})`);
      add(attempt(() => apply(described.value, value, [value])), `${path}.${String(key)}(itself)`);
    }
  }
};

const visit = (value, path) => {
  mark(value, path);
  const prototype = attempt(() => getPrototypeOf(value));
  add(prototype, `${path}.[[Prototype]]`);
  for (const key of attempt(() => ownKeys(value)) ?? []) {
    const described = attempt(() => getOwnPropertyDescriptor(value, key));
    if (described === undefined) continue;
    const at = `${path}.${String(key)}`;
    add(described.value, at);
    add(described.get, `${at}.get`);
    add(described.set, `${at}.set`);
    if (described.get) add(attempt(() => apply(described.get, value, [])), at);
  }
  for (let each = prototype; isObject(each); each = attempt(() => getPrototypeOf(each))) {
    for (const key of attempt(() => ownKeys(each)) ?? []) {
      const described = attempt(() => getOwnPropertyDescriptor(each, key));
      if (described?.get) add(attempt(() => apply(described.get, value, [])), `${path}.${String(key)}`);
    }
  }
  if (attempt(() => value instanceof Map) === true) for (const [key, each] of value) { add(key, `${path}.key`); add(each, `${path}.value`); }
  if (attempt(() => value instanceof Set) === true) for (const each of value) add(each, `${path}.member`);
  if (isLibrary(value) || INSIDE.has(getPrototypeOf(value) ?? value) || luxonLike(value)) expand(value, path);
};
const luxonLike = (value) => /^(?:Locale|Zone|.*Zone|Poly.*|TokenParser|Invalid|Formatter|NodeReader|InputReader)$/.test(className(value));

const when = luxon.DateTime.fromMillis(0, { zone: 'Europe/Berlin', locale: 'de' });
const roots = {
  scope: ___s, extend: ___x, key: ___k, render: ___r, renderText: ___w, renderJson: ___j, self: ___this, outside: ___f, globalThis,
  when, local: luxon.DateTime.now(), system: luxon.DateTime.fromMillis(0, { zone: 'system' }), utc: luxon.DateTime.utc(),
  fixed: luxon.DateTime.fromMillis(0, { zone: 'UTC+3' }), english: when.setLocale('en-US'), invalid: luxon.DateTime.invalid('x'),
  formatter: when.loc.dtFormatter(when, {}), numbers: when.loc.numberFormatter({}), relative: when.loc.relFormatter({}),
  lists: when.loc.listFormatter({}), week: when.loc.getWeekSettings(), duration: luxon.Duration.fromMillis(5),
  exact: luxon.Duration.fromObject({ days: 1 }, { conversionAccuracy: 'longterm' }), human: luxon.Duration.fromMillis(5).toHuman,
  span: luxon.Interval.after(when, 5), parser: luxon.DateTime.buildFormatParser('yyyy LLLL'),
  explained: luxon.DateTime.fromFormatExplain('1970 Januar', 'yyyy LLLL', { locale: 'de' }),
  named: luxon.IANAZone.create('Asia/Tokyo'), utcZone: luxon.FixedOffsetZone.utcInstance, nowhere: new luxon.InvalidZone('x'),
  template: ((strings) => strings)`a${1}b`, callee: arguments.callee, search: globalThis.jmespath,
  iterators: [[].values(), new Map().entries(), new Set().values(), ''[Symbol.iterator](), /a/g[Symbol.matchAll]('a'),
    [].values().map((x) => x), Iterator.from({ next: () => ({ done: true }) }), new Intl.Segmenter().segment('a'),
    new Intl.Segmenter().segment('a')[Symbol.iterator](), (function* () {})(), (async function* () {})(), (async () => {})()],
  intl: [new Intl.NumberFormat(), new Intl.DateTimeFormat(), new Intl.Collator(), new Intl.PluralRules(), new Intl.ListFormat(),
    new Intl.RelativeTimeFormat('en'), new Intl.Locale('en'), new Intl.Segmenter(), new Intl.DisplayNames('en', { type: 'region' })],
  errors: [new Error('a'), attempt(() => ___s.$('Nope')), attempt(() => ___k('constructor')), attempt(() => null.x), attempt(() => ___x(1, 'nope', []))],
  extended: ['first', 'toDateTime', 'format', 'hash', 'plus', 'replaceSpecialChars'].map((name) => attempt(() => ___x('2024-01-01', name, []))),
  found: attempt(() => ___s.$jmespath({ a: [{ b: 1 }] }, 'a[*].b')),
};
for (const name of ownKeys(roots)) add(roots[name], name);
for (let each = ___s; isObject(each); each = getPrototypeOf(each)) {
  for (const name of ownKeys(each)) if (typeof name === 'string') add(attempt(() => ___s[name]), name);
}
add(attempt(() => ___s.$('Src')), "$('Src')");
add(attempt(() => ___s.$('Src').item), "$('Src').item");
add(attempt(() => ___s.$node['Src']), "$node['Src']");
add(attempt(() => ___s.$item(0)), '$item(0)');
for (let i = 0; i < queue.length; i++) visit(...queue[i]);
if (REPLACES) for (const value of seen) overwrite(value);
return { found: [...found].sort(), objects: seen.size };
