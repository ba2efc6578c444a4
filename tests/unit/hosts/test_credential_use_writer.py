"""The writer of uses of credentials: together, never without bound, and not lost because Postgres is away for a moment."""

import asyncio
from collections.abc import Sequence

import pytest

from runtime.hosts.temporal import credential_use_writer
from runtime.hosts.temporal.credential_use_writer import CredentialUseWriter
from service.credential_uses import CredentialUse


class Rows:
    """Keeps what is written; `away` tenants do not take anything."""

    def __init__(self) -> None:
        self.written: list[tuple[str, list[CredentialUse]]] = []
        self.away: set[str] = set()

    async def write(self, tenant: str, uses: Sequence[CredentialUse]) -> None:
        """Write, or fail."""
        if tenant in self.away:
            raise OSError
        self.written.append((tenant, list(uses)))


async def test_uses_are_written_together_by_tenant() -> None:
    rows = Rows()
    writer = CredentialUseWriter(rows.write)
    for tenant in ("acme", "globex", "acme"):
        writer.note(tenant, "githubApi", "mine", "run", "Node", "api.github.com")
    assert rows.written == []
    await writer.close()
    assert [(tenant, [use.times for use in uses]) for tenant, uses in rows.written] == [("acme", [2]), ("globex", [1])]


async def test_an_opening_and_its_request_are_one_use() -> None:
    rows = Rows()
    writer = CredentialUseWriter(rows.write)
    writer.note("acme", "githubApi", "mine", "run", "Node")
    writer.note("acme", "githubApi", "mine", "run", "Node", "api.github.com")
    writer.note("acme", "githubApi", "mine", "run", "Node", "evil.example", refused=True)
    writer.note("acme", "jwtAuth", "signs", "run", "Other")
    await writer.close()
    assert [(use.name, use.host, use.refused) for use in rows.written[0][1]] == [
        ("mine", "api.github.com", False), ("mine", "evil.example", True), ("signs", "", False),
    ]  # fmt: skip


async def test_what_could_not_be_written_waits_and_other_tenants_do_not_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(credential_use_writer, "GATHER_SECONDS", 3600)
    rows = Rows()
    rows.away = {"acme"}
    writer = CredentialUseWriter(rows.write)
    for tenant in ("acme", "globex"):
        writer.note(tenant, "t", "n", "run", "Node", "h")
    await writer.close()
    assert [tenant for tenant, _ in rows.written] == ["globex"]
    rows.away = set()
    writer.note("acme", "t", "n", "run", "Node", "h")
    await writer.close()
    assert [use.times for use in rows.written[1][1]] == [2]


async def test_a_batch_whose_write_is_cut_off_by_the_end_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """And so are those that had not come to their turn."""
    monkeypatch.setattr(credential_use_writer, "GATHER_SECONDS", 0)
    rows, writing, write = Rows(), asyncio.Event(), Rows.write

    async def slow(tenant: str, uses: Sequence[CredentialUse]) -> None:
        if not writing.is_set():
            writing.set()
            await asyncio.sleep(3600)
        await write(rows, tenant, uses)

    writer = CredentialUseWriter(slow)
    for tenant in ("acme", "globex"):
        writer.note(tenant, "t", "n", "run", "Node", "h")
    await writing.wait()
    await writer.close()
    assert [(tenant, len(uses)) for tenant, uses in rows.written] == [("acme", 1), ("globex", 1)]


async def test_waiting_uses_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credential_use_writer, "MAX_WAITING", 10)
    rows = Rows()
    writer = CredentialUseWriter(rows.write)
    for i in range(1000):
        writer.note("acme", "t", "n", f"run {i}", "Node", "h")
    writer.note("acme", "t", "n", "run 0", "Node", "h")  # one that waits already counts on
    await writer.close()
    assert [use.times for use in rows.written[0][1]] == [2, *[1] * 9]


async def test_texts_that_postgres_does_not_take_are_no_obstacle() -> None:
    rows = Rows()
    writer = CredentialUseWriter(rows.write)
    writer.note("acme", "t", "nul\0 \udcff" + "x" * 10_000, "run", "Node", "h")
    await writer.close()
    name = rows.written[0][1][0].name
    assert name.startswith("nul ?x")
    assert len(name) == credential_use_writer.MAX_TEXT
