"""Ask a real n8n about many fresh cases: what it answers is kept as it comes, and a workflow that never ends is left out."""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tests.conformance.record import QUESTION
from tests.shared_folder import shared_path

__all__ = ["answers", "shows_now"]

START: Final = 400.0
"""Seconds until the first answer: n8n starts in ten on an idle machine."""
STALL: Final = 90.0
"""Seconds without a further answer: the workflow in turn has no end, and n8n's own time limit (15 s) does not reach it."""
PAUSE: Final = 0.5
FAULTS: Final = ("oracle-exception", "running")
"""Statuses of runs that n8n or its recorder did not end."""


def answers(
    cases: Sequence[Mapping[str, Any]], environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield index -> what n8n did, as it answers; cases that do not end, or whose result shows the time of day, are left out.

    `environment`: what n8n's process has beside our own.

    Raise SystemExit where no n8n can be asked.
    """
    oracle = shared_path("oracle", "oracle.sh")
    if oracle is None:
        raise SystemExit("asking needs the oracle beside the repository: ../shared/oracle/oracle.sh")
    first = 0
    while first < len(cases):
        with tempfile.TemporaryDirectory() as folder:
            for index, told in _from(oracle, cases, first, Path(folder), {**os.environ, **environment}):
                first = index + 1
                if told.get("status") not in FAULTS and not _shows_now(told):
                    yield index, told
        first += 1  # the one that it stopped at; past the end when all are answered


def _from(
    oracle: Path, cases: Sequence[Mapping[str, Any]], first: int, folder: Path, environment: Mapping[str, str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the answers of one process, until it has answered all or one takes too long."""
    questions, out = folder / "in.jsonl", folder / "out.jsonl"
    lines = (
        json.dumps({"name": str(i), **{key: case[key] for key in QUESTION if key in case}})
        for i, case in enumerate(cases)
        if i >= first
    )
    questions.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = ["/bin/bash", str(oracle), str(questions), str(out)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env=environment
    )
    read, last = 0, time.monotonic()
    try:
        while True:
            over = process.poll() is not None
            text = out.read_text(encoding="utf-8") if out.exists() else ""
            done = text[read : text.rfind("\n") + 1]
            for line in done.splitlines():
                answer = json.loads(line)
                yield int(answer["name"]), answer["expected"]
            read, last = read + len(done), time.monotonic() if done else last
            if over or time.monotonic() - last > (STALL if read else START):
                return
            time.sleep(PAUSE)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _shows_now(told: Mapping[str, Any]) -> bool:
    return shows_now(told.get("nodes"))


def shows_now(value: Any) -> bool:
    """Return whether a value holds the day or the hour of the recording."""
    now = datetime.now(UTC)
    return re.search(rf"{now:%Y-%m-%d}|{int(now.timestamp()) // 10_000}\d{{4}}", json.dumps(value)) is not None
