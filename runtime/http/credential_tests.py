"""How credentials are tried, by type: `credential_tests.yaml`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from runtime.http.body import Form
from runtime.http.credentials import CredentialError, scheme
from runtime.http.request import Request

__all__ = ["CredentialTest", "credential_test"]

_HOLE: Final = re.compile(r"\{(\w{1,64})\}")
_BAD_STATUS: Final = 400


@dataclass(frozen=True)
class CredentialTest:
    """A request that changes nothing and succeeds with a good credential."""

    request: Request
    error: str = ""
    """Field of the body that is there when the credential is bad although the status is good."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What the signing needs beside the credential's own fields."""

    @property
    def host(self) -> str:
        """Return the host that is asked."""
        return urlsplit(self.request.url).netloc.rpartition("@")[2]

    def check(self, status: int, body: bytes) -> None:
        """Raise CredentialError unless the response is that of a good credential."""
        if status in (401, 403):
            raise CredentialError(f"{self.host} does not accept the credential: HTTP status {status}")
        if status >= _BAD_STATUS:
            raise CredentialError(
                f"{self.host} answered with HTTP status {status}, which says nothing about the credential"
            )
        if self.error:
            try:
                value = json.loads(body)
            except ValueError:
                return
            if isinstance(value, dict) and value.get(self.error):
                raise CredentialError(f"{self.host} does not accept the credential")


def credential_test(type_: str, data: Mapping[str, Any]) -> CredentialTest:
    """Return the test of a type, for a credential with these fields.

    Raises:
        CredentialError: none is known for the type, or a field is missing that its address is made of.
    """
    entry = _tests().get(type_)
    if entry is None:
        advice = "" if scheme(type_) else ", and no request is signed with it"
        reason = f" ({_untried()[type_]})" if type_ in _untried() else ""
        raise CredentialError(
            f"No test is known for credentials of the type {type_}{reason}{advice}: give an address with --url"
        )
    spec: dict[str, Any] = {"url": entry} if isinstance(entry, str) else entry
    known = {**data, **_present(spec.get("defaults", {}), data), **_following(spec.get("after", {}), data)}
    request = Request(spec.get("method", "GET"), _fill(spec["url"], known, type_))
    own = {name: _filled(value, known, type_) for name, value in spec.get("headers", {}).items()}
    request.headers = {"Accept": "application/json", **own}
    if form := spec.get("form"):
        request.body = Form({name: _filled(value, known, type_) for name, value in form.items()})
    return CredentialTest(request, spec.get("error", ""), spec.get("fields", {}))


def _present(defaults: Mapping[str, str], data: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in defaults.items() if not data.get(name)}


def _following(after: Mapping[str, list[str]], data: Mapping[str, Any]) -> dict[str, str]:
    """Return what follows a sign in fields, by name."""
    return {name: str(data.get(field) or "").rpartition(sign)[2] for name, (field, sign) in after.items()}


def _filled(text: str, data: Mapping[str, Any], type_: str) -> str:
    """Return a header or a field of a form, with fields of the credential as they are."""
    return _HOLE.sub(lambda match: _needed(match[1], data, type_), text)


def _needed(name: str, data: Mapping[str, Any], type_: str) -> str:
    text = str(data.get(name) or "").strip()
    if not text:
        raise CredentialError(f"The credential of the type {type_} has no {name!r}, which its test needs")
    return text


def _fill(url: str, data: Mapping[str, Any], type_: str) -> str:
    def value(match: re.Match[str]) -> str:
        text = _needed(match[1], data, type_)
        if match.start() == 0:  # the whole beginning of an address
            return text.rstrip("/") if "://" in text else "https://" + text.rstrip("/")
        return quote(text, safe=":")

    return _HOLE.sub(value, url)


@cache
def _loaded() -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - heavy, and runs need none of it

    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return loaded


@cache
def _tests() -> dict[str, Any]:
    other: dict[str, Any] = _loaded()["other"]
    return {type_: url for url, types in _loaded()["get"].items() for type_ in types} | other


def _untried() -> dict[str, str]:
    """Return type -> why no test is known."""
    found: dict[str, str] = _loaded()["untried"]
    return found
