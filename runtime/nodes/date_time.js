// The body of `work(value)` of a Date & Time node: `lib` is moment, `DateTime` and `Duration` are luxon's.
lib.momentProperties.push('_a');  // as moment-timezone does: what was read, part by part
const UNREADABLE = 'Invalid date format';
const isNumber = (date) => !Number.isNaN(Number(date));
const whole = (date) => { const number = Number(date); return Number.isInteger(number) ? number : number * 1000; };
const inSeconds = (number) => number.toString().length < 12;

// What moment-timezone makes of `z` and `zz`; the abbreviation itself is put in afterwards, from the zone database.
const ABBREVIATION = '\u0000z\u0000';
const named = (format) => format.replace(/(\[[^[]*\])|(\\)?([Hh]mm(ss)?|Mo|MM?M?M?|Do|DDDo|DD?D?D?|ddd?d?|do?|w[o|w]?|W[o|W]?|Qo?|N{1,5}|YYYYYY|YYYYY|YYYY|YY|y{2,4}|yo?|gg(ggg?)?|GG(GGG?)?|e|E|a|A|hh?|HH?|kk?|mm?|ss?|S{1,9}|x|X|zz?|ZZ?|LTS|LT|LL?L?L?|l{1,4}|.)/g,
  (token) => token === 'z' || token === 'zz' ? `[${ABBREVIATION}]` : token);
const offsetAt = (ms, zone) => DateTime.fromMillis(ms, { zone }).offset;

// The offset of a wall-clock time: the first of two in autumn, the one before the gap in spring.
function offsetOf(wall, zone) {
  const day = 86400000, minute = 60000;
  const before = offsetAt(wall - day, zone), after = offsetAt(wall + day, zone);
  if (offsetAt(wall - before * minute, zone) === before) return before;
  return offsetAt(wall - after * minute, zone) === after ? after : before;
}

// moment's format() without a format; the moments here stand for n8n's, which are in the mode that writes UTC as +00:00.
const written = (format) => format || 'YYYY-MM-DDTHH:mm:ssZ';

// moment.tz(date, [format,] zone)
function inZone(date, format, zone) {
  const read = format === undefined ? lib.utc(date) : lib.utc(date, format);
  if (read._a && read._tzm === undefined && read.isValid()) read.subtract(offsetOf(read.valueOf(), zone), 'minutes');
  return read;
}

function formatFirst({ date, toFormat, fromFormat, fromTimezone, toTimezone, zone }) {
  if (isNumber(date)) date = whole(date);
  const zoned = fromTimezone || toTimezone;
  let read;
  if (!fromFormat && !lib(date).isValid()) {
    throw new Error('The date input format could not be recognized. Please set the "From Format" field');
  }
  if (Number.isInteger(date)) read = inSeconds(date) ? lib.unix(date).utc() : lib.utc(date);
  else if (zoned) read = inZone(date, fromFormat || undefined, fromTimezone || zone);
  else read = (fromFormat ? lib(date, fromFormat) : lib(date)).utc();
  if (!read.isValid() || !zoned) return { text: read.format(written(toFormat)) };
  const shown = toTimezone || zone;
  const at = read.valueOf();
  return { text: lib(at).utcOffset(offsetAt(at, shown)).format(named(written(toFormat))), at, zone: shown };
}

function calculate({ date, operation, duration, timeUnit, fromFormat }) {
  let read;
  if (fromFormat) {
    read = lib.utc(date, fromFormat, true);
    if (!read.isValid()) {
      throw new Error('Date input cannot be parsed. Please recheck the value and the "From Format" field.');
    }
  } else {
    const at = new Date(date).getTime();
    if (Number.isNaN(at)) {
      throw new Error('Unrecognized date input. Please specify a format in the "From Format" field.');
    }
    read = lib.utc(at);
  }
  return { text: read[operation](duration, timeUnit).toISOString() };
}

// A DateTime of an expression keeps its zone; of that the text has only the offset.
function fromExpression(date, workflowZone) {
  const offset = DateTime.fromISO(date, { setZone: true }), local = DateTime.fromISO(date, { zone: workflowZone });
  return offset.offset === local.offset ? local : offset;
}

function parse(date, zone, fromFormat) {
  let read;
  const text = fromFormat && typeof date === 'string';
  if (isNumber(date) && !text) {
    const number = whole(date);
    read = inSeconds(number) ? DateTime.fromSeconds(number) : DateTime.fromMillis(number);
  } else {
    read = text ? DateTime.fromFormat(date, fromFormat) : DateTime.fromISO(lib(date).toISOString());
    if (!zone && date.includes('+')) zone = `Etc/GMT-${date.split('+')[1].slice(0, 2) * 1}`;
  }
  read = read.setZone(zone || 'Etc/UTC');
  if (read.invalidReason === 'unparsable') throw new Error(UNREADABLE);
  return read;
}

function modern({ operation, zone, ...p }) {
  switch (operation) {
    case 'getCurrentDate': {
      const now = DateTime.now().setZone(p.timezone || zone);
      if (!now.isValid) throw new Error(`The timezone ${p.timezone} is not valid. Please check the timezone.`);
      return p.includeTime ? now.toString() : now.startOf('day').toString();
    }
    case 'addToDate':
      return parse(p.date, zone).plus({ [p.timeUnit]: p.duration }).toString();
    case 'subtractFromDate':
      return parse(p.date, zone).minus({ [p.timeUnit]: p.duration }).toString();
    case 'formatDate':
      if (p.isDate && !p.inZone) return fromExpression(p.date, zone).toFormat(p.format);
      return p.date === null || p.date === undefined ? p.date : parse(p.date, p.inZone ? zone : '', p.fromFormat).toFormat(p.format);
    case 'roundDate': {
      const read = parse(p.date, zone);
      return (p.roundUp ? read.plus({ [p.toNearest]: 1 }).startOf(p.toNearest) : read.startOf(p.toNearest)).toString();
    }
    case 'getTimeBetweenDates': {
      const span = parse(p.endDate, zone).diff(parse(p.date, zone), p.units);
      return p.isoString ? span.toString() : span.toObject();
    }
    case 'extractDate': {
      const read = parse(p.date, zone);
      return p.part === 'week' ? read.weekNumber : read.get(p.part);
    }
  }
}
return value.kind === 'modern' ? modern(value) : value.kind === 'format' ? formatFirst(value) : calculate(value);
