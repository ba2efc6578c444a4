// The `Intl` that luxon uses: formatters are made once for the same locale and options, and may be used by every later script.
//
//   __intl   Intl, with constructors of formatters that remember what they have made
//
// luxon has caches of its own, but their keys are what `JSON.stringify` says of an author's options, which `toJSON` can forge;
// so the kernel empties them before each run (`resetCaches`). Here the key and the formatter come from the same copy of
// plain values, and the formatters are frozen, so that what a script does to one, no other script sees.
'use strict';

(() => {
  const MAX_FORMATTERS = 200;
  const PLAIN = ['string', 'number', 'boolean', 'undefined'];
  const { construct } = Reflect;
  const { stringify } = JSON;
  const { freeze, keys } = Object;

  // The options as an object without prototype, or undefined when a value is not plain.
  const copied = (options) => {
    const copy = { __proto__: null };
    for (const name of keys(options)) {
      const value = options[name];
      if (!PLAIN.includes(typeof value)) return undefined;
      if (value !== undefined) copy[name] = value;
    }
    return copy;
  };

  const remembering = (name) => {
    const Real = Intl[name];
    const made = new Map();
    const Remembering = { [name]: function (locales, options) {
      const plain = typeof locales === 'string' || locales === undefined;
      const copy = plain && (options === undefined || typeof options === 'object') ? copied(options ?? {}) : undefined;
      if (copy === undefined) return construct(Real, [locales, options]);
      const key = stringify([locales, copy]);
      let formatter = made.get(key);
      if (formatter === undefined) {
        formatter = freeze(construct(Real, [locales, copy]));
        if (typeof formatter.format === 'function') freeze(formatter.format); // the same function whenever it is asked for
        if (made.size >= MAX_FORMATTERS) made.clear();
        made.set(key, formatter);
      }
      return formatter;
    } }[name];
    Remembering.prototype = Real.prototype;
    return freeze(Remembering);
  };

  globalThis.__intl = freeze({
    __proto__: Intl,
    DateTimeFormat: remembering('DateTimeFormat'),
    NumberFormat: remembering('NumberFormat'),
    RelativeTimeFormat: remembering('RelativeTimeFormat'),
  });
})();
