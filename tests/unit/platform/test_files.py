"""A tenant's folder stands in place of the host's root, and nothing leads out of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.platform.storage.files import PIECE_BYTES, TenantFiles
from runtime.values.problem import ProblemError
from runtime.values.streams import LongBytes

LIMIT = 100


def of(root: Path, tenant: str = "acme") -> TenantFiles:
    return TenantFiles(root, tenant, LIMIT)


async def test_files_are_off_where_the_operator_names_no_folder() -> None:
    for work in (TenantFiles(None, "acme", LIMIT).read("/etc/passwd"), TenantFiles(None, "acme", LIMIT).find("/*")):
        with pytest.raises(ProblemError) as caught:
            await work
        assert "TEMPOR8_FILES" in str(caught.value.description)


async def test_an_absolute_path_and_one_with_dots_stay_in_the_folder(tmp_path: Path) -> None:
    await of(tmp_path).write("/a.txt", b"mine")
    assert await of(tmp_path).read("../../../../a.txt") == b"mine"
    assert await of(tmp_path).read("a.txt") == b"mine"
    with pytest.raises(ProblemError, match="ENOENT: no such file or directory, stat '/etc/passwd'"):
        await of(tmp_path).read("/etc/passwd")


async def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s", encoding="utf-8")
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "acme" / "up").symlink_to(tmp_path)
    for path in ("/link", "/up/secret"):
        with pytest.raises(ProblemError, match="Access to the file is not allowed"):
            await of(tmp_path).read(path)
    with pytest.raises(ProblemError, match="Access to the file is not allowed"):
        await of(tmp_path).write("/up/secret", b"x")
    assert (tmp_path / "secret").read_text(encoding="utf-8") == "s"


async def test_another_tenant_has_other_files(tmp_path: Path) -> None:
    await of(tmp_path, "acme").write("/a.txt", b"acme's")
    assert await of(tmp_path, "globex").find("/**") == []
    with pytest.raises(ProblemError, match="ENOENT"):
        await of(tmp_path, "globex").read("/../acme/a.txt")


async def test_what_is_too_large_a_folder_or_nowhere_is_said(tmp_path: Path) -> None:
    (tmp_path / "acme" / "d").mkdir(parents=True)
    (tmp_path / "acme" / "big").write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(ProblemError, match="TEMPOR8_FILE_LIMIT"):
        await of(tmp_path).read("/big")
    with pytest.raises(ProblemError, match="EISDIR"):
        await of(tmp_path).read("/d")
    with pytest.raises(ProblemError, match="ENOENT"):
        await of(tmp_path).write("/nowhere/x", b"")


async def test_patterns_leave_out_hidden_files_and_take_brackets_as_they_are(tmp_path: Path) -> None:
    for name in ("a.txt", "b.json", "c [1].txt", ".hidden.txt"):
        await of(tmp_path).write(f"/{name}", b"")
    assert await of(tmp_path).find("/*.txt") == ["/a.txt", "/c [1].txt"]
    assert await of(tmp_path).find("/{a,b}.*") == ["/a.txt", "/b.json"]
    assert await of(tmp_path).find("/c [1].txt") == ["/c [1].txt"]
    assert await of(tmp_path).find("/[ab].*", literal_brackets=False) == ["/a.txt", "/b.json"]


async def test_a_long_file_is_read_and_written_piece_by_piece(tmp_path: Path) -> None:
    """One that breaks off in the middle leaves what was there before."""
    files, data = TenantFiles(tmp_path, "acme", 4 * PIECE_BYTES), bytes(range(256)) * (PIECE_BYTES // 256) + b"end"
    await files.write("/long", data)
    content = await files.read("/long")
    assert isinstance(content, LongBytes)
    assert len(content) == len(data)
    await files.write("/copy", content)
    await files.write("/copy", content, append=True)
    assert (tmp_path / "acme" / "copy").read_bytes() == data * 2

    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await files.write("/copy", LongBytes(9, broken, "broken"))
    assert sorted(each.name for each in (tmp_path / "acme").iterdir()) == ["copy", "long"]
    assert (tmp_path / "acme" / "copy").stat().st_size == 2 * len(data)
