"""What a PDF of an author may not do."""

import pytest

from runtime.contract import NodeError
from runtime.sandbox.pdf import read_pdf
from tests.unit.sandbox.world import THREADS


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4 garbage", b"\x00" * 1000, b"%PDF-1.7\n" + b"[" * 100_000])
async def test_what_is_no_pdf_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(NodeError, match=r"Invalid PDF structure\."):
        await read_pdf(THREADS, data, {})


async def test_a_file_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.sandbox.pdf._TIMEOUT_SECONDS", 0.01)
    with pytest.raises(NodeError, match="more time or memory"):
        await read_pdf(THREADS, b"%PDF-1.4", {})
