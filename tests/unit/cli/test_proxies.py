"""Behind a proxy that the environment names, the servers of this machine are reached all the same."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final

import pytest

from cli.support.proxies import exempt_this_machine, is_elsewhere

CLOSED: Final = "http://127.0.0.1:9"
"""Nothing listens there."""
SOCKS: Final = "socks5://127.0.0.1:9"


@pytest.mark.parametrize(
    ("before", "exempt"),
    [
        ({}, None),
        ({"NO_PROXY": "a.example"}, "a.example"),
        ({"HTTP_PROXY": CLOSED}, "127.0.0.1,::1,localhost"),
        ({"https_proxy": CLOSED, "no_proxy": "a.example, localhost"}, "a.example,localhost,127.0.0.1,::1"),
        ({"ALL_PROXY": SOCKS, "NO_PROXY": "*"}, "*,127.0.0.1,::1,localhost"),
    ],
)
def test_this_machine_goes_past_a_proxy(before: dict[str, str], exempt: str | None) -> None:
    """What is exempt already stays so; without a proxy nothing changes."""
    environment = dict(before)
    exempt_this_machine(environment)
    assert environment.get("NO_PROXY") == exempt
    assert (environment == before) == (exempt is None or exempt == before.get("NO_PROXY"))


@pytest.mark.parametrize(
    ("url", "elsewhere"),
    [
        ("http://localhost:8202", False),
        ("http://[::1]:8202/x", False),
        ("https://t8.example", True),
        ("http://[", True),
    ],
)
def test_what_is_elsewhere(url: str, elsewhere: bool) -> None:
    assert is_elsewhere(url) is elsewhere


LISTED = b'{"items": [], "next_cursor": null}'
ENDED = b'id: 1\nevent: end\ndata: {"status": "completed"}\n\n'


@pytest.fixture
def api() -> Iterator[str]:
    """The address of a server that gives an empty list of runs, and the end of one that is watched."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = ENDED if self.path.endswith("/events") else LISTED
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the overridden one
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def told(proxy: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `tempor8 workflow` behind a proxy."""
    command = [sys.executable, "-m", "cli.main", "workflow", *arguments, "--key", "k"]
    done = subprocess.run(command, env={**os.environ, **proxy}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("proxy", [{"HTTP_PROXY": CLOSED, "http_proxy": CLOSED}, {"ALL_PROXY": SOCKS}])
def test_verbs_reach_an_api_on_this_machine(api: str, proxy: dict[str, str]) -> None:
    """`tempor8 demo` waited for its own API at the proxy."""
    assert told(proxy, "list", "--url", api) == (0, LISTED.decode() + "\n", "")
    code, _, errors = told(proxy, "watch", "a", "--url", api)
    assert (code, "reconnecting" in errors) == (0, False), errors


@pytest.mark.parametrize("verb", [("list",), ("watch", "a")])
def test_a_proxy_by_socks_is_named(verb: tuple[str, ...]) -> None:
    """It takes a package that is not ours."""
    code, _, errors = told({"ALL_PROXY": SOCKS}, *verb, "--url", "http://t8.example")
    assert (code, "Traceback" in errors) == (2, False), errors
    assert errors.startswith("http://t8.example: Using SOCKS proxy")
