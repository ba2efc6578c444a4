"""Secrets in parameters, TLS that is not verified, plain HTTP, queries assembled from data."""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from compiler.sites.expression_sites import dotted
from compiler.unit import BoundNode, Unit
from schemas.diagnostic import Diagnostic
from schemas.diagnostic.security import CertificatesUnchecked, CredentialOverHttp, QueryFromData, SecretInParameter
from schemas.redact import looks_secret

RUNS_QUERY: Final = "executeQuery"
"""The operation by which n8n's database nodes run SQL that their author wrote."""
SECRET_NAMES: Final = re.compile(
    r"(?i)^(authorization|x-api-key|api-?key|apikey|x-auth-token|access_token|token|password|secret|client_secret)$"
)
MIN_SECRET_CHARACTERS: Final = 16
"""Shorter texts are not reported as secrets."""
PLACEHOLDER: Final = re.compile(
    r"(?i)your|example|placeholder|xxx|<[^<>\n]*>|\.\.\.|changeme|replace|insert|here|dummy|\{\{|\*\*\*|test"
)


def security(unit: Unit) -> Iterator[Diagnostic]:
    """Yield findings about secrets in parameters, unverified TLS, credentials sent over plain HTTP, and queries
    assembled from data.
    """
    for bound in unit.bound.values():
        yield from _secrets(bound)
        if bound.node.disabled:
            continue
        options = bound.parameters.get("options")
        if isinstance(options, dict) and options.get("allowUnauthorizedCerts") is True:
            yield CertificatesUnchecked(at=bound.at.within("parameters", "options"), node=bound.node.name)
        yield from _plain_http(bound)
        query = bound.parameters.get("query")
        if bound.parameters.get("operation") == RUNS_QUERY and isinstance(query, str) and "{{" in query:
            yield QueryFromData(at=bound.at.within("parameters", "query"), node=bound.node.name)


def _secrets(bound: BoundNode) -> Iterator[Diagnostic]:
    for at, text in bound.texts:
        if len(text) >= MIN_SECRET_CHARACTERS and looks_secret(text) and not PLACEHOLDER.search(text[:200]):
            yield SecretInParameter(at=bound.at.within("parameters", *at), parameter=dotted(at))
    for at, name, value in _pairs(bound.node.parameters, ()):
        if SECRET_NAMES.match(name) and _is_plain_secret(value):
            yield SecretInParameter(at=bound.at.within("parameters", *at), parameter=dotted(at))


def _pairs(value: Any, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Yield path of the value, name and value of each of n8n's `{name, value}` rows."""
    if isinstance(value, dict):
        name, content = value.get("name"), value.get("value")
        if isinstance(name, str) and isinstance(content, str):
            yield (*at, "value"), name, content
        for key, each in value.items():
            yield from _pairs(each, (*at, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _pairs(each, (*at, index))


def _is_plain_secret(value: str) -> bool:
    secret = value.removeprefix("Bearer ").removeprefix("Basic ").strip()
    if value.startswith("=") or looks_secret(value) or PLACEHOLDER.search(value):
        return False  # the first loop reports what looks like a secret by itself
    return len(secret) >= MIN_SECRET_CHARACTERS and " " not in secret and any(each.isdigit() for each in secret)


def _plain_http(bound: BoundNode) -> Iterator[Diagnostic]:
    url = bound.parameters.get("url")
    if not isinstance(url, str) or not bound.node.credentials:
        return
    text = url.removeprefix("=").strip()
    if text.startswith("http://"):
        host = urlsplit(text.split("{{")[0]).hostname or ""
        if host and host not in ("localhost", "127.0.0.1", "host.docker.internal") and "." in host:
            yield CredentialOverHttp(at=bound.at.within("parameters", "url"), node=bound.node.name, host=host)
