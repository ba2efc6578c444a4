"""The proxies that an environment names are for what is elsewhere, not for the servers of this machine.

Requests of steps take no proxy from the environment at all: they have `TEMPOR8_EGRESS_PROXY`.
"""

from collections.abc import MutableMapping
from typing import Final, NoReturn
from urllib.parse import urlsplit

import typer

from runtime.platform.loopback import LOOPBACK

__all__ = ["exempt_this_machine", "is_elsewhere", "refuse_socks"]

PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
EXEMPT: Final = "NO_PROXY"


def exempt_this_machine(environment: MutableMapping[str, str]) -> None:
    """Add this machine to what goes past the proxies, where any is set. Libraries read either spelling, so both get it."""
    if not any(environment.get(name) or environment.get(name.lower()) for name in PROXIES):
        return
    named = environment.get(EXEMPT) or environment.get(EXEMPT.lower()) or ""
    hosts = [each.strip() for each in named.split(",") if each.strip()]
    exempt = ",".join([*hosts, *(each for each in LOOPBACK if each not in hosts)])
    environment[EXEMPT] = environment[EXEMPT.lower()] = exempt


def is_elsewhere(url: str) -> bool:
    """Return whether an address is not this machine's."""
    try:
        return urlsplit(url).hostname not in LOOPBACK
    except ValueError:
        return True


def refuse_socks(url: str, error: ImportError) -> NoReturn:
    """End the verb (exit code 2): a proxy by SOCKS takes a package of its own, which httpx names."""
    typer.echo(f"{url}: {error}", err=True)
    raise typer.Exit(2) from None
