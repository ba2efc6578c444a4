"""What `settings.py` draws from: items, files, operators with odd values, and parameters of nodes for files and dates."""

import base64
import gzip
from typing import Any, Final

ITEMS: Final[tuple[tuple[dict[str, Any], ...], ...]] = (
    ({"id": 1, "a": "Text", "date": "2024-03-10T02:30:00", "list": [1, "a"], "o": {"p": 1}, "t": True},
     {"id": 2, "a": "", "date": "2024-02-29", "list": [], "o": {}, "t": False},
     {"id": 3, "a": None, "date": "nope", "list": "x", "t": "true"}),
    ({"id": "1", "a": 5, "date": 1709214330123, "list": [{"p": 1}], "o": [1], "t": "no"}, {"id": 2.5, "a": "5", "date": "1709214330"}),
    ({"id": 2, "a": ["b"], "date": "2024-10-27T02:30:00+02:00", "o": "[1]", "list": "[1, 2]", "t": 1},), ({},),
    ({"id": 1, "a": "12,5", "date": "03/04/2024", "list": "a, b", "o": '{"p": 1}', "t": "TRUE"}, {"id": 2, "a": " x ", "date": "2024-W10-2"}),
)  # fmt: skip
ZONES: Final = (
    "UTC", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe", "America/Sao_Paulo",
)  # fmt: skip
LEFT: Final[tuple[Any, ...]] = (
    "={{ $json.id }}", "={{ $json.a }}", "={{ $json.date }}", "={{ $json.list }}", "={{ $json.o }}", "={{ $json.t }}", "={{ $json.missing }}",
    "={{ $json }}", "= {{ $json.id }}", "=x{{ $json.a }}", "={{ $json.date.toDateTime() }}", "={{ DateTime.fromISO('2024-02-29') }}",
    "={{ new Date(0) }}", "={{ NaN }}", "={{ null }}", "", "5", "Text", 5, True, "={{ [] }}", "={{ ({}) }}", "={{ '' }}", "={{ 1n }}",
    "={{ () => 1 }}", "={{ Duration.fromObject({ hours: 1 }) }}",
)  # fmt: skip
OPERATORS: Final = {
    "string": "exists notExists empty notEmpty equals notEquals contains notContains startsWith notStartsWith endsWith notEndsWith regex notRegex",
    "number": "exists notExists empty notEmpty equals notEquals gt lt gte lte",
    "dateTime": "exists notExists empty notEmpty equals notEquals after before afterOrEquals beforeOrEquals",
    "boolean": "exists notExists empty notEmpty true false equals notEquals",
    "array": "exists notExists empty notEmpty contains notContains lengthEquals lengthNotEquals lengthGt lengthLt lengthGte lengthLte",
    "object": "exists notExists empty notEmpty", "any": "exists notExists",
}  # fmt: skip
OLD_OPERATORS: Final = {
    "string": "contains notContains endsWith notEndsWith equal notEqual regex notRegex startsWith notStartsWith isEmpty isNotEmpty",
    "number": "smaller smallerEqual equal notEqual larger largerEqual isEmpty isNotEmpty", "boolean": "equal notEqual",
    "dateTime": "after before",
}  # fmt: skip
RIGHT: Final[dict[str, tuple[Any, ...]]] = {
    "string": ("Text", "text", "", "T", "5", "/^t/i", "^T", "[", "={{ $json.a }}", "={{ $json.id }}", "(?<=T)e", "/x", "a|b", 5, None),
    "number": (1, 2, "2", "", "={{ $json.id }}", "={{ '2' }}", 0, -1, "1e1", "abc", "={{ null }}"),
    "dateTime": ("2024-02-29", "2024-03-10T02:30:00", "={{ DateTime.fromISO('2024-03-01') }}", "1709214330123", 1709214330, "nope", "",
                 "03/04/2024", "Tue, 01 Nov 2016 13:23:12 +0630", "={{ $json.date }}", "2024-10-27T02:30:00+02:00", "2024-02"),
    "boolean": (True, False, "true", "no", "1", 1, "", "={{ $json.t }}", "={{ !$json.t }}", "abc"),
    "array": (1, "a", "1", "={{ 1 }}", "={{ $json.id }}", 0, 2, "", "={{ ({ p: 1 }) }}", "={{ [1] }}"),
    "object": ("", "a", "={{ ({}) }}"), "any": ("", 1),
}  # fmt: skip
INPUT_TYPES: Final = (
    "string",
    "string",
    "number",
    "number",
    "boolean",
    "array",
    "object",
    "any",
    "",
    "dateTime",
    "nope",
)


def _file(data: bytes, type_: str, name: str | None, kind: str = "") -> dict[str, Any]:
    """Return a file as it lies in an item."""
    named = {"fileName": name} if name is not None else {}
    extension = {"fileExtension": name.rpartition(".")[2]} if name and "." in name else {}
    return {
        "data": base64.b64encode(data).decode(),
        "mimeType": type_,
        **({"fileType": kind} if kind else {}),
        **named,
        **extension,
    }


FILES: Final = (
    _file(b"a,b\n1,x\n2,\n", "text/csv", "t.csv", "text"), _file(b'a;b\n1;"x;y"\n', "text/csv", None),
    _file(b'{"k": [1, {"p": null}]}', "application/json", "d.json", "json"), _file(b"not json", "application/json", "d.json"),
    _file(b"[1, 2]", "text/plain", "list.txt", "text"), _file("é🚀 text".encode(), "text/plain", "é.txt"),
    _file(b"\xff\xfeh\x00i\x00", "text/plain", "u16.txt"), _file(b"", "application/octet-stream", "empty"),
    _file(b"\x89PNG\r\n\x1a\n\x00\x00", "image/png", "p.png", "image"), _file(b"<a><b c='1'>x</b></a>", "application/xml", "x.xml"),
    _file(b"<table><tr><td>h</td></tr><tr><td>1</td></tr></table>", "text/html", "t.html", "html"),
    _file(gzip.compress(b"packed", mtime=0), "application/gzip", "packed.txt.gz"), _file(b"plain", "application/pdf", "no.pdf", "pdf"),
    _file(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20240229T100000Z\r\nSUMMARY:S\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
          "text/calendar", "c.ics"),
)  # fmt: skip
_NAMES: Final = ("data", "data", "file", "={{ Object.keys($binary)[0] }}", "nope", "attachment_0", "")


def _named(key: str = "binaryPropertyName") -> tuple[dict[str, Any], ...]:
    return tuple({key: each} for each in _NAMES)


def _crossed(
    type_: str, versions: tuple[float, ...], *sets: tuple[dict[str, Any], ...]
) -> list[tuple[str, tuple[float, ...], dict[str, Any]]]:
    """Return a node for each combination of the sets of parameters; options of several sets are joined."""
    found: list[dict[str, Any]] = [{"options": {}}]
    for each in sets:
        found = [
            {**one, **other, "options": {**one["options"], **other.get("options", {})}}
            for one in found
            for other in each
        ]
    return [(type_, versions, one) for one in found]


def _options(name: str, *values: Any) -> tuple[dict[str, Any], ...]:
    return ({}, *({"options": {name: each}} for each in values))


_READ: Final = tuple({"operation": each} for each in (
    "csv", "html", "fromIcs", "fromJson", "ods", "pdf", "rtf", "text", "xml", "xls", "xlsx", "binaryToPropery"))  # fmt: skip
_WRITE: Final = tuple({"operation": each} for each in (
    "csv", "html", "toJson", "rtf", "toText", "toBinary", "xls", "xlsx", "ods"))  # fmt: skip
_SET: Final = {
    "assignments": {
        "assignments": [{"id": "1", "name": "v", "type": "string", "value": "={{ $binary.data.fileName }}"}]
    }
}
_CODES: Final = (
    "return items;", "return items.map(i => ({ json: i.json }));",
    "return $input.all().map(i => ({ json: { b: i.binary?.data?.data?.length ?? null } }));",
    "return items.map(i => ({ json: { b: i.binary }, binary: i.binary }));", "return $input.first();",
    "return [{ json: {}, binary: { x: { data: 'aGk=', mimeType: 'text/plain' } } }];",
    "for (const i of items) { if (i.binary) delete i.binary.data; } return items;",
    "return items.map((i, n) => ({ json: { n }, binary: i.binary, pairedItem: 0 }));",
)  # fmt: skip
FILE_NODES: Final[tuple[tuple[str, tuple[float, ...], dict[str, Any]], ...]] = (
    *_crossed("extractFromFile", (1, 1.1), _READ, _named(), _options("keepSource", "both", "json", "binary"),
              ({}, {"destinationKey": "a.b"}, {"destinationKey": "a"})),
    *_crossed("convertToFile", (1, 1.1), _WRITE, ({}, {"sourceProperty": "a"}, {"sourceProperty": "o"}), ({}, {"mode": "each"}, {"mode": "once"}),
              _options("fileName", "f.txt", "={{ $json.id }}"), ({}, {"binaryPropertyName": "out"}),
              ({}, {"options": {"encoding": "latin1"}}, {"options": {"addBOM": True}}, {"options": {"dataIsBase64": False}},
                  {"options": {"format": True}},
               {"options": {"headerRow": False}})),
    *_crossed("moveBinaryData", (1, 1.1), ({"mode": "binaryToJson"}, {"mode": "jsonToBinary"}), ({}, {"setAllData": False, "convertAllData": False}),
              ({}, {"sourceKey": "data"}, {"sourceKey": "a"}), ({}, {"destinationKey": "o.p"}),
              ({}, {"options": {"keepSource": True}}, {"options": {"jsonParse": True}}, {"options": {"keepAsBase64": True}},
                  {"options": {"encoding": "latin1"}},
               {"options": {"useRawData": True}}, {"options": {"dataIsBase64": True}}, {"options": {"fileName": "n.x", "mimeType": "a/b"}})),
    *_crossed("compression", (1, 1.1), ({"operation": "decompress"}, {"operation": "compress", "outputFormat": "gzip"}), _named(), ({},
        {"outputPrefix": "out_"})),
    *_crossed("spreadsheetFile", (1, 2), _named(), ({"operation": "fromFile"}, {"operation": "toFile"}),
              ({}, {"fileFormat": "csv"}, {"fileFormat": "autodetect"}, {"fileFormat": "html"}), _options("headerRow", False)),
    *_crossed("crypto", (1, 2), ({"action": "hash", "type": "SHA256"}, {"action": "hmac", "secret": "s"}), ({"binaryData": True},), _named(),
              ({}, {"encoding": "base64"}, {"dataPropertyName": "x.y"})),
    *_crossed("xml", (1,), ({"mode": "xmlToJson", "dataPropertyName": "a"}, {"mode": "jsonToxml"})),
    *_crossed("set", (3.3, 3.4), (_SET, {**_SET, "includeOtherFields": True}, {**_SET, "includeOtherFields": True, "include": "selected",
        "includeFields": "id"}),
              ({}, {"options": {"includeBinary": True}}, {"options": {"includeBinary": False}}, {"options": {"stripBinary": True}},
               {"options": {"stripBinary": False}}, {"options": {"ignoreConversionErrors": True}})),
    *_crossed("set", (1, 2), ({"keepOnlySet": True}, {}), ({"values": {"string": [{"name": "v", "value": "={{ $binary.data.mimeType }}"}]}},)),
    *_crossed("aggregate", (1,), ({"aggregate": "aggregateAllItemData"}, {"fieldsToAggregate": {"fieldToAggregate": [{"fieldToAggregate": "id"}]}}),
              ({}, {"options": {"includeBinaries": True}}, {"options": {"includeBinaries": True, "keepOnlyUnique": True}})),
    *_crossed("splitOut", (1,), ({"fieldToSplitOut": "$binary"}, {"fieldToSplitOut": "list"}, {"fieldToSplitOut": "$binary, list"}),
              ({}, {"include": "allOtherFields"}, {"include": "selectedOtherFields", "fieldsToInclude": "id"}), _options("includeBinary", True,
                  False)),
    *_crossed("merge", (3, 3.2), ({}, {"mode": "combine", "combineBy": "combineByPosition"}, {"mode": "combine", "combineBy": "combineAll"},
              {"mode": "combine", "fieldsToMatchString": "id"}, {"mode": "chooseBranch"}), _options("includeUnpaired", True)),
    *_crossed("code", (2,), tuple({"jsCode": each} for each in _CODES)), *_crossed("function", (1,),
        tuple({"functionCode": each} for each in _CODES[:2])),
    *_crossed("code", (2,), tuple({"mode": "runOnceForEachItem", "jsCode": each} for each in (
        "return $input.item;", "return { json: { b: Object.keys($binary) } };", "$input.item.json.b = 1; return $input.item;",
        "return { json: {}, binary: $input.item.binary };", "return { n: (await $helpers?.getBinaryDataBuffer?.(0, 'data'))?.length ?? 'none' };"))),
    *_crossed("splitInBatches", (1, 3), ({"batchSize": 1}, {})), *_crossed("summarize", (1.1,),
        ({"fieldsToSummarize": {"values": [{"field": "id"}]}},)),
    *_crossed("itemLists", (1, 2, 3, 3.1), ({"fieldToSplitOut": "list"}, {"operation": "limit", "maxItems": 1}, {"operation": "removeDuplicates"})),
)  # fmt: skip
_DATES: Final = (
    "={{ $json.date }}", "={{ $json.date }}", "2024-03-10T02:30:00", "2024-10-27T02:30:00", "2024-02-29", "1709214330123", "1709214330", "",
    "={{ new Date(1709214330123) }}", "={{ DateTime.fromISO('2024-03-10T02:30:00') }}", "={{ $json.date.toDateTime() }}",
    "2024-01-31T10:20:30.456-05:00",
    "Tue, 01 Nov 2016 13:23:12 +0630", "03/04/2024", "31.12.2023", "March 7, 2024", "2024-W10-2", "20240229T101112Z", "12:30", "={{ null }}",
    "2024-02-29 10:00:00 Europe/Berlin", "24-2-3", "Feb 3 2024 4pm", "={{ 20240229 }}", "2024-13-01", "0", "-1",
)  # fmt: skip
_FORMATS: Final = (
    "MM/dd/yyyy", "yyyy/MM/dd", "MMMM dd yyyy", "MM-dd-yyyy", "yyyy-MM-dd", "custom", "X", "x", "MM/DD/YYYY", "YYYY-MM-DD", "dddd Do MMM", "D", "ff",
    "",
    "yyyy-MM-dd'T'HH:mm ZZZZ", "cccc LLL o kk", "={{ $json.a }}",
)  # fmt: skip
_UNITS: Final = (
    "second",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "quarter",
    "year",
    "seconds",
    "minutes",
    "hours",
    "days",
    "weeks",
    "months",
    "quarters",
    "years",
    "milliseconds",
)
_EXTRA: Final[tuple[dict[str, Any], ...]] = (
    {},
    {},
    {"includeInputFields": True},
    {"timezone": True},
    {"timezone": False},
    {"fromFormat": "dd/MM/yyyy"},
    {"fromFormat": "x"},
)
_OLDER: Final[tuple[dict[str, Any], ...]] = (
    {},
    {},
    {"fromTimezone": "Europe/Berlin"},
    {"toTimezone": "Asia/Kolkata"},
    {"fromFormat": "DD/MM/YYYY"},
    {"fromTimezone": "Pacific/Apia", "toTimezone": "UTC"},
)
_OUT: Final = ("out", "a.b", "date", "")
DATE_NODES: Final[tuple[tuple[str, tuple[float, ...], dict[str, Any]], ...]] = (
    ("dateTime", (2,), {"operation": "formatDate", "date": _DATES, "format": _FORMATS, "customFormat": _FORMATS, "outputFieldName": _OUT,
        "options": _EXTRA}),
    ("dateTime", (2,), {"operation": ("addToDate", "subtractFromDate"), "magnitude": _DATES, "timeUnit": _UNITS, "duration": (1, 1, -13, 0, 1.5, "2",
        "={{ $json.id }}"),
                        "outputFieldName": _OUT, "options": _EXTRA}),
    ("dateTime", (2,), {"operation": "extractDate", "date": _DATES, "part": ("year", "month", "week", "day", "hour", "minute", "second"),
        "options": _EXTRA}),
    ("dateTime", (2,), {"operation": "roundDate", "date": _DATES, "mode": ("roundDown", "roundUp"), "toNearest": _UNITS[:8], "to": _UNITS[:8],
        "options": _EXTRA}),
    ("dateTime", (2,), {"operation": "getTimeBetweenDates", "startDate": _DATES, "endDate": _DATES[2:7],
                        "units": (["day"], ["year", "month", "day"], ["hour", "minute"], ["millisecond"], [], ["week", "quarter"]),
                        "options": (*_EXTRA, {"isoString": True})}),
    ("dateTime", (1,), {"action": "format", "value": _DATES, "toFormat": _FORMATS, "custom": (True, False), "dataPropertyName": _OUT,
        "options": _OLDER}),
    ("dateTime", (1,), {"action": "calculate", "value": _DATES, "operation": ("add", "subtract"), "duration": (1, 25, 0, 1.5, "={{ $json.id }}"),
                        "timeUnit": _UNITS[8:], "dataPropertyName": _OUT, "options": _OLDER[:4]}),
    ("set", (3.4,), {"assignments": tuple({"assignments": [{"id": "1", "name": "v", "type": type_, "value": value}]} for type_ in ("string",
        "object", "array", "number", "boolean")
                                          for value in _DATES[:14]), "options": {}}),
    ("code", (2,), {"jsCode": tuple(f"return items.map(i => ({{ json: {{ v: {each} }} }}));" for each in (
        "new Date(i.json.date).toString()", "new Date('2024-03-10T02:30:00')", "DateTime.fromISO('2024-03-10T02:30:00')",
        "DateTime.fromISO(String(i.json.date)).toISO()",
        "new Date(2024, 2, 10).toISOString()", "new Date(0).toLocaleString('de')", "$jmespath(i.json, 'date')", "DateTime.fromMillis(0).zoneName",
        "new Date(1709214330123).getHours()", "DateTime.fromISO('2024-10-27T02:30').plus({ hours: 1 })",
        "Interval.fromDateTimes(DateTime.fromMillis(0), DateTime.fromMillis(9e9)).length('days')"))}),
    ("itemLists", (3.1,), {"operation": "sort", "sortFieldsUi": {"sortField": [{"fieldName": "date"}]}, "options": {}}),
    ("sort", (1,), {"sortFieldsUi": {"sortField": [{"fieldName": "date", "order": "descending"}]}, "options": {}}),
)  # fmt: skip
