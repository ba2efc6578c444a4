"""Requests to a running API: its address, the key, and responses on standard output."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cli.support.json_text import json_text
from cli.support.proxies import is_elsewhere, refuse_socks

if TYPE_CHECKING:
    import httpx

    from cli.client.api import Client

__all__ = ["Key", "Url", "client", "show"]

DEFAULT_URL: Final = "http://127.0.0.1:8202"

Url = Annotated[str, typer.Option("--url", envvar="TEMPOR8_URL", help="Address of the API.", show_default=True)]
Key = Annotated[str | None, typer.Option("--key", envvar="TEMPOR8_API_KEY", help="API key.", show_envvar=True)]


def _call(method: str, url: str, path: str, key: str | None, **rest: Any) -> Any:
    """Return the JSON of the API's response.

    Raises:
        typer.Exit: code 1 when the API refuses, with its problem on standard error; 2 when no API answers.
    """
    import httpx

    if not key:
        typer.echo("an API key is needed: --key, or TEMPOR8_API_KEY", err=True)
        raise typer.Exit(2)
    try:
        headers = {"Authorization": f"Bearer {key}", **rest.pop("headers", {})}
        address = url.rstrip("/") + path
        response = httpx.request(method, address, headers=headers, timeout=75, trust_env=is_elsewhere(url), **rest)
    except (httpx.UnsupportedProtocol, httpx.InvalidURL):
        typer.echo(f"--url {url!r}: an address such as {DEFAULT_URL}", err=True)
        raise typer.Exit(2) from None
    except ImportError as error:
        refuse_socks(url, error)
    except httpx.HTTPError as error:
        typer.echo(f"{url} does not answer ({type(error).__name__}). Start the API with: tempor8 serve", err=True)
        raise typer.Exit(2) from None
    if response.is_error:
        typer.echo(_refusal(response), err=True)
        raise typer.Exit(1)
    return response.json() if response.content else None


def client(url: str, key: str | None) -> "Client":
    """Return the typed client of the API at an address. Its methods raise as `_call`."""
    from cli.client.api import Client

    def send(
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        rest = {} if body is None else {"json": body}
        return _call(method, url, path, key, params=params, headers=dict(headers or {}), **rest)

    return Client(send)


def _refusal(response: "httpx.Response") -> str:
    try:
        problem = response.json()
    except ValueError:
        return f"{response.status_code}: {response.reason_phrase}"
    return f"{response.status_code} {problem.get('title', '')}: {problem.get('detail', '')}"


def show(document: Any) -> None:
    """Print JSON: indented on a terminal, one line when it goes into a pipe."""
    indent = 2 if os.isatty(1) else None
    typer.echo(json_text(document, indent=indent))
