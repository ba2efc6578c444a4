"""Fresh expressions about a topic: methods on receivers with arguments that are drawn, odd ones included. The same seed draws the same."""

import random
from typing import Any, Final

from schemas.expression import EXTENSION_NAMES
from tests.conformance.fresh.expressions import document_of

__all__ = ["draw_document"]

DATES: Final = (
    "DateTime.fromISO('2024-02-29T13:45:30.123Z')", "DateTime.fromISO('2024-03-10T02:30:00', { zone: 'America/New_York' })",
    "DateTime.fromISO('2024-10-27T02:30:00', { zone: 'Europe/Berlin' })", "DateTime.fromObject({ year: 2024, month: 1, day: 31 })",
    "DateTime.fromISO('2023-12-31T23:59:59', { zone: 'utc' })", "DateTime.fromISO('nope')", "DateTime.fromMillis(0, { zone: 'Asia/Kolkata' })",
    "DateTime.fromISO('2024-W01-1')", "DateTime.fromFormat('31/12/2020', 'dd/MM/yyyy')", "DateTime.fromSQL('2017-05-15 09:24:15')",
    "DateTime.fromRFC2822('Tue, 01 Nov 2016 13:23:12 +0630')", "DateTime.fromHTTP('Sun, 06 Nov 1994 08:49:37 GMT')", "DateTime.utc(2024, 2, 30)",
    "DateTime.local(2024, 7, 4, 12, { zone: 'Pacific/Apia', locale: 'fr' })", "$json.date.toDateTime()",
    "DateTime.fromISO('2024-02-29').setLocale('de')", "DateTime.fromISO('2024-05-05T05:05:05+05:45', { setZone: true })", "new Date(1709214330123)",
    "DateTime.fromISO('0099-01-01')", "DateTime.fromISO('-000001-01-01')", "DateTime.fromISO('+012345-01-01T00:00:00Z')",
)  # fmt: skip
DURATIONS: Final = (
    "Duration.fromISO('P1Y2M10DT2H30M')", "Duration.fromObject({ hours: 25, minutes: -61 })", "Duration.fromMillis(123456789)",
    "Duration.fromObject({ days: 1.5 })", "Duration.fromISO('nope')", "Duration.fromISOTime('11:22:33.444')",
    "DateTime.fromISO('2024-03-01').diff(DateTime.fromISO('2023-01-31'), ['months', 'days', 'hours'])",
    "Interval.fromISO('2024-01-01T00:00Z/2024-02-01T00:00Z').toDuration(['weeks', 'days'])", "Duration.fromObject({ months: 13, seconds: 90 })",
)  # fmt: skip
INTERVALS: Final = (
    "Interval.fromISO('2024-01-01T00:00Z/2024-01-03T12:00Z')", "Interval.after(DateTime.fromISO('2024-02-28'), { days: 2 })",
    "Interval.fromDateTimes(DateTime.fromISO('2024-05-01'), DateTime.fromISO('2024-04-01'))", "Interval.before(DateTime.fromMillis(0), 5000)",
)  # fmt: skip
TEXTS: Final = (
    "'Hello, World'", "''", "' pad '", "'12.50'", "'1,234.5'", "'€5'", "'true'", "'no'", "'2024-02-29'", "'2024-02-29T10:00:00Z'",
    "'ann@ex.com a@b.co'", "'https://a.example.co.uk:8080/p?q=1#f'", "'<b>x</b> & y'", "'someCamelCase text_here-now'", "'é🚀ﬁ ß İ'", "'a,b;c'",
    "'{\"a\": [1]}'", "'0x1F'", "'1e3'", "'١٢'", "'line1\\nline2\\r\\n'", "'# Title **b**'", "'YWJj'", "'%41%zz'", "'a'.repeat(3)", "$json.uni",
    "$json.multi", "'Ünïcode'",
)  # fmt: skip
NUMBERS: Final = (
    "0", "-0", "1.005", "-7.5", "42", "1e21", "NaN", "Infinity", "1709214330123", "255", "0.1 + 0.2", "2 ** 53", "123456.789",
)  # fmt: skip
LISTS: Final = (
    "[]", "[3, 1, 2, 3]", "['b', 'a', null, '']", "[{ k: 'a', v: 1 }, { k: 'b', v: 2 }, { k: 'a' }]", "[1, '1', true, null, undefined]",
    "[[1, 2], [3]]", "$json.tags", "$json.objs", "$json.mixed", "[NaN, 0, -0]", "Array(3)", "[{ a: { b: 1 } }, { a: { b: 2 } }]",
    "[0, false, '', null]",
)  # fmt: skip
OBJECTS: Final = (
    "({})", "({ a: 1, b: null, c: '' })", "({ 2: 'b', 1: 'a', x: 'c' })", "({ a: { b: [1, { c: 2 }] } })", "$json.nested", "$json",
    "({ ['__proto__']: 1, b: 2 })", "JSON.parse('{\"__proto__\": {\"a\": 1}, \"10\": 1, \"9\": 2}')", "({ u: undefined, n: NaN, f: x => x })",
    "({ 'a.b': 1, 'x y': 2 })", "({ toString: 5, length: 2 })",
)  # fmt: skip
OTHERS: Final = (
    "true",
    "false",
    "null",
    "undefined",
    "10n",
    "Symbol('s')",
    "/a+/g",
    "new Set([1, 2])",
    "new Map([[1, 2]])",
    "(x => x)",
)
KINDS: Final = ("dates", "durations", "intervals", "texts", "numbers", "lists", "objects", "objects")
RECEIVERS: Final = (DATES, DURATIONS, INTERVALS, TEXTS, NUMBERS, LISTS, OBJECTS, OTHERS)
METHODS: Final = {
    "dates": "plus minus set startOf endOf diff setZone setLocale toFormat toISO toISODate toISOTime toISOWeekDate toSQL toHTTP "
    "toRFC2822 toMillis toSeconds toObject toLocaleString toLocaleParts hasSame equals until reconfigure toUTC weekday "
    "weekNumber ordinal quarter daysInMonth isInLeapYear isInDST offset offsetNameShort offsetNameLong zoneName monthLong "
    "monthShort weekdayLong weekdayShort isValid invalidReason invalidExplanation weeksInWeekYear toBSON toJSDate "
    "toUnixInteger valueOf locale numberingSystem isOffsetFixed year month day hour minute second millisecond get getTime "
    "getDay getTimezoneOffset toISOString toJSON toString localWeekNumber isWeekend getPossibleOffsets",
    "durations": "plus minus as shiftTo normalize rescale toFormat toISO toISOTime toHuman toObject toMillis negate mapUnits get set "
    "equals removeZeros shiftToAll reconfigure isValid invalidReason valueOf toJSON toString days hours months years",
    "intervals": "contains overlaps length count splitBy divideEqually toDuration toISO toISODate toISOTime toFormat toLocaleString "
    "mapEndpoints union intersection difference engulfs abutsStart abutsEnd equals isAfter isBefore hasSame isEmpty start end "
    "isValid invalidReason toString s e set",
    "texts": "at charAt charCodeAt codePointAt concat endsWith includes indexOf lastIndexOf localeCompare match matchAll normalize "
    "padEnd padStart replace replaceAll search slice split startsWith substring substr toLowerCase toUpperCase trim trimEnd "
    "trimStart length isWellFormed big anchor",
    "lists": "at concat copyWithin entries every fill filter find findIndex findLast flat flatMap forEach includes indexOf join keys "
    "lastIndexOf map pop push reduce reduceRight reverse shift slice some sort splice toReversed toSorted toSpliced unshift "
    "values with length toString",
    "numbers": "toFixed toExponential toPrecision toString toLocaleString valueOf",
    "objects": "hasOwnProperty toString valueOf isPrototypeOf propertyIsEnumerable toLocaleString a b keys size has get",
}  # fmt: skip
ARGUMENTS: Final = (
    "", "", "", "0", "1", "2", "-1", "2.5", "'a'", "''", "'days'", "'month'", "'weeks'", "{ days: 1 }", "{ months: 1, hours: -3 }",
    "'yyyy-MM-dd HH:mm'", "\"cccc d LLLL yyyy 'at' HH:mm ZZZZ\"", "'D TT ff FFFF'", "'S SSS u uu o ooo W kk q X x'", "'Europe/Berlin'", "'utc+3'",
    "'nope'", "'fr'", "'ja-JP'", "DateTime.DATE_FULL", "DateTime.DATETIME_MED_WITH_WEEKDAY", "{ month: 'long', timeZoneName: 'short' }", "null",
    "undefined", "NaN", "true", "[]", "[1]", "['a', 'v']", "{}", "{ a: 1 }", "x => x", "(x, i) => i", "'k'", "'k', 'v'", "1, 2",
    "'en', { style: 'percent' }", "2, 'x'", "/[a-z]/g", "/(?<=l)o/", "/(?<y>\\d+)-(?!x)/u", "/^\\s*$/m", "'$1$&'", "/l/g, 'L'",
    "/(l)(o)?/g, '[$1|$2]'", "(a, b) => a - b", "(a, x) => a + x, 10", "DateTime.fromISO('2024-02-01')",
    "DateTime.fromISO('2024-02-01'), ['months', 'days']", "DateTime.fromISO('2023-05-01'), 'weeks'", "'2024-01-01', '2024-12-31'",
    "Duration.fromObject({ hours: 1 })", "Interval.fromISO('2024-01-02T00:00Z/2024-01-05T00:00Z')", "'hours', 'minutes'", "['hours', 'minutes']",
    "{ unitDisplay: 'short' }", "{ suppressMilliseconds: true, includeOffset: false }", "{ format: 'basic' }", "'day', { useLocaleWeeks: true }",
    "16", "'md5'", "'sha256'", "'minimize', true", "',', 2", "{ v: 1 }, 'k'", "'yes'", "10", "'s'", "'excel'", "'X'", "[3, 4], 'k'", "'a.b'",
    "Infinity", "'zzz', 'day'",
)  # fmt: skip
HELPERS: Final = (
    "$if({0}, {1}, {2})", "$ifEmpty({0}, {1})", "$max({0}, {1})", "$min({0}, {1}, {2})", "$jmespath({0}, {3})", "$jmespath([{0}, {1}], {3})",
    "Number({0})", "String({0})", "Boolean({0})", "parseInt({0})", "parseFloat({0}, {1})", "{0} + {1}", "{0} - {1}", "{0} == {1}", "{0} < {1}",
    "{0} ?? {1}", "`${{{0}}}`", "JSON.stringify({0})", "JSON.stringify({0}, null, {1})", "JSON.parse({0})", "Object.keys({0})",
    "Object.entries({0})", "Object.fromEntries({0})", "Array.from({0})", "[...{0}]", "({{ ...{0} }})", "Math.max({0}, {1})", "Math.round({0})",
    "typeof {0}", "{0} instanceof Object", "BigInt({0})", "encodeURIComponent({0})", "decodeURIComponent({0})", "new Date({0})",
    "DateTime.fromFormat({0}, {1})", "DateTime.fromISO({0})", "DateTime.fromMillis({0})", "DateTime.max({0}, {1})",
    "Interval.fromDateTimes({0}, {1})", "Duration.fromObject({0})", "Duration.fromISO({0})", "[{0}, {1}, {2}].sort()", "[{0}, {1}].join()",
    "Number.isInteger({0})", "isNaN({0})", "Array.isArray({0})", "Object.assign({{}}, {0}, {1})", "[{0}].concat({1})",
    "new Set([{0}, {1}, {0}]).size", "{0}[{1}]", "({0})?.[{1}]", "{1} in {0}", "structuredClone({0})", "Intl.NumberFormat('de').format({0})",
    "new RegExp({1}).test({0})", "Object.is({0}, {1})", "Object.groupBy({0}, x => x)", "Number({0}).toFixed({1})", "({0}).toString()", "+{0}",
    "-{0}", "!{0}", "{0} | 0", "{0} ** 2", "{0} % {1}",
)  # fmt: skip
QUERIES: Final = (
    "'a'", "'[*].k'", "'[?v > `1`]'", "'[].a.b'", "'length(@)'", "'keys(@)'", "'sort_by(@, &v)'", "'[0]'", "'[-1:]'", "'[::-1]'", "'nope.x'",
    "'{x: a, y: b}'", "'max_by(@, &v).k'", "'join(`,`, [*].k)'", "'to_number(a)'", "'a || b'", "'[?k == \\'a\\'] | [0]'", "'\"a.b\"'", "'*'", "'@'",
    "'type(@)'", "'contains(@, `1`)'", "'not_null(x, a)'", "'sum([*].v)'", "'map(&k, @)'", "'reverse(@)'", "'merge(@, {z: `1`})'", "'a['", "''",
    "'foo(@)'", "'[*].[k, v]'", "'to_string(@)'", "5",
)  # fmt: skip


class _Topics:
    """Draws expressions of methods and helpers."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the point is to draw it again
        self.methods = [METHODS[each].split() for each in KINDS]

    def expression(self) -> str:
        """Return one, mostly of a receiver and a method of its own kind."""
        code = self._helper() if self.random.random() < 0.3 else self._call()
        for _ in range(self.random.choice((0, 0, 0, 1))):
            code = f"({code}){self._link(self.random.randrange(len(RECEIVERS)))}"
        return f"={{{{ {code} }}}}"

    def _value(self) -> str:
        return self.random.choice(self.random.choice(RECEIVERS))

    def _call(self) -> str:
        kind = self.random.randrange(len(RECEIVERS))
        receiver = self.random.choice(RECEIVERS[kind])
        return f"({receiver}){self._link(kind)}"

    def _link(self, kind: int) -> str:
        own = self.random.random() < 0.55
        method = self.random.choice(self.methods[kind] if own else sorted(EXTENSION_NAMES))
        return f".{method}" if self.random.random() < 0.1 else f".{method}({self.random.choice(ARGUMENTS)})"

    def _helper(self) -> str:
        values = [self._value() for _ in range(3)]
        return self.random.choice(HELPERS).format(*values, self.random.choice(QUERIES))


def draw_document(seed: int, count: int) -> dict[str, Any]:
    """Return an expression file without what n8n gives: the workflow of the recorded ones and `count` fresh expressions."""
    topics = _Topics(seed)
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        drawn.setdefault(topics.expression())
    return document_of(drawn, topics.random)
