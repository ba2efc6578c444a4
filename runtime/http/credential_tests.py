"""How credentials are tried, by type: `credential_tests.yaml`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

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
        raise CredentialError(
            f"No test is known for credentials of the type {type_}{advice}: give an address with --url"
        )
    spec: dict[str, Any] = {"url": entry} if isinstance(entry, str) else entry
    request = Request(
        spec.get("method", "GET"), _fill(spec["url"], {**data, **_present(spec.get("defaults", {}), data)}, type_)
    )
    request.headers = {"Accept": "application/json", **spec.get("headers", {})}
    return CredentialTest(request, spec.get("error", ""), spec.get("fields", {}))


def _present(defaults: Mapping[str, str], data: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in defaults.items() if not data.get(name)}


def _fill(url: str, data: Mapping[str, Any], type_: str) -> str:
    def value(match: re.Match[str]) -> str:
        text = str(data.get(match[1]) or "").strip()
        if not text:
            raise CredentialError(
                f"The credential of the type {type_} has no {match[1]!r}, which its address is made of"
            )
        if match.start() == 0:  # the whole beginning of an address
            return text.rstrip("/") if "://" in text else "https://" + text.rstrip("/")
        return quote(text, safe=":")

    return _HOLE.sub(value, url)


@cache
def _tests() -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - heavy, and runs need none of it

    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    tests: dict[str, Any] = {type_: url for url, types in loaded["get"].items() for type_ in types} | loaded["other"]
    return tests
