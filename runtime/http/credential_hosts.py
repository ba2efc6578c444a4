"""Where a credential may be sent: what its owner says, the vendor's hosts by type, and what its author wrote as constants.

`Binding.check` is asked for every request that carries the credential, at the one place where requests leave a worker.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from runtime.http.credentials import is_generic
from schemas.hosts import ANY_HOST, BadHostError, HostPattern, target_of

__all__ = [
    "Binding",
    "CredentialHostError",
    "Statement",
    "binding",
    "statement",
    "with_hosts",
    "with_hosts_of",
    "with_statement_of",
    "without_unconfirmed",
]

MODE: Final = "allowedHttpRequestDomains"
"""n8n's field of a credential: `all`, `domains` or `none`."""
DOMAINS: Final = "allowedDomains"
"""n8n's field of a credential, a list with commas: with `domains` the only hosts, otherwise further ones (`allow`)."""

OWN_ADDRESSES: Final = (
    "url", "baseUrl", "baseURL", "host", "hostname", "domain", "server", "serverUrl", "endpoint", "apiUrl", "apiEndpoint",
    "instanceUrl", "environmentUrl", "qdrantUrl", "serviceUrl", "homeserverUrl", "orgUrl", "webUrl", "webDavUrl", "customApiUrl", "apiHost",
    "httpStreamUrl",
)  # fmt: skip
"""Fields in which a credential names the server that it is for."""
TOKEN_ADDRESSES: Final = ("accessTokenUrl",)
"""Fields in which a credential names the server that its tokens come from."""
_WEB_PORTS: Final = (80, 443)
_FIELD: Final = re.compile(r"\{(\w{1,64})\}")
_LABEL: Final = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}")


class CredentialHostError(Exception):
    """A credential may not be sent to a host. The message says to whom it may go, and what allows it."""


@dataclass(frozen=True)
class Statement:
    """What the owner of a credential says in it: `patterns` are all of its hosts (`domains`), or further ones (None)."""

    mode: Literal["domains", "none"] | None = None
    patterns: tuple[HostPattern, ...] = ()


@dataclass(frozen=True)
class Binding:
    """The hosts of one credential."""

    type: str
    name: str
    tenant: str
    patterns: tuple[HostPattern, ...]
    mode: Literal["domains", "none"] | None = None

    def check(self, url: str, *, redirected: bool = False) -> None:
        """Raise CredentialHostError unless the credential may be sent to this address.

        Args:
            url: where the request goes.
            redirected: a server sent it there from another origin, and the credential would go along.
        """
        try:
            host, port = target_of(url)
        except ValueError:
            raise CredentialHostError(
                f"The credential {self.name!r} is not sent to an address without a host"
            ) from None
        if not any(each.matches(host, port) for each in self.patterns):
            raise CredentialHostError(self._refusal(HostPattern(host, None if port in _WEB_PORTS else port)))
        if redirected:
            raise CredentialHostError(
                f"The credential {self.name!r} ({self.type}) was not sent to {host}: a server of another origin redirected the "
                "request there"
            )

    def _refusal(self, host: HostPattern) -> str:
        command = f"tempor8 credentials allow {self.tenant} {self.type} {self.name!r} {host}"
        if self.mode == "none":
            known = "its owner keeps it out of HTTP requests"
        elif self.patterns:
            known = f"it is for {', '.join(map(str, self.patterns))}"
        else:
            known = "no host of it is known"
        return f"The credential {self.name!r} ({self.type}) was not sent to {host}: {known}. To allow it: {command}"


def statement(data: Mapping[str, Any]) -> Statement:
    """Return what the owner of a credential says in n8n's fields.

    The mode `all` is what n8n writes into every credential, so it says nothing; the host `*` is every host. An entry that
    cannot be read allows nothing.
    """
    mode = data.get(MODE)
    if mode == "none":
        return Statement("none")
    patterns = tuple(_patterns(str(data.get(DOMAINS) or "").replace(";", ",").split(",")))
    return Statement("domains" if mode == "domains" else None, patterns)


def with_hosts(data: Mapping[str, Any], hosts: Iterable[str], *, only: bool = False) -> dict[str, Any]:
    """Return a credential's fields with these hosts as further ones of its owner's, or as all of them (`only`).

    Raises:
        BadHostError: one of them is no host.
    """
    hosts, said = list(hosts), statement(data)
    if not hosts and not only:
        return dict(data)
    named = [HostPattern.parse(each) for each in hosts] + ([] if only else list(said.patterns))
    listed = ",".join(sorted({str(each) for each in named}))
    return {**data, MODE: "domains" if only or said.mode == "domains" else "all", DOMAINS: listed}


def with_statement_of(data: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Return a credential's fields with the owner's statement of earlier ones, unless they have one of their own."""
    kept = {} if {MODE, DOMAINS} & data.keys() else {key: earlier[key] for key in (MODE, DOMAINS) if key in earlier}
    return {**data, **kept}


def with_hosts_of(data: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a credential that is imported again, with the hosts that its owner allowed meanwhile.

    A restriction stands, whichever side has it: what n8n keeps out of requests stays out, what n8n restricts does not go to every
    host, and what is restricted here stays so. Only every host (`*`), confirmed for this import, replaces it.
    """
    said, before = statement(data), statement(earlier)
    everywhere = HostPattern(ANY_HOST)
    if said.mode == "none" or (said.mode is None and everywhere in said.patterns):
        return dict(data)
    if said.mode is None:
        return with_hosts(data, map(str, before.patterns), only=before.mode == "domains")
    return with_hosts(data, [str(each) for each in before.patterns if each not in (everywhere, *said.patterns)])


def without_unconfirmed(data: Mapping[str, Any], *, confirmed: bool) -> dict[str, Any]:
    """Return the fields of a credential that comes from n8n: that it may go to every host counts only when `confirmed`."""
    said = statement(data)
    anywhere = said.mode is None or HostPattern(ANY_HOST) in said.patterns
    if said.mode == "none" or not anywhere:
        return dict(data)
    return {**data, MODE: "all", DOMAINS: ANY_HOST if confirmed else ""}


def binding(
    tenant: str,
    type_: str,
    name: str,
    data: Mapping[str, Any],
    constants: Iterable[str] = (),
    *,
    restricted: bool = False,
) -> Binding:
    """Return where a credential may go.

    Args:
        tenant: whose it is.
        type_: n8n's type.
        name: the author's name for it.
        data: its fields.
        constants: hosts that its author wrote as constants; they count unless the owner says which hosts are allowed.
        restricted: the address is the author's choice, so that the owner's restriction of HTTP requests holds for the
            vendor's hosts too.
    """
    said = statement(data)
    tokens = tuple(_patterns(data.get(field) for field in TOKEN_ADDRESSES))
    own = (*_vendor(type_, data), *_own(type_, data))
    if said.mode is None:
        patterns = (*own, *tokens, *said.patterns, *_patterns(constants))
    elif said.mode == "none":
        patterns = () if restricted else (*own, *tokens)
    else:
        patterns = (*said.patterns, *tokens, *(() if restricted else own))
    return Binding(type_, name, tenant, tuple(dict.fromkeys(patterns)), said.mode)


def _vendor(type_: str, data: Mapping[str, Any]) -> Iterable[HostPattern]:
    for template in _hosts().get(type_, ()):
        filled = _filled(template, data)
        if filled is not None:
            yield from _patterns([filled])


def _filled(template: str, data: Mapping[str, Any]) -> str | None:
    """Return a template with the credential's fields in it; None when one of them is not a part of a host's name."""
    fields = {name: str(data.get(name) or "") for name in _FIELD.findall(template)}
    if not all(_LABEL.fullmatch(value) for value in fields.values()):
        return None
    return _FIELD.sub(lambda match: fields[match[1]], template)


def _own(type_: str, data: Mapping[str, Any]) -> Iterable[HostPattern]:
    if is_generic(type_):
        return ()
    values = [str(data[field]) for field in OWN_ADDRESSES if isinstance(data.get(field), str)]
    if type_ == "s3" and (host := urlsplit(str(data.get("endpoint") or "")).hostname):
        values.append(f"*.{host}")  # a bucket is a name in front of the server's
    return _patterns(value.split("/")[0] if "://" not in value else value for value in values if _is_address(value))


def _is_address(value: str) -> bool:
    """Return whether a field is an address or a whole host name, and not the first part of one."""
    return "://" in value or "." in value or value.partition(":")[0] == "localhost"


def _patterns(texts: Iterable[Any]) -> Iterable[HostPattern]:
    for text in texts:
        try:
            if isinstance(text, str) and text.strip():
                yield HostPattern.parse(text)
        except BadHostError:
            continue


@cache
def _hosts() -> dict[str, tuple[str, ...]]:
    """Return the hosts of each type, as `credential_hosts.yaml` has them."""
    import yaml  # noqa: PLC0415 - heavy, and few steps need it

    text = (Path(__file__).parent / "credential_hosts.yaml").read_text(encoding="utf-8")
    by_type: dict[str, list[str]] = {}
    for hosts, types in yaml.safe_load(text).items():
        for type_ in types:
            by_type.setdefault(type_, []).extend(each.strip() for each in hosts.split(","))
    return {type_: tuple(hosts) for type_, hosts in by_type.items()}
