"""Values of Postgres as node-postgres gives them to n8n: by the type of the column, from the server's text."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from runtime.values.json_text import NotJsonError, parse_json
from schemas.sql import SqlColumn, SqlResult

__all__ = ["rows_of"]

_INT8, _NUMERIC = 20, 1700
_MOMENT: Final = re.compile(
    r"(\d{1,6})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?|Z)?( BC)?",
    re.ASCII,
)
_INTERVAL_PART: Final = re.compile(r"([+-]?\d{1,12}+) (year|mon|day)s?", re.ASCII)
_INTERVAL_TIME: Final = re.compile(r"([+-]?)(\d{1,12}+):(\d\d):(\d\d)(?:\.(\d{1,6}))?", re.ASCII)
_BRACKETS: Final = str.maketrans("", "", "<>()")
_NUMBER: Final = re.compile(r"[+-]?+(?:\d++\.?+\d*+|\.\d++)(?:e[+-]?+\d++)?+", re.ASCII)

Parser = Callable[[str], Any]


def rows_of(result: SqlResult, *, large_numbers: bool = False) -> list[dict[str, Any]]:
    """Return the rows as JSON objects; of columns with one name, the last counts.

    `large_numbers`: int8 and numeric as numbers, which loses digits, instead of text.
    """
    parsers = [_parser(column, large_numbers=large_numbers) for column in result.columns]
    names = [column.name for column in result.columns]
    return [
        {
            name: None if cell is None else parse(str(cell))
            for name, parse, cell in zip(names, parsers, row, strict=True)
        }
        for row in result.rows
    ]


def _parser(column: SqlColumn, *, large_numbers: bool) -> Parser:
    if large_numbers and column.type in (_INT8, _NUMERIC):
        return _double if column.type == _NUMERIC else lambda text: int(float(text))
    return _PARSERS.get(column.type, _text)


def _text(text: str) -> str:
    return text


def _double(text: str) -> float:
    """Return what JavaScript's parseFloat gives."""
    if not _NUMBER.fullmatch(text):
        return {"Infinity": math.inf, "-Infinity": -math.inf}.get(text, math.nan)
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _json(text: str) -> Any:
    try:
        return parse_json(text)
    except NotJsonError:
        return text


def _bytes(text: str) -> dict[str, Any]:
    """Return Node's JSON of a Buffer."""
    data = bytes.fromhex(text[2:]) if text.startswith("\\x") else text.encode()
    return {"type": "Buffer", "data": list(data)}


def _moment(text: str) -> str:
    """Return a date or timestamp as a Date's JSON; what has no zone is read in UTC. `infinity` stays."""
    match = _MOMENT.fullmatch(text)
    if match is None or match[12]:
        return text
    year, month, day, hour, minute, second = (int(each or 0) for each in match.groups()[:6])
    offset = timedelta(hours=int(match[9] or 0), minutes=int(match[10] or 0), seconds=int(match[11] or 0))
    zone = timezone(-offset if match[8] == "-" else offset)
    try:
        moment = datetime(
            year, month, day, hour % 24, minute, second, int((match[7] or "0")[:6].ljust(6, "0")), tzinfo=zone
        ).astimezone(UTC)
    except (ValueError, OverflowError):  # before the year 1, or after 9999
        return text
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _interval(text: str) -> dict[str, Any]:
    """Return {years, months, days, hours, minutes, seconds, milliseconds}, without those that are 0."""
    names = {"year": "years", "mon": "months", "day": "days"}
    parts: dict[str, float] = {names[match[2]]: int(match[1]) for match in _INTERVAL_PART.finditer(text)}
    if (time := _INTERVAL_TIME.search(text)) is not None:
        sign = -1 if time[1] == "-" else 1
        milliseconds: float = int((time[5] or "0").ljust(6, "0")) / 1000
        values = {"hours": int(time[2]), "minutes": int(time[3]), "seconds": int(time[4]), "milliseconds": milliseconds}
        parts |= {name: _double(str(sign * value)) for name, value in values.items()}
    return {name: value for name, value in parts.items() if value}


def _point(text: str) -> Any:
    numbers = text.strip("()").split(",")
    return {"x": _double(numbers[0]), "y": _double(numbers[1])} if len(numbers) == 2 else text  # x and y


def _circle(text: str) -> Any:
    numbers = text.translate(_BRACKETS).split(",")
    if len(numbers) != 3:  # x, y and radius
        return text
    return {"x": _double(numbers[0]), "y": _double(numbers[1]), "radius": _double(numbers[2])}


def _array(parse: Parser) -> Parser:
    def read(text: str) -> Any:
        start = text.find("{")  # bounds that do not begin at 1 stand before it: [0:1]={1,2}
        return _Elements(text, parse).read() if start == 0 else _Elements(text[start:], parse).read()

    return read


class _Elements:
    """Reads `{a,"b c",NULL,{...}}`, without recursion: dimensions are few, but the server's text is not ours."""

    def __init__(self, text: str, parse: Parser) -> None:
        self._text, self._parse = text, parse

    def read(self) -> Any:
        """Return nested lists."""
        stack: list[list[Any]] = [[]]
        text, at, element, quoted = self._text, 0, "", False

        def end() -> None:
            if quoted or element:
                stack[-1].append(None if not quoted and element.upper() == "NULL" else self._parse(element))

        while at < len(text):
            sign = text[at]
            if sign == '"':
                quoted, at = True, at + 1
                while at < len(text) and text[at] != '"':
                    at += text[at] == "\\"
                    element += text[at : at + 1]
                    at += 1
            elif sign == "{":
                stack.append([])
            elif sign in ",}":
                end()
                element, quoted = "", False
                if sign == "}" and len(stack) > 1:
                    done = stack.pop()
                    stack[-1].append(done)
            else:
                element += sign
            at += 1
        return stack[0][0] if stack[0] else []


_BOOLEAN: Final[Parser] = lambda text: text == "t"  # noqa: E731  # one of a table's entries
_PARSERS: Final[Mapping[int, Parser]] = {
    16: _BOOLEAN,
    17: _bytes,
    **dict.fromkeys((21, 23, 26), int),
    **dict.fromkeys((114, 3802), _json),
    600: _point,
    718: _circle,
    **dict.fromkeys((700, 701), _double),
    **dict.fromkeys((1082, 1114, 1184), _moment),
    1186: _interval,
    1000: _array(_BOOLEAN),
    1001: _array(_bytes),
    **dict.fromkeys((1005, 1007, 1028), _array(int)),
    **dict.fromkeys((1021, 1022, 1231), _array(_double)),
    1017: _array(_point),
    1187: _array(_interval),
    **dict.fromkeys((1115, 1182, 1185), _array(_moment)),
    **dict.fromkeys((199, 3807), _array(_json)),
    **dict.fromkeys((651, 791, 1002, 1008, 1009, 1014, 1015, 1016, 1040, 1041, 1183, 1270, 2951, 3907), _array(_text)),
}
"""By OID. Types that are not here stay text, arrays of them too."""
