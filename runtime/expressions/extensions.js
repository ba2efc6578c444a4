// n8n's extension functions: `value.method(...)` in an expression, for methods that JavaScript itself does not have.
//
//   __extend(value, name, args, optional)   calls the extension `name` on `value` with an array of arguments.
//                                           `optional`: `value?.name()`, undefined when value is null or undefined
//   __extensionNames                        the names that the compiler rewrites into calls of `__extend`
//
// Needs `__bytes` (hashes.js), `luxon` (its `Settings.defaultZone` is the workflow's time zone) and, for
// `replaceSpecialChars`, `__transliteration`: a function that gives the library of that name, called at first use, since
// it takes 50 ms.
// Pure JavaScript and Intl: no Buffer, URL, crypto or typed arrays. The engine's local time is UTC.
//
// Which table answers is decided by the value at run time: array, date-like text, text, number, Date or DateTime,
// object, boolean. Then comes the value's own method, then `isEmpty`/`isNotEmpty` for whatever is left, then an error.
// n8n's oddities are kept because authors rely on what they saw: text that is exactly `new Date().toISOString()` gets
// the functions of dates (and mostly fails in them); `toInt` rounds numbers but cuts text; `diffTo` works on DateTime
// and not on Date. An `__ExpressionError` ends the expression; any other error makes it undefined, so a plain throw
// below means "undefined", on purpose.
'use strict';

(() => {
  const { DateTime } = globalThis.luxon;

  const fail = (message, description) => {
    const Raised = globalThis.__ExpressionError ?? Error;
    throw new Raised(message, description);
  };

  const isObject = (value) => typeof value === 'object' && value !== null;
  const isText = (value) => typeof value === 'string' && value !== '';
  const isEmptyObject = (value) => Object.keys(value).length === 0;

  // --- equality ---------------------------------------------------------------------------------------------------

  const sameKeys = (a, b) => {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.prototype.hasOwnProperty.call(b, key) && same(a[key], b[key]))
    );
  };

  // Deep equality; NaN equals itself, 0 equals -0, an absent member is not an undefined one.
  const same = (a, b) => {
    if (a === b || (a !== a && b !== b)) return true;
    if (!isObject(a) || !isObject(b) || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
    if (a instanceof Date) return same(a.getTime(), b.getTime());
    if (a instanceof RegExp) return String(a) === String(b);
    if (DateTime.isDateTime(a)) return a.equals(b);
    return sameKeys(a, b);
  };

  const distinct = (values, equal = same) => {
    const seen = new Set();
    const kept = [];
    for (const value of values) {
      if (!isObject(value)) {
        if (seen.has(value)) continue;
        seen.add(value);
      } else if (kept.some((other) => isObject(other) && equal(other, value))) continue;
      kept.push(value);
    }
    return kept;
  };

  const membership = (values) => {
    const plain = new Set(values.filter((value) => !isObject(value)));
    const objects = values.filter(isObject);
    return (value) => (isObject(value) ? objects.some((other) => same(other, value)) : plain.has(value));
  };

  const { utf8, toBase64, fromBase64, fromUtf8, HASHES } = globalThis.__bytes;
  delete globalThis.__bytes;

  let library;
  const transliteration = () => (library ??= globalThis.__transliteration());

  // --- text -------------------------------------------------------------------------------------------------------

  const HOST_NUMBERS = String.raw`\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}`;
  const HOST_LABELS = String.raw`(?:[\w-]+\.)+`;
  const URL_START = `(?:https?|ftp):\\/\\/(?:localhost|${HOST_NUMBERS}|${HOST_LABELS}[a-z]{2,})\\S*`;
  const URL_ANYWHERE = new RegExp(URL_START, 'i');
  const URL_ONLY = new RegExp(`^${URL_START}$`, 'i');
  const HOST = `(localhost|${HOST_NUMBERS}|${HOST_LABELS}(?:[a-z]{2,}|xn--[a-z0-9]+))`;
  const HOST_END = String.raw`(?::\d+)?(?:[/?#]\S*)?$`;
  const DOMAIN_ONLY = new RegExp(`^${HOST}${HOST_END}`, 'i');
  const DOMAIN_OF = new RegExp(`^(?:(?:https?|ftp)://|mailto:|//)?${HOST}${HOST_END}`, 'i');
  const EMAIL = new RegExp(
    String.raw`(?:[^<>()[\]\\.,;:\s@"]+(?:\.[^<>()[\]\\.,;:\s@"]+)*|".+")` +
      String.raw`@(?:\[${HOST_NUMBERS}\]|(?:[a-zA-Z\-0-9]+\.)+[a-zA-Z]{2,})`,
  );

  const CURRENCIES = [
    'B/.', 'S/.', 'BZ$', 'J$', 'RD$', 'NT$', 'TT$', 'C$', 'R$', 'Z$', 'Дин.', 'ден', 'лв', 'Lek', 'CHF', 'lei', 'Br',
    'KM', 'Kč', 'kr', 'kn', 'Ft', 'Rp', 'RM', 'MT', 'Gs', 'Bs', 'zł', 'S', 'P', 'L', 'Q', 'R', '$', '؋', 'ƒ', '₼', '៛', '¥',
    '₡', '₱', '£', '€', '¢', '﷼', '₪', '₩', '₭', '₨', '₮', '₦', '₽', '฿', '₺', '₴', '₫', '₹',
  ]; // prettier-ignore
  const CURRENCY = new RegExp(CURRENCIES.map((sign) => sign.replace(/[$./]/g, '\\$&')).join('|'), 'g');
  const withoutCurrency = (text) => text.replace(CURRENCY, '');

  // Words that stay small inside a title, as in the title-case package (MIT) that style guides share.
  const SMALL_WORD =
    /\b(?:an?d?|a[st]|because|but|by|en|for|i[fn]|neither|nor|o[fnr]|only|over|per|so|some|tha[tn]|the|to|up|upon|vs?\.?|versus|via|when|with|without|yet)\b/i;
  const TITLE_TOKENS = /[^\s:–—-]+|./g;
  const OWN_CASE = /.(?=[A-Z]|\..)/;

  const toTitleCase = (text) => {
    let title = '';
    for (const { 0: token, index } of text.matchAll(TITLE_TOKENS)) {
      const end = index + token.length;
      const small = SMALL_WORD.test(token) && index !== 0 && end !== text.length;
      const scheme = text.charAt(end) === ':' && !/\s/.test(text.charAt(end + 1));
      const change = !OWN_CASE.test(token) && !small && !scheme;
      title += change ? token.replace(/[A-Za-z0-9\u00c0-\u00ff]/, (letter) => letter.toUpperCase()) : token;
    }
    return title;
  };

  const toSentenceCase = (text) =>
    text.replace(/([^\p{L}.!?]*\p{L})[^.!?]*/gu, (sentence, start) => {
      const lower = sentence.toLowerCase(); // as a whole: a Greek sigma looks at its neighbours
      return start.toUpperCase() + lower.slice(start.toLowerCase().length);
    });

  // The steps and their order decide what is left of nested markup; n8n's results are those of this order.
  const MARKDOWN_STEPS = [
    [/^([\s\t]*)([*\-+]|\d\.)\s+/gm, '$1'], // list leaders
    [/\n={2,}/g, '\n'], // underlined headings
    [/~~/g, ''],
    [/`{3}.*\n/g, ''], // opening fences
    [/<[^>]+>/g, ''],
    [/^[=-]{2,}\s*$/g, ''],
    [/\[\^.+?\](: .*?$)?/g, ''], // footnotes
    [/\s{0,2}\[.*?\]: .*?$/g, ''], // link definitions
    [/!\[.*?\][[(].*?[\])]/g, ''], // images
    [/\[(.*?)\][[(].*?[\])]/g, '$1'], // links
    [/>/g, ''], // quotes
    [/^#{1,6}\s*([^#]*)\s*(#{1,6})?/gm, '$1'], // headings
    [/([*_]{1,3})(\S.*?\S)\1/g, '$2'], // emphasis
    [/(`{3,})(.*?)\1/gm, '$2'],
    [/^-{3,}\s*$/g, ''],
    [/`(.+?)`/g, '$1'],
    [/\n{2,}/g, '\n\n'],
  ];

  const parsedDateTime = (text) => {
    const trimmed = text.trim();
    for (const read of ['fromISO', 'fromHTTP', 'fromRFC2822', 'fromSQL']) {
      const parsed = DateTime[read](trimmed, { setZone: true });
      if (parsed.isValid) return parsed;
    }
    const parsed = DateTime.fromJSDate(new Date(trimmed));
    return parsed.isValid ? parsed : fail('cannot convert to Luxon DateTime');
  };

  const NUMERIC_FORMATS = {
    ms: (value) => DateTime.fromMillis(value),
    s: (value) => DateTime.fromSeconds(value),
    us: (value) => DateTime.fromMillis(value / 1000),
    excel: (value) => DateTime.fromMillis((value - 25569) * 86400000), // days since 1899-12-30
  };

  const readable = (text) => !text.includes(' ');

  const TEXT = {
    hash(text, [algorithm]) {
      const name = (algorithm ?? 'md5').toLowerCase();
      if (name === 'base64') return toBase64(utf8(text));
      if (!Object.keys(HASHES).includes(name)) {
        const known = Object.keys(HASHES).join(',');
        fail(`Unknown algorithm ${name}. Available algorithms are: ${known}, and Base64.`);
      }
      return HASHES[name](utf8(text));
    },
    removeMarkdown: (text) => MARKDOWN_STEPS.reduce((left, [pattern, by]) => left.replace(pattern, by), text),
    removeTags: (text) => text.replace(/<[^>]*>?/g, ''),
    toDate(text) {
      const date = new Date(text);
      return Number.isNaN(date.getTime()) ? fail('cannot convert to date') : date;
    },
    toDateTime(text, [format]) {
      if (!format) return parsedDateTime(text);
      if (typeof format !== 'string') return DateTime.invalid('unsupported format');
      if (Object.keys(NUMERIC_FORMATS).includes(format)) return NUMERIC_FORMATS[format](Number(text));
      return DateTime.fromFormat(text, format);
    },
    toBoolean: (text) => !['', 'false', 'no', '0'].includes(text.toLowerCase()),
    toNumber(text) {
      const number = Number(withoutCurrency(text));
      return Number.isNaN(number) ? fail('cannot convert to number') : number;
    },
    toFloat(text) {
      if (text.includes(',')) fail('cannot convert to float, expected . as decimal separator');
      const number = parseFloat(withoutCurrency(text));
      return Number.isNaN(number) ? fail('cannot convert to float') : number;
    },
    toInt(text, [radix]) {
      const number = parseInt(withoutCurrency(text), radix);
      return Number.isNaN(number) ? fail('cannot convert to integer') : number;
    },
    toSentenceCase,
    toSnakeCase: (text) =>
      text
        .toLowerCase()
        .replace(/[ -]/g, '_')
        .replace(/[\u2000-\u206f\u2e00-\u2e7f\\'!"#$%&()*+,./:;<=>?@[\]^`{|}~]/g, ''),
    toTitleCase,
    urlEncode: (text, [whole]) => (whole ? encodeURI(text) : encodeURIComponent(text)),
    urlDecode: (text, [whole]) => (whole ? decodeURI(text) : decodeURIComponent(text)),
    quote(text, [mark = '"']) {
      const marks = new RegExp(`\\${mark}`, 'g');
      return `${mark}${text.replace(/\\/g, '\\\\').replace(marks, `\\${mark}`)}${mark}`;
    },
    replaceSpecialChars: (text) => transliteration().transliterate(text, { unknown: '?' }),
    length: (text) => text.length,
    isDomain: (text) => DOMAIN_ONLY.test(text),
    isEmail: (text) => readable(text) && EMAIL.test(text),
    isUrl: (text) => URL_ONLY.test(text),
    isNumeric: (text) => readable(text) && !Number.isNaN(Number(text)) && !Number.isNaN(parseFloat(text)),
    isEmpty: (text) => text === '',
    isNotEmpty: (text) => text !== '',
    extractEmail: (text) => EMAIL.exec(text)?.[0],
    extractDomain(text) {
      const address = readable(text) ? EMAIL.exec(text) : null;
      return address ? address[0].slice(address[0].lastIndexOf('@') + 1) : DOMAIN_OF.exec(text)?.[1];
    },
    extractUrl: (text) => URL_ANYWHERE.exec(text)?.[0],
    extractUrlPath(text) {
      const parts = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)([^?#]*)(.*)$/is.exec(text);
      return parts && parts[1] + parts[2] + parts[3] ? parts[2] || '/' : undefined;
    },
    parseJson(text) {
      try {
        return JSON.parse(text);
      } catch {
        return fail(text.includes("'") ? "Parsing failed. Check you're using double quotes" : 'Parsing failed');
      }
    },
    toJsonString: (text) => JSON.stringify(text),
    base64Encode: (text) => toBase64(utf8(text)),
    base64Decode: (text) => fromUtf8(fromBase64(text)),
  };
  TEXT.toDecimalNumber = TEXT.toFloat;
  TEXT.toWholeNumber = TEXT.toInt;

  // --- numbers ----------------------------------------------------------------------------------------------------

  const integer = (value, name) =>
    Number.isInteger(value) ? value : fail(`${name}() is only callable on integers`);

  const NUMBER = {
    ceil: (value) => Math.ceil(value),
    floor: (value) => Math.floor(value),
    abs: (value) => Math.abs(value),
    round: (value, [digits = 0]) => Number(value.toFixed(digits)),
    isInteger: (value) => Number.isInteger(value),
    isEven: (value) => integer(value, 'isEven') % 2 === 0,
    isOdd: (value) => Math.abs(integer(value, 'isOdd')) % 2 === 1,
    format(value, [locales = 'en-US', options]) {
      try {
        return new Intl.NumberFormat(locales, options).format(value);
      } catch {
        return String(value);
      }
    },
    toBoolean: (value) => value !== 0,
    toInt: (value) => Number(value.toFixed(0)),
    toFloat: (value) => value,
    toDateTime(value, [format = 'ms']) {
      if (!Object.keys(NUMERIC_FORMATS).includes(format)) {
        fail(`Unsupported format '${format}'. toDateTime() supports 'ms', 's', 'us' and 'excel'.`);
      }
      return NUMERIC_FORMATS[format](value);
    },
  };

  // --- booleans ---------------------------------------------------------------------------------------------------

  const nothing = () => undefined;

  const BOOLEAN = {
    toBoolean: (value) => value,
    toInt: Number,
    toFloat: Number,
    toNumber: Number,
    toDateTime: nothing,
  };

  // --- objects ----------------------------------------------------------------------------------------------------

  const worthless = (value) =>
    value === null ||
    value === undefined ||
    value === '' ||
    value === 'nil' ||
    (typeof value === 'object' && isEmptyObject(value));

  // Emptiness is looked at before a member is compacted, so `{a: {b: null}}` becomes `{a: {}}`; lists become objects.
  const compacted = (object) => {
    const kept = {};
    for (const [key, value] of Object.entries(object)) {
      if (!worthless(value)) kept[key] = isObject(value) ? compacted(value) : value;
    }
    return kept;
  };

  const formEncoded = (value) =>
    encodeURIComponent(value)
      .replace(/%20/g, '+')
      .replace(/[!'()~]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

  const picked = (object, keep) => Object.fromEntries(Object.entries(object).filter(([, value]) => keep(value)));

  const OBJECT = {
    isEmpty: isEmptyObject,
    isNotEmpty: (value) => !isEmptyObject(value),
    hasField: (value, [name]) => name in value,
    removeField(value, [name]) {
      const { ...rest } = value;
      delete rest[name];
      return rest;
    },
    removeFieldsContaining(value, [part]) {
      if (!isText(part)) fail('removeFieldsContaining(): expected non-empty string arg');
      return picked(value, (each) => !(typeof each === 'string' && each.includes(part)));
    },
    keepFieldsContaining(value, [part]) {
      if (!isText(part)) fail('argument of keepFieldsContaining must be a non-empty string');
      return picked(value, (each) => typeof each === 'string' && each.includes(part));
    },
    compact: compacted,
    urlEncode: (value) =>
      Object.entries(value)
        .map(([key, each]) => `${formEncoded(key)}=${formEncoded(String(each))}`)
        .join('&'),
    keys: (value) => Object.keys(value),
    values: (value) => Object.values(value),
    toJsonString: (value) => JSON.stringify(value),
    toInt: nothing,
    toFloat: nothing,
    toBoolean: nothing,
    toDateTime: nothing,
  };

  // --- lists ------------------------------------------------------------------------------------------------------

  const numbers = (list, name) =>
    list.every((each) => typeof each === 'number') ? list : fail(`${name}(): all array elements must be numbers`);

  const otherList = (other, name) =>
    Array.isArray(other) ? other : fail(`${name}(): expected array arg, e.g. .${name}([1, 2, 3, 4])`);

  const sum = (list, name) => numbers(list, name).reduce((total, each) => total + each, 0);
  const extreme = (list, name, better, start) =>
    numbers(list, name).reduce((best, each) => (each !== each || better(each, best) ? each : best), start);

  const unique = (list, keys) =>
    keys.length ? distinct(list, (a, b) => keys.every((key) => same(a[key], b[key]))) : distinct(list);

  const LIST = {
    first: (list) => list[0],
    last: (list) => list[list.length - 1],
    isEmpty: (list) => list.length === 0,
    isNotEmpty: (list) => list.length > 0,
    pluck(list, fields) {
      if (!fields.length) return list;
      const rows = list.filter(isObject).map((each) =>
        Object.keys(each).flatMap((key) => fields.filter((field) => field === key).map(() => each[key])),
      );
      return rows.filter((row) => row.length).map((row) => (row.length === 1 ? row[0] : row));
    },
    randomItem: (list) => list[Math.floor(Math.random() * list.length)],
    unique,
    removeDuplicates: unique,
    sum: (list) => sum(list, 'sum'),
    min: (list) => extreme(list, 'min', (a, b) => a < b, Infinity),
    max: (list) => extreme(list, 'max', (a, b) => a > b, -Infinity),
    average: (list) => (list.length ? sum(list, 'average') / list.length : 0),
    compact: (list) =>
      list.filter((each) => !worthless(each)).map((each) => (isObject(each) ? compacted(each) : each)),
    smartJoin(list, [keyField, valueField]) {
      if (![keyField, valueField].every(isText)) {
        fail('smartJoin(): expected two string args, e.g. .smartJoin("name", "value")');
      }
      const complete = list.filter((each) => isObject(each) && Object.hasOwn(each, keyField) && Object.hasOwn(each, valueField));
      return Object.fromEntries(complete.map((each) => [each[keyField], each[valueField]]));
    },
    chunk(list, [size]) {
      if (typeof size !== 'number' || size === 0) fail('chunk(): expected non-zero numeric arg, e.g. .chunk(5)');
      if (size < 0) fail('Expression exceeded memory limit'); // n8n fills its memory here
      const chunks = [];
      for (let i = 0; i < list.length; i += size) chunks.push(list.slice(i, i + size));
      return chunks;
    },
    renameKeys(list, names) {
      if (!names.length || names.length % 2) {
        const example = 'from1, to1 [, from2, to2, ...]. e.g. .renameKeys("name", "title")';
        fail(`renameKeys(): expected an even amount of args: ${example}`);
      }
      return list.map((each) => {
        if (!isObject(each)) return each;
        const renamed = { ...each };
        for (let i = 0; i < names.length; i += 2) {
          if (!Object.hasOwn(renamed, names[i])) continue;
          renamed[names[i + 1]] = renamed[names[i]];
          delete renamed[names[i]];
        }
        return renamed;
      });
    },
    merge(list, [other]) {
      if (other === undefined) {
        const objects = list.filter((each) => isObject(each) && !Array.isArray(each));
        return Object.assign({}, ...objects.reverse());
      }
      if (!Array.isArray(other)) fail('merge(): expected array arg, e.g. .merge([{ id: 1, otherValue: 3 }])');
      const whole = {};
      list.slice(0, other.length).forEach((each, i) => {
        if (typeof each === 'object' && typeof other[i] === 'object') Object.assign(whole, { ...other[i], ...each });
      });
      return whole;
    },
    mergeIntoObject(list, [other]) {
      if (!Array.isArray(other)) {
        fail('mergeIntoObject(): expected array arg, e.g. .mergeIntoObject([{ id: 1, otherValue: 3 }])');
      }
      const whole = {};
      for (let i = 0; i < Math.max(list.length, other.length); i++) {
        for (const each of [other[i], list[i]]) if (typeof each === 'object') Object.assign(whole, each);
      }
      return whole;
    },
    reverse: (list) => [...list].reverse(),
    union: (list, [other]) => distinct([...list, ...otherList(other, 'union')]),
    difference(list, [other]) {
      const among = membership(otherList(other, 'difference'));
      return distinct(list.filter((each) => !among(each)));
    },
    intersection(list, [other]) {
      const among = membership(otherList(other, 'intersection'));
      return distinct(list.filter(among));
    },
    append: (list, more) => list.concat(more.map((each) => [each]).flat()),
    toJsonString: (list) => JSON.stringify(list),
    toInt: nothing,
    toFloat: nothing,
    toBoolean: nothing,
    toDateTime: nothing,
  };

  // --- dates ------------------------------------------------------------------------------------------------------

  const UNITS = {
    ms: 'millisecond', sec: 'second', secs: 'second', min: 'minute', mins: 'minute', hr: 'hour', hrs: 'hour',
    milliseconds: 'millisecond', seconds: 'second', minutes: 'minute', hours: 'hour', days: 'day', months: 'month',
    years: 'year',
  }; // prettier-ignore
  const DIFFERENCE_UNITS = [
    'milliseconds', 'seconds', 'minutes', 'hours', 'days', 'weeks', 'months', 'quarters', 'years',
  ]; // prettier-ignore

  const unitOf = (name) => (Object.hasOwn(UNITS, name) ? UNITS[name] : name);
  const dateTime = (value) => (DateTime.isDateTime(value) ? value : DateTime.fromJSDate(value));
  // What came in as a Date goes out as a Date.
  const alike = (value, result) => (DateTime.isDateTime(value) ? result : result.toJSDate());

  const shifted = (direction) => (value, args) => {
    const [amount, unit = 'minutes'] = args;
    const duration = args.length === 1 ? amount : { [unitOf(unit)]: amount };
    return alike(value, dateTime(value)[direction](duration));
  };

  const differenceUnit = (unit) => {
    if (!unit) throw new TypeError('no unit');
    const name = DIFFERENCE_UNITS.find((each) => each === unit || each === `${unit}s`);
    const supported = DIFFERENCE_UNITS.map((each) => `'${each}'`).join(', ');
    return name ?? fail(`Unsupported unit '${unit}'. Supported: ${supported}.`);
  };

  const otherDateTime = (other) => {
    if (typeof other === 'string') return parsedDateTime(other);
    if (other instanceof Date || DateTime.isDateTime(other)) return dateTime(other);
    return DateTime.invalid('not a date');
  };

  const difference = (value, other, wanted) => {
    const units = (Array.isArray(wanted) ? wanted : [wanted]).map(differenceUnit);
    if (!units.length) units.push('days');
    const compared = otherDateTime(other);
    if (!DateTime.isDateTime(value)) throw new TypeError('only a DateTime has differences');
    const found = value.diff(compared, units);
    return units.length === 1 ? found.as(units[0]) : found.toObject();
  };

  const boundary = (value) => {
    if (DateTime.isDateTime(value)) return value.toMillis();
    if (typeof value !== 'string') return value instanceof Date ? value.getTime() : undefined;
    const time = new Date(value).getTime();
    return Number.isNaN(time) ? undefined : time;
  };

  // Counted in the engine's own zone (UTC), unlike everything else about a date.
  const yearDay = (date) => {
    const day = (time) => Math.floor(time / 86400000);
    return day(date.getTime()) - day(Date.UTC(date.getUTCFullYear(), 0, 1)) + 1;
  };

  const DATE = {
    beginningOf: (value, [unit = 'week']) => alike(value, dateTime(value).startOf(unitOf(unit))),
    endOfMonth: (value) => alike(value, dateTime(value).endOf('month')),
    extract(value, [part = 'week']) {
      const when = dateTime(value);
      if (part === 'yearDayNumber') return yearDay(when.toJSDate());
      return when.get(part === 'week' ? 'weekNumber' : unitOf(part));
    },
    format: (value, [pattern, options]) => dateTime(value).toFormat(pattern, options ?? {}),
    isBetween(value, args) {
      if (args.length !== 2) fail('isBetween(): expected exactly two args');
      const [one, two] = args.map(boundary);
      if (one === undefined || two === undefined) return undefined;
      const time = dateTime(value).toMillis();
      return one > two ? two < time && time < one : one < time && time < two;
    },
    isDst: (value) => dateTime(value).isInDST,
    isInLast(value, [amount = 0, unit = 'minutes']) {
      const now = DateTime.now();
      const when = dateTime(value);
      return now.minus({ [unitOf(unit)]: amount }) <= when && when <= now;
    },
    isWeekend: (value) => [6, 7].includes(dateTime(value).weekday),
    plus: shifted('plus'),
    minus: shifted('minus'),
    diffTo: (value, [other, unit = 'days']) => difference(value, other, unit),
    diffToNow: (value, [unit = 'days']) => difference(value, DateTime.now(), unit),
    toDateTime: dateTime,
    toInt: (value) => (DateTime.isDateTime(value) ? value.toMillis() : value.getTime()),
    toFloat: (value) => (DateTime.isDateTime(value) ? value.toMillis() : value.getTime()),
    toBoolean: nothing,
    isEmpty: () => false,
    isNotEmpty: () => true,
  };

  // --- dispatch ---------------------------------------------------------------------------------------------------

  // In the order in which n8n names them in its errors.
  const TABLES = { Array: LIST, Date: DATE, Number: NUMBER, Object: OBJECT, String: TEXT, Boolean: BOOLEAN };
  const GENERIC = { isEmpty: (value) => !value, isNotEmpty: (value) => !!value };

  const looksLikeIso = (text) => {
    const date = new Date(text);
    return !Number.isNaN(date.getTime()) && date.toISOString() === text;
  };

  const tableOf = (value, name) => {
    if (Array.isArray(value)) return LIST;
    if (typeof value === 'string') {
      const parses = name === 'toDate' || name === 'toDateTime';
      return !parses && /Z$/.test(value) && looksLikeIso(value) ? DATE : TEXT;
    }
    if (typeof value === 'number') return NUMBER;
    if (value instanceof Date || DateTime.isDateTime(value)) return DATE;
    if (isObject(value)) return OBJECT;
    return typeof value === 'boolean' ? BOOLEAN : {};
  };

  const refuse = (value, name) => {
    if (value === null || value === undefined) {
      const hint = `To ignore this error, add a ? to the variable before this function, e.g. my_var?.${name}`;
      fail(`${name} can't be used on ${value} value`, hint);
    }
    const types = Object.keys(TABLES).filter((type) => Object.hasOwn(TABLES[type], name));
    if (!types.length) throw new TypeError(`${name} is not a function`);
    const quoted = types.map((type) => `"${type}"`);
    const last = quoted.pop();
    fail(`${name}() is only callable on type${quoted.length ? `s ${quoted.join(', ')}, and` : ''} ${last}`);
  };

  // `optional`: of `value.name?.()`; true, or what to give where there is no such method and the chain goes on.
  const extend = (value, name, args = [], optional = false) => {
    const absent = optional === true ? undefined : optional;
    if (optional && (value === null || value === undefined)) return absent;
    const table = tableOf(value, name);
    if (Object.hasOwn(table, name)) return table[name](value, args);
    if (value !== null && value !== undefined && typeof value[name] === 'function') return value[name](...args);
    if (Object.hasOwn(GENERIC, name)) return GENERIC[name](value);
    return optional ? absent : refuse(value, name);
  };

  globalThis.__extend = extend;
  globalThis.__extensionNames = [...new Set(Object.values(TABLES).flatMap((table) => Object.keys(table)))].sort();
})();
