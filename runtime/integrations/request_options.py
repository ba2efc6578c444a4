"""The options that n8n gives every declarative node (`requestOptions`): a proxy, a time limit, certificates, and batches of items."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any, Final, Self
from urllib.parse import urlsplit

from runtime.contract import NodeError
from runtime.integrations.answers import received
from runtime.integrations.parameters import Parameters
from runtime.values.javascript import js_number, truthy

__all__ = ["REQUEST_OPTIONS", "RequestOptions", "pause_between_batches"]

REQUEST_OPTIONS: Final = "requestOptions"
"""The parameter."""
_SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9.+-]*:")
_DEFAULT_MS: Final = 300_000.0
_DEFAULT_BATCH: Final = {"batchSize": 50, "batchInterval": 1_000}


@dataclass(frozen=True)
class RequestOptions:
    """How the requests of one item are sent."""

    proxy: Any = None
    """An address, as it is given."""
    timeout: Any = None
    """Milliseconds, as they are given."""
    verify: bool = True

    @classmethod
    def of(cls, parameters: Parameters) -> Self:
        """Return the options of an item. Raise NodeError where an expression of them failed."""
        given = _object(parameters.get(REQUEST_OPTIONS))
        return cls(given.get("proxy"), given.get("timeout"), not truthy(given.get("allowUnauthorizedCerts")))

    def proxy_url(self) -> str | None:
        """Return the address of the proxy; None: there is none. Raise NodeError for what is no address, in n8n's words."""
        if not truthy(self.proxy):
            return None
        if not isinstance(self.proxy, str):
            raise NodeError(f'The "url" argument must be of type string. Received {received(self.proxy)}')
        lacks = _lacks(self.proxy)
        if lacks is not None:
            raise NodeError(
                "The proxy is not valid",
                description=f'The proxy URL does not contain a valid value for "{lacks}"',
            )
        return self.proxy

    def seconds(self) -> float:
        """Return the time limit of a request. Raise NodeError for what is no number."""
        if not truthy(self.timeout):
            return _DEFAULT_MS / 1000
        milliseconds = js_number(self.timeout)
        if isnan(milliseconds):
            raise NodeError("error trying to parse `config.timeout` to int")
        return max(milliseconds, 0.0) / 1000


async def pause_between_batches(parameters: Parameters, i: int) -> None:
    """Wait before item `i` where it begins a batch that is not the first."""
    batch = _object(_object(parameters.get(REQUEST_OPTIONS)).get("batching")).get("batch")
    if not i or not isinstance(batch, Mapping):
        return
    size, interval = (js_number(batch.get(name, default)) for name, default in _DEFAULT_BATCH.items())
    if size >= 1 and interval > 0 and i % int(size) == 0:
        await asyncio.sleep(interval / 1000)


def _lacks(address: str) -> str | None:
    """Return the part that an address of a proxy lacks: it has a scheme, a host and a port of its own."""
    if not _SCHEME.match(address):
        return "host"
    parts = urlsplit(address)
    try:
        found = bool(parts.hostname and parts.port)
    except ValueError:  # a port that is no number
        found = False
    return None if found else "port"


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
