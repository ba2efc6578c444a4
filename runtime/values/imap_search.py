"""IMAP search keys (RFC 3501, 6.4.4) from the list that n8n's Email Trigger takes: `["UNSEEN", ["FROM", "ada"], "!FLAGGED"]`."""

from datetime import UTC, datetime
from typing import Any, Final

from runtime.values.dates import parse_date
from runtime.values.javascript import js_string

__all__ = ["SearchKeyError", "imap_date", "search_keys"]

_FLAGS: Final = frozenset({
    "ALL", "ANSWERED", "DELETED", "DRAFT", "FLAGGED", "NEW", "OLD", "RECENT", "SEEN", "UNANSWERED", "UNDELETED", "UNDRAFT",
    "UNFLAGGED", "UNSEEN",
})  # fmt: skip
_DATES: Final = frozenset({"BEFORE", "ON", "SENTBEFORE", "SENTON", "SENTSINCE", "SINCE"})
_TEXTS: Final = frozenset({"BCC", "BODY", "CC", "FROM", "KEYWORD", "SUBJECT", "TEXT", "TO", "UNKEYWORD"})
_SIZES: Final = frozenset({"LARGER", "SMALLER"})
_ARGUMENTS: Final = {"HEADER": 2, "OR": 2}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ATOM: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@+=&/:;,<>!?'$#~|^`")
_UIDS: Final = frozenset("0123456789:,*")
_DEPTH: Final = 16


class SearchKeyError(Exception):
    """What is no search. The message is n8n's."""


def search_keys(keys: Any) -> str:
    """Return the text of a list of search keys; one with arguments is a list of its own, `!` before a name negates it.

    Raises:
        SearchKeyError: a key is unknown, or has the wrong arguments.
    """
    if isinstance(keys, str):
        keys = list(keys)
    if not isinstance(keys, list):
        raise SearchKeyError("criteria is not iterable")
    text = " ".join(_key(each) for each in keys)
    return text if text.isascii() else f"CHARSET UTF-8 {text}"


def imap_date(milliseconds: float) -> str:
    """Return the day of a time since the epoch, in UTC, as a search names it: `20-May-2024`."""
    day = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{day.day:02d}-{_MONTHS[day.month - 1]}-{day.year:04d}"


def _key(key: Any, depth: int = 0) -> str:
    if not isinstance(key, str | list) or depth > _DEPTH:
        raise SearchKeyError(f"Unexpected IMAP search criterion, expected a string or an array: {js_string(key)}")
    written, *arguments = key if isinstance(key, list) and key else [key]
    word = js_string(written)
    negated = word.startswith("!")
    name = word.removeprefix("!").upper()
    if name not in _FLAGS | _DATES | _TEXTS | _SIZES | {"HEADER", "OR", "UID"}:
        raise SearchKeyError(
            f'Unknown IMAP search criterion "{word.removeprefix("!")}". Expected a standard IMAP search key such as "UNSEEN", '
            '["SINCE", "19-Aug-2026"] or ["UID", "42:*"].'
        )
    wanted = 0 if name in _FLAGS else _ARGUMENTS.get(name, 1)
    if len(arguments) != wanted and name not in _FLAGS and name != "UID":
        raise SearchKeyError(f'IMAP search criterion "{name}" takes {wanted} argument(s), got {len(arguments)}.')
    text = " ".join([name, *_arguments(name, arguments[:wanted] if name != "UID" else arguments, depth)])
    return f"NOT {text}" if negated else text


def _arguments(name: str, arguments: list[Any], depth: int) -> list[str]:
    if name == "OR":
        return [_key(each, depth + 1) for each in arguments]
    if name == "UID":
        return [_uids(arguments)]
    if name in _DATES:
        return [_date(name, arguments[0])]
    if name in _SIZES:
        return [_number(name, arguments[0])]
    if name == "HEADER":
        return [_text(js_string(arguments[0]).upper()), _text(arguments[1])]
    return [_text(each) for each in arguments]


def _uids(arguments: list[Any]) -> str:
    flat = [each for argument in arguments for each in (argument if isinstance(argument, list) else [argument])]
    text = ",".join(js_string(each) for each in flat)
    if not text or not _UIDS.issuperset(text):
        raise SearchKeyError(f'IMAP search criterion "UID" needs numbers, got {text[:100]!r}')
    return text


def _date(name: str, value: Any) -> str:
    parsed = parse_date(js_string(value))
    if parsed is None or parsed.ms is None:
        text = js_string(value)
        raise SearchKeyError(f'IMAP search criterion "{name}" needs a Date or a parseable date string, got "{text}".')
    return imap_date(parsed.ms)


def _number(name: str, value: Any) -> str:
    text = js_string(value)
    if not (text.isascii() and text.isdigit()):
        raise SearchKeyError(f'IMAP search criterion "{name}" needs a number, got {text[:100]!r}')
    return text


def _text(value: Any) -> str:
    """Return an atom, or a quoted string (RFC 3501, 4.3). Raise SearchKeyError for one of several lines."""
    text = js_string(value)
    if not text.isprintable():
        raise SearchKeyError(f"A search key of IMAP has one line: {text[:100]!r}")
    if text and _ATOM.issuperset(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
