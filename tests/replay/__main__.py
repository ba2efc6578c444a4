"""`python -m tests.replay CASE.json...`: record the history of each case, as a run that every later interpreter must replay.

A history is only ever added: where there is one of the case's name, nothing is written and the exit code is 1.
"""

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.testing.temporal import run_cases
from runtime.local import OfflineServices
from runtime.nodes.base import HttpResponse
from schemas.task import Task

HISTORIES = Path(__file__).parent / "histories"
PROCESS = re.compile(r'"\d+@[^"]*"')
"""Process and machine, as the SDK names workers and their own queues."""
TRACE = re.compile(r'"stackTrace": "(?:[^"\\]|\\.)*"')


class World(OfflineServices):
    """Answers every request with its own address; the first one to an address that ends in `/flaky` with a 503. A chat
    model answers with a sentence.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    async def http(self, task: Task, method: str, url: str, **options: Any) -> HttpResponse:
        """See ActivityContext."""
        del task, options
        fresh = url not in self.asked
        self.asked.add(url)
        headers = [("content-type", "application/json")]
        if fresh and url.endswith("/flaky"):
            return HttpResponse(503, "Service Unavailable", headers, b'{"message": "later"}', url)
        answer: dict[str, Any] = {"method": method, "asked": url}
        if url.endswith("/chat/completions"):
            message = {"role": "assistant", "content": "It is sunny."}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            used = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
            answer = {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [choice],
                "usage": used,
            }
        return HttpResponse(200, "OK", headers, json.dumps(answer).encode(), url)

    async def credentials(self, task: Task, type_: str) -> Mapping[str, Any]:
        """Any type has the same."""
        del task, type_
        return {"apiKey": "none", "url": "https://example.org/v1"}


def record(paths: list[Path]) -> int:
    """Run the cases and keep their histories."""
    cases = [json.loads(path.read_text("utf-8")) for path in paths]
    places = [HISTORIES / f"{case['name']}.json" for case in cases]
    if there := [place.name for place in places if place.exists()]:
        sys.stderr.write(f"recorded before, and never again: {', '.join(there)}\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(run_cases(cases, histories=Path(folder), services=World()))
        written = sorted(Path(folder).glob("*.json"))
        for place, result, path in zip(places, results, written, strict=True):
            text = TRACE.sub('"stackTrace": ""', PROCESS.sub('"worker"', path.read_text("utf-8")))
            place.write_text(json.dumps(json.loads(text), indent=1) + "\n", encoding="utf-8")
            sys.stdout.write(f"{place.name}: {result['status']}, {len(json.loads(text)['events'])} events\n")
    return 0


if __name__ == "__main__":
    sys.exit(record([Path(each) for each in sys.argv[1:]]))
