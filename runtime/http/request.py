"""A request as a node describes it, and what goes out for it."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from runtime.http.address import normalise, split_userinfo
from runtime.http.body import FORM, Body, Form, Json, Multipart, as_declared
from runtime.http.query import ArrayFormat, stringify
from runtime.values.javascript import js_string
from runtime.values.streams import LongBytes
from schemas.item import UNDEFINED

ACCEPT_ANY: Final = (
    "application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7"
)
ACCEPT_JSON: Final = "application/json,text/*;q=0.99"
ACCEPT_TEXT: Final = "application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, */*;q=0.1"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Methods for which axios sets the content type of a form by default."""
_FORBIDDEN = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")


def spread(value: Any) -> dict[str, Any]:
    """Return what `{...value}` holds in JavaScript: the members of an object, of a list and of a text by their index."""
    if isinstance(value, Mapping):
        return dict(value)
    return {str(i): each for i, each in enumerate(value)} if isinstance(value, list | str) else {}


def assigned(value: Any, fields: Mapping[str, Any]) -> Any:
    """Return `Object.assign(value, fields)` as it is sent: a list keeps its elements alone, a text becomes its characters."""
    return value if isinstance(value, list) else spread(value) | dict(fields)


class InvalidTokenError(ValueError):
    """Raised when a method or the name of a header is not a token of HTTP (RFC 9110, 5.6.2)."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(f'{what} must be a valid HTTP token ["{text}"]')


@dataclass
class Request:
    """One request. Header names keep their case until they go out; a later one replaces an earlier one of any case."""

    method: str
    url: str
    query: Any = field(default_factory=dict)
    headers: dict[str, Any] = field(default_factory=dict)
    body: Body | None = None
    arrays: ArrayFormat = "indices"

    def copy(self) -> Self:
        """Return a copy whose query, headers and body fields may be changed."""
        body = self.body
        if isinstance(body, Json) and isinstance(body.value, dict):
            body = Json(dict(body.value))
        elif isinstance(body, Form):
            body = Form(dict(body.fields), body.arrays)
        query = dict(self.query) if isinstance(self.query, Mapping) else self.query
        return replace(self, query=query, headers=dict(self.headers), body=body)

    def header(self, name: str) -> Any:
        """Return the header of this name in any case, or None."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)

    def set_header(self, name: str, value: Any) -> None:
        """Set a header in place of any of this name."""
        for key in [key for key in self.headers if key.lower() == name.lower()]:
            del self.headers[key]
        self.headers[name] = value

    def default_header(self, name: str, value: Any) -> None:
        """Set a header unless there is one of this name."""
        if self.header(name) is None:
            self.headers[name] = value

    def basic(self, user: str, password: str) -> None:
        """Set HTTP Basic authentication (RFC 7617), in UTF-8."""
        self.set_header("Authorization", basic_authorization(user, password))

    def merge_body(self, fields: Mapping[str, Any]) -> None:
        """Add fields to the body in place of those of the same name; it becomes JSON if there was none."""
        if isinstance(self.body, Form):
            self.body = Form(self.body.fields | dict(fields), self.body.arrays)
        else:
            self.body = Json(assigned(self.body.value if isinstance(self.body, Json) else None, fields))

    def encode(self) -> "Outgoing":
        """Return what goes out. Raise InvalidUrlError, InvalidTokenError, and ValueError for a body that cannot be
        sent.
        """
        url, userinfo = self._address()
        method = self.method.upper()
        if not _TOKEN.fullmatch(method):
            raise InvalidTokenError("Method", method)
        headers = outgoing_headers(self.headers)
        names = {name.lower() for name, _ in headers}
        declared = next((value for name, value in headers if name.lower() == "content-type"), None)
        body = self.body if self.body is None or declared is None else as_declared(self.body, declared)
        content, content_type = (None, None) if body is None else body.encode()
        if content_type == FORM and isinstance(body, Json) and method not in _WITH_BODY:
            content_type = None
        if isinstance(body, Json) and any(
            name.lower() == "content-type" and each is None for name, each in self.headers.items()
        ):
            content_type = None  # null takes the default away
        if content_type is not None and (declared is None or isinstance(body, Form | Multipart)):
            headers = [pair for pair in headers if pair[0].lower() != "content-type"] + [("content-type", content_type)]
        if userinfo is not None and "authorization" not in names:
            headers.append(("authorization", basic_authorization(*userinfo)))
        return Outgoing(method, url, headers, content)

    def encoded_url(self) -> str:
        """Return the URL that goes out, without encoding the body. Raise InvalidUrlError."""
        return self._address()[0]

    def _address(self) -> tuple[str, tuple[str, str] | None]:
        """Return the URL with the query, and user and password where the URL has them."""
        url, userinfo = split_userinfo(normalise(self.url))
        query = "" if isinstance(self.query, str) else stringify(self.query, self.arrays)
        return url + (("&" if "?" in url else "?") + query if query else ""), userinfo


@dataclass(frozen=True)
class Outgoing:
    """A request in bytes."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    content: bytes | LongBytes | None
    bare: bool = False
    """It carries nothing of a credential."""


def basic_authorization(user: str, password: str) -> str:
    """Return the value of a Basic authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def outgoing_headers(headers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return headers as text, one pair per element of a list; null and undefined dropped, what a header must not hold
    removed.

    The last of a name wins, in the place and the spelling of the first. Raise InvalidTokenError.
    """
    out: dict[str, tuple[str, list[Any]]] = {}
    for name, value in headers.items():
        if name and value is not None and value is not UNDEFINED and value is not False:
            if not _TOKEN.fullmatch(name):
                raise InvalidTokenError("Header name", name)
            first = out.get(name.lower(), (name, []))[0]
            values = value if isinstance(value, list) else [value]
            if name.lower() == "cookie":  # of which there is one (RFC 6265, 5.4)
                values = ["; ".join(map(js_string, values))]
            out[name.lower()] = (first, values)
    return [(name, _header_text(each)) for name, values in out.values() for each in values]


def _header_text(value: Any) -> str:
    return _FORBIDDEN.sub("", js_string(value)).strip(" \t")
