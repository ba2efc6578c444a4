"""Lines that an FTP server lists a folder with (LIST), in the forms of Unix (`ls -l`) and of Windows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from runtime.values.dates import Instant

__all__ = ["entry_of"]

_TYPES: Final = frozenset("-bcdlps")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIELDS: Final = 8
"""Of a line of Unix before the name: mode, links, owner, group, size, month, day, time or year."""


_DIGITS: Final = 18
"""Of a size in bytes."""


def entry_of(line: str, now: float) -> dict[str, Any] | None:
    """Return an entry as n8n shows it; None for a line that is none.

    Args:
        line: of the list.
        now: seconds since the epoch: a time without a year was in the twelve months before.
    """
    if line[:1] in _TYPES and len(line) > 10:
        return _unix(line, now)
    return _windows(line) if line[:1].isdigit() else None


def _unix(line: str, now: float) -> dict[str, Any] | None:
    fields, name = _split(line, _FIELDS)
    if len(fields) < _FIELDS or not name or name in (".", ".."):
        return None
    mode, _, owner, group, size, month, day, clock = fields
    if not _is_number(size):
        return None
    date = _date(month, day, clock, now)
    entry: dict[str, Any] = {"type": mode[0]}
    if mode[0] == "l":
        name, _, target = name.partition(" -> ")
        entry |= {"name": name, "target": target}
    else:
        entry["name"] = name
    rights = {"user": _rights(mode[1:4]), "group": _rights(mode[4:7]), "other": _rights(mode[7:10])}
    sticky = mode[9:10] in ("t", "T")
    return entry | {
        "sticky": sticky,
        "rights": rights,
        "acl": mode[10:11] == "+",
        "owner": owner,
        "group": group,
        "size": int(size),
        "modifyTime": _iso(date),
    }


def _split(line: str, count: int) -> tuple[Sequence[str], str]:
    """Return the first fields, and the rest as it stands after the one space behind them."""
    fields, rest = list[str](), line
    while len(fields) < count and rest:
        field, _, rest = rest.partition(" ")
        if field:
            fields.append(field)
    return fields, rest


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS


def _rights(letters: str) -> str:
    return letters.replace("-", "").replace("t", "x").replace("T", "")


def _date(month: str, day: str, clock: str, now: float) -> datetime | None:
    hours, colon, minutes = clock.partition(":")
    today = datetime.fromtimestamp(now, UTC)
    try:
        number = _MONTHS.index(month.lower()) + 1
        if not colon:
            return datetime(int(clock), number, int(day), tzinfo=UTC)
        date = datetime(today.year, number, int(day), int(hours), int(minutes), tzinfo=UTC)
        return date.replace(year=today.year - 1) if date > today + timedelta(days=1) else date
    except ValueError:
        return None


def _windows(line: str) -> dict[str, Any] | None:
    """Return the entry of `02-09-26  03:30PM  <DIR>  name`."""
    fields, name = _split(line, 3)
    name = name.lstrip(" ")
    if len(fields) < 3 or not name:
        return None
    folder = fields[2] == "<DIR>"
    if not folder and not _is_number(fields[2]):
        return None
    size = 0 if folder else int(fields[2])
    return {"name": name, "type": "d" if folder else "-", "size": size, "modifyTime": _iso(_windows_date(*fields[:2]))}


def _windows_date(day: str, clock: str) -> datetime | None:
    for form in ("%m-%d-%y %I:%M%p", "%m-%d-%Y %I:%M%p", "%m-%d-%y %H:%M", "%m-%d-%Y %H:%M"):
        try:
            return datetime.strptime(f"{day} {clock}", form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _iso(date: datetime | None) -> str | None:
    return None if date is None else Instant(int(date.timestamp() * 1000), 0, utc=True).iso()
