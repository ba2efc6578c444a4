"""The content of HubSpot's engagements."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from runtime.integrations.filters import FILTERS
from runtime.values.javascript import js_string, truthy

__all__ = ["metadata_of"]


def metadata_of(type_: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of an engagement of a type (`CALL`, `EMAIL`, `MEETING`, `TASK`)."""
    return _METADATA.get(type_, _content)(given)


def _content(given: Mapping[str, Any]) -> dict[str, Any]:
    times = ("startTime", "endTime")
    return {name: FILTERS["epoch_s"](each) if name in times else each for name, each in given.items() if each}


def _mail(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of an e-mail. As in n8n, its recipients are not part of it: only copies are."""
    sender = {"email": given.get("fromEmail"), "firstName": given.get("firstName"), "lastName": given.get("lastName")}
    return {
        "from": {name: each for name, each in sender.items() if each},
        "cc": _addresses(given.get("cc")),
        "bcc": _addresses(given.get("bcc")),
        **{name: given[name] for name in ("subject", "html") if given.get(name)},
    }


def _addresses(given: Any) -> list[dict[str, str]]:
    """Return the addresses of copies; several in one field are separated by commas."""
    return [{"email": each} for each in js_string(given).split(",")] if truthy(given) else []


_METADATA: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "CALL": _content, "MEETING": _content, "TASK": _content, "EMAIL": _mail,
}  # fmt: skip
