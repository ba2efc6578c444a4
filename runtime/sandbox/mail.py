"""Messages that came by mail, read in a child process: anyone may write one."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from runtime.confinement.limits import ChildLimits
from runtime.contract import NodeError
from runtime.sandbox.documents import DocumentLimitError, Threads, read_document

__all__ = ["read_mail", "read_mails"]

_MODULE: Final = "runtime.sandbox.mail_child"
_LIMITS: Final = ChildLimits(memory_bytes=1 << 30, cpu_seconds=25, open_files=16)
_TIMEOUT_SECONDS: Final = 60.0
"""Of the clock: where many wait for a processor, a child gets less than half of it."""
BATCH_BYTES: Final = 8 * 1024 * 1024
"""Of messages that one process reads; a longer one has a process to itself."""


async def read_mail(threads: Threads, raw: bytes, *, simple: bool, attachments: bool) -> dict[str, Any]:
    """Read a message on one of the threads of a step.

    Return `json` (of n8n's format Simple, else Resolved) and `attachments` (`mime_type`, `file_name`, `data` as base64).
    Raise NodeError.
    """
    (message,) = await read_mails(threads, [raw], simple=simple, attachments=attachments)
    return message


async def read_mails(
    threads: Threads, raws: Sequence[bytes], *, simple: bool, attachments: bool
) -> list[dict[str, Any]]:
    """Return what `read_mail` does, of several messages: a process is started for many of them.

    Raises:
        NodeError: one of them cannot be read, or not within the limits of a process of its own.
    """
    options = {"simple": simple, "attachments": attachments}
    done: list[dict[str, Any]] = []
    for batch in _batches(raws):
        found = await _read(threads, batch, options)
        # when it took too much, that was the time or memory of all of them: one may have as much alone
        parts = [[raw] for raw in batch] if found is None and len(batch) > 1 else []
        for part in parts:
            done += _readable(await _read(threads, part, options))
        if not parts:
            done += _readable(found)
    return done


def _readable(found: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Return what a process read. Raise NodeError for a message that it could not."""
    if found is None:
        raise NodeError("This message needs more time or memory than a step may use")
    for message in found:
        if "error" in message:
            raise NodeError(f"This message cannot be read ({message['error']})")
    return found


async def _read(threads: Threads, batch: Sequence[bytes], options: dict[str, bool]) -> list[dict[str, Any]] | None:
    sizes = {"sizes": [len(each) for each in batch]}
    try:
        found: list[dict[str, Any]] = await read_document(
            threads, "message", _MODULE, _LIMITS, options | sizes, b"".join(batch), _TIMEOUT_SECONDS
        )
    except DocumentLimitError:
        return None
    return found


def _batches(raws: Sequence[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for raw in raws:
        if batch and sum(map(len, batch)) + len(raw) > BATCH_BYTES:
            yield batch
            batch = []
        batch.append(raw)
    if batch:
        yield batch
