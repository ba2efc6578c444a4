"""A child of `service.compiling`: compiles the exports that it reads from its input, one after the other.

Run as `python -m cli.support.compile_child SECONDS MEGABYTES`.
"""

import json
import resource
import signal
import sys
from typing import BinaryIO, Final

from compiler import compile_export
from runtime.catalog import CATALOG
from service.compiling import LENGTH

__all__ = ["main"]

MAX_SAID: Final = 1 << 20
"""Bytes of the file to which standard error goes."""


def main(seconds: float, megabytes: int) -> None:
    """Answer until the input ends. An export that takes longer ends the process, also when nobody waits any more."""
    _limit_resources(megabytes << 20)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (request := _read(source)) is not None and (export := _read(source)) is not None:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        answer = _answer(json.loads(request), export)
        signal.setitimer(signal.ITIMER_REAL, 0)
        sink.write(LENGTH.pack(len(answer)))
        sink.write(answer)
        sink.flush()


def _answer(request: dict[str, object], export: bytes) -> bytes:
    done = compile_export(
        export, file=str(request["file"]), catalog=CATALOG, allow_unsupported=bool(request["allow_unsupported"])
    )
    answer = json.dumps(  # at the limit of memory orjson would end the process without a word
        {
            "plan": None if done.plan is None else done.plan.canonical(),
            "text": done.text,
            "runnable": done.runnable,
            "verdicts": [[each.node, each.grade, each.reason] for each in done.verdicts],
            "diagnostics": [each.to_json() for each in done.diagnostics],
        },
        separators=(",", ":"),
    )
    return answer.encode()


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    return source.read(length)


def _limit_resources(limit: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_SAID, MAX_SAID))


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
