"""Facts of OAuth2 credential types: where their servers are, what they ask for, and how a client authenticates.

`oauth2_types.json` is written by `runtime.http.import_oauth2_types`. A text in it may have holes: `{field}` is a part of a host or
path, `{field|base}` an address without its last slash, `{field|root}` the same without `/api`, `{field|origin}` scheme and host of
an address, `{field|text}` any text, and `{choice}` one of a type's `choices`, by the value of a field.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

__all__ = ["token_of", "uses_pkce", "with_account_of", "with_defaults"]

_HOLE: Final = re.compile(r"\{(\w{1,64})(?:\|(\w{1,16}))?\}")
_PART: Final = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}")
_ADDRESS: Final = re.compile(r"https?://[^\s/?#@]+[^\s?#]*")
_FILLED: Final = ("authUrl", "accessTokenUrl", "scope", "authQueryParameters")


class _EmptyHole(Exception):
    """A field that a text needs is missing, or is none that can stand there."""


def with_defaults(type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a credential's fields with those that it does not have and its type knows.

    They are n8n's: grantType, authUrl, accessTokenUrl, scope, authentication and authQueryParameters. A text that needs a field
    which is missing stays missing itself. Fields of other types are returned as they are.
    """
    entry = _types().get(type_)
    if entry is None:
        return dict(data)
    known = {**entry.get("defaults", {}), "grantType": entry["grantType"], **{k: v for k, v in data.items() if v != ""}}
    made = {name: entry[name] for name in ("grantType", "authentication") if name in entry}
    for name in _FILLED:
        if name in entry:
            try:
                made[name] = _fill(entry[name], known, entry.get("choices", {}))
            except _EmptyHole:
                continue
    if data.get("customScopes") and data.get("enabledScopes"):
        made["scope"] = data["enabledScopes"]
        kept = {k: v for k, v in data.items() if k != "scope"}
    else:
        kept = dict(data)
    return made | {key: value for key, value in kept.items() if value != "" or key not in made}


def uses_pkce(type_: str, data: Mapping[str, Any]) -> bool:
    """Return whether an account is connected with a code challenge (RFC 7636)."""
    return data.get("grantType") == "pkce" or bool(_types().get(type_, {}).get("pkce"))


def token_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer of the token server that a credential keeps, {} when there is none. n8n's exports have it as text, too."""
    token = data.get("oauthTokenData")
    if isinstance(token, str):
        try:
            token = json.loads(token or "{}")
        except ValueError:
            token = {}
    return dict(token) if isinstance(token, Mapping) else {}


def with_account_of(data: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Return a credential's fields with the account of earlier ones, unless they are another client's or have one of their own."""
    same = "clientId" in data and data["clientId"] == earlier.get("clientId")
    kept = {"oauthTokenData": earlier["oauthTokenData"]} if same and "oauthTokenData" in earlier else {}
    return kept | dict(data)


@cache
def _types() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return loaded


def _fill(text: str, data: Mapping[str, Any], choices: Mapping[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        name, filter_ = match[1], match[2] or "part"
        if name in choices:
            chosen = data.get(choices[name]["field"])
            key = "true" if chosen is True else str(chosen)
            return _fill(choices[name]["of"].get(key, choices[name]["else"]), data, choices)
        return _FILTERS[filter_](str(data.get(name) or "").strip())

    return _HOLE.sub(value, text)


def _part(text: str) -> str:
    if not _PART.fullmatch(text):
        raise _EmptyHole
    return text


def _base(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise _EmptyHole
    return text.rstrip("/")


def _origin(text: str) -> str:
    parts = urlsplit(_base(text))
    return f"{parts.scheme}://{parts.netloc}"


_FILTERS: Final[Mapping[str, Callable[[str], str]]] = {
    "part": _part,
    "base": _base,
    "root": lambda text: _base(text).removesuffix("/api"),
    "origin": _origin,
    "text": str,
}
