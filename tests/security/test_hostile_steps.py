"""Hostile text in any parameter of any node keeps no loop: workflow code and activities of all tenants run beside it.

A sample in `make test`; every text in every place in `make fuzz`.
"""

import asyncio
import contextlib
import json
import os
import random
import socket
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from bench.hostile_inputs import TEXTS, expression_of
from cli.testing.case import run_case
from tests.property.parameter_values import Place, places, with_value
from tests.security.hostile_server import HostileServer, LongestStep

FUZZ: Final = os.environ.get("TEMPOR8_FUZZ") == "1"
SEED: Final = 15
SAMPLE: Final = int(os.environ.get("SAMPLE", "300"))
PARTS: Final = 3
STEP_SECONDS: Final = 1.0
"""Processor time of the loop's thread for one step; the watchdog ends a worker after some more, and a neighbour waits meanwhile."""
SECONDS: Final = 30.0

ADDRESSES: Final[Mapping[str, str]] = {
    "an address": "$URL", "a file": "$FILE", "a schema": '{"$ref": "$URL", "properties": {"a": {"$ref": "$FILE"}}}',
    "an entity": '<!DOCTYPE a [<!ENTITY b SYSTEM "$URL"><!ENTITY c SYSTEM "$FILE">]><a>&b;&c;</a>',
    "a DTD": '<!DOCTYPE a SYSTEM "$URL"><a/>', "an inclusion": '<a xmlns:x="http://www.w3.org/2001/XInclude"><x:include href="$URL"/></a>',
    "a stylesheet": '<?xml-stylesheet href="$URL"?><link rel="stylesheet" href="$URL"><img src="$URL"><iframe src="$URL">',
    "a table": 'SELECT * FROM CSV("$URL")', "a program": "fetch('$URL')", "a calendar": "BEGIN:VEVENT\\r\\nATTACH:$URL\\r\\nEND:VEVENT",
    "a picture": "![a]($URL)", "a template": "{% include '$URL' %}{{ '$URL' }}", "a UNC path": "//127.0.0.1/x",
}  # fmt: skip
"""Values by which some library somewhere fetches what they name. `$URL` is a server of the test, `$FILE` a file of it."""

Case = tuple[Place, str]


def _cases(names: Iterable[str]) -> list[Case]:
    cases = [(place, name) for place in places() for name in names]
    return cases if FUZZ else random.Random(SEED).sample(cases, SAMPLE)  # noqa: S311 - which cases, no secret


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.timeout(36_000 if FUZZ else 300)
async def test_no_step_keeps_the_loop(part: int) -> None:
    """Whether it works does not matter here."""
    slow, ended = [], Counter[str]()
    for place, name in _cases(TEXTS)[part::PARTS]:
        with LongestStep() as step, contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                ran = await run_case(with_value(place, expression_of(name)))
                ended[ran["status"]] += 1
        if step.seconds > STEP_SECONDS:
            slow.append(f"{name} in {place}: {step.seconds:.1f} s")
    assert not slow, "\n".join(slow)
    assert ended["success"] + ended["error"] > ended.total() / 3, (
        ended
    )  # the others are refused: no expression may stand there


@pytest.fixture
def inner(tmp_path: Path) -> Iterator[tuple[str, str, list[str]]]:
    """A server that no step may reach, a file that none may read, and what was asked of them."""
    asked: list[str] = []

    def speech(connection: socket.socket) -> Iterator[bytes]:
        asked.append(connection.recv(1_000).decode("latin-1"))
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    file = tmp_path / "inner-file.json"
    file.write_text("{}", encoding="utf-8")

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open" and str(arguments[0]).endswith("inner-file.json"):
            asked.append(str(arguments[0]))

    watching = True
    sys.addaudithook(watch)  # there is no way to take it back: it looks at nothing after the test
    with HostileServer(speech) as server:
        yield f"http://127.0.0.1:{server.port}/x", file.as_uri(), asked
    watching = False


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.timeout(36_000 if FUZZ else 300)
async def test_no_library_fetches_what_a_text_names(part: int, inner: tuple[str, str, list[str]]) -> None:
    """Steps ask through their capabilities, which are the guard's and here answer nothing."""
    url, file, asked = inner
    wrong = []
    for place, name in _cases(ADDRESSES)[part::PARTS]:
        text = ADDRESSES[name].replace("$URL", url).replace("$FILE", file)
        for value in (
            (json.dumps(text), f"JSON.parse({json.dumps(text)})") if text.startswith('{"') else (json.dumps(text),)
        ):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SECONDS):
                    await run_case(with_value(place, f"={{{{ {value} }}}}"))
            if asked:
                wrong.append(f"{name} in {place}: {asked}")
                asked.clear()
    assert not wrong, "\n".join(wrong)


async def test_what_is_fetched_is_seen(inner: tuple[str, str, list[str]]) -> None:
    """By the server and by the hook."""
    url, file, asked = inner
    for each in (url, file):
        (await asyncio.to_thread(urllib.request.urlopen, each)).close()
    assert len(asked) == 2
