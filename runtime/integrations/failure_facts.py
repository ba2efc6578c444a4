"""What an error of a vendor's node tells beside n8n's message: vendor, operation, status, the vendor's own code, and what to do.

It is the member `service` of the error object. n8n's message and description stay what they are, so that workflows that read them
go on working, and no item has it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from runtime.contract import NodeError

__all__ = ["Answered", "add_facts", "vendors_code"]

_CODES: Final = ("code", "error_code", "errorCode")
_CODE_KEYS: Final = (*_CODES, "status", "error", "type", "reason", "name")
"""Members of an error that hold a code, the most telling first; those that are not named so hold a word."""
_INNER_KEYS: Final = ("error", "errors", "err", "detail", "details")
"""Members that hold an error, or a list of errors."""
_CODE: Final = re.compile(r"[A-Za-z0-9][\w.:/-]{0,63}")
"""A word: what is longer, or has spaces, is a text."""
_MAX_DEPTH: Final = 4
_JSON: Final = ("json", "xml")
_CLIENT_ERROR: Final = range(400, 500)
_SUCCESS: Final = range(200, 300)
_ADVICE: Final = {
    "401": "Try the credential with `tempor8 credentials test`; set it again, or connect the account again.",
    "402": "Look at the plan and the payments of the account at {vendor}.",
    "403": "Check what the credential may do at {vendor}: its permissions, roles or scopes.",
    "404": "Check the IDs in the node's parameters, and whether the account can see what they name.",
    "429": "Ask {vendor} for less at a time. A pause that it names is waited for, up to an hour.",
}
_OTHER_CLIENT_ERROR: Final = "Compare the node's parameters with what {vendor} says."
_DOWN: Final = (
    "{vendor} may be down: look at its status page. Retry On Fail, in the node's settings, tries again by itself."
)
_NO_JSON: Final = (
    "{vendor} answered with {media} where JSON was due: look at the address in the credential, and whether a page for signing in or a "
    "proxy stands before it."
)
_NO_VENDOR: Final = ("EGRESS", "CREDENTIAL_HOST")
"""Codes of requests that were not sent, whose messages say what to do."""


@dataclass(frozen=True)
class Answered:
    """The last answer of a vendor in a run of its node."""

    status: int
    media: str
    """Its media type; empty: it named none."""
    empty: bool = False
    """Whether it had no body."""
    code: str | None = None
    """The vendor's own, of an error."""


def add_facts(error: NodeError, vendor: str, operation: str | None, answered: Answered | None) -> NodeError:
    """Return the error with its facts.

    Args:
        error: of the node.
        vendor: its name.
        operation: `resource.operation`; None: it is not known.
        answered: the last answer; None: there was none before the error.
    """
    given = str(error.data.get("httpCode") or "")
    facts: dict[str, Any] = {"vendor": vendor}
    if operation:
        facts["operation"] = operation
    if given.isdecimal():
        facts["status"] = int(given)
    elif not given and answered is not None:
        facts["status"] = answered.status
    if (code := _code_of(given, answered)) is not None:
        facts["code"] = code
    if advice := _advice(given, answered):
        facts["advice"] = advice.format(vendor=vendor, media=answered.media if answered else "")
    error.data["service"] = facts
    return error


def _code_of(given: str, answered: Answered | None) -> str | None:
    if given and not given.isdecimal():
        return given
    return answered.code if answered is not None and answered.code != given else None


def _advice(given: str, answered: Answered | None) -> str:
    if given in _NO_VENDOR:
        return ""
    if given.isdecimal():
        return _ADVICE.get(given) or (_OTHER_CLIENT_ERROR if int(given) in _CLIENT_ERROR else _DOWN)
    if given:
        return _DOWN  # there was no answer: ECONNREFUSED, ETIMEDOUT, ...
    if answered is not None and answered.status in _SUCCESS and answered.media and not answered.empty:
        return "" if answered.media.endswith(_JSON) else _NO_JSON
    return ""


def vendors_code(body: Any, status: int, depth: int = 0) -> str | None:
    """Return the vendor's own code in an error body; None: there is none. A status of HTTP that is said again is none."""
    if depth > _MAX_DEPTH:
        return None
    if isinstance(body, list):
        return next((found for each in body if (found := vendors_code(each, status, depth + 1)) is not None), None)
    if not isinstance(body, Mapping):
        return None
    for name in _CODE_KEYS:
        value = body.get(name)
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            if name not in _CODES and str(value).isdecimal():
                continue
            if str(value) != str(status) and _CODE.fullmatch(str(value)):
                return str(value)
    inner = (body[name] for name in _INNER_KEYS if isinstance(body.get(name), list | Mapping))
    return next((found for each in inner if (found := vendors_code(each, status, depth + 1)) is not None), None)
