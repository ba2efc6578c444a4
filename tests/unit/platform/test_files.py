"""A tenant's folder stands in place of the host's root, and nothing leads out of it."""

import asyncio
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


@pytest.mark.parametrize(
    "pattern", ["{../globex,data}/*", "/{..,data}/{globex,x}/*", "data/{../../globex,x}/*", "/{/..,}/globex/*"]
)
async def test_no_braces_lead_to_another_tenant(tmp_path: Path, pattern: str) -> None:
    await of(tmp_path, "globex").write("/secret", b"s")
    (tmp_path / "acme" / "data").mkdir(parents=True)
    await of(tmp_path).write("/data/mine", b"m")
    assert {*await of(tmp_path).find(pattern)} <= {"/data/mine"}


async def test_nothing_behind_a_link_that_leads_out_is_listed(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "secret").write_text("s", encoding="utf-8")
    (tmp_path / "acme" / "up").symlink_to(tmp_path)
    (tmp_path / "acme" / "link").symlink_to(tmp_path / "secret")
    await of(tmp_path).write("/mine", b"m")
    (tmp_path / "acme" / "again").symlink_to(tmp_path / "acme" / "mine")
    for pattern in ("/up/*", "/**", "/*", "/up/acme/*"):
        for found in await of(tmp_path).find(pattern):
            assert (tmp_path / "acme" / found[1:]).resolve() == tmp_path / "acme" / "mine", pattern
    assert await of(tmp_path).find("/*") == ["/again", "/mine"]


@pytest.mark.parametrize(
    "pattern",
    [
        "{a,b}" * 40,
        "{" + ",".join(map(str, range(5000))) + "}",
        "{a}" * 5000,
        "/**/a" * 9,
        "{{" * 5000 + "a,b" + "}}" * 5000,
    ],
)
async def test_a_pattern_that_stands_for_too_many_is_refused(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "acme").mkdir()
    with pytest.raises(ProblemError):
        await of(tmp_path).find(pattern)


async def test_braces_mean_what_they_meant(tmp_path: Path) -> None:
    for name in ("a1", "a2", "b1"):
        await of(tmp_path).write(f"/{name}", b"x")
    assert await of(tmp_path).find("/{a,b}{1,3}") == ["/a1", "/b1"]
    assert await of(tmp_path).find("/{a{1,2},c}") == ["/a1", "/a2"]


SHAPES = [
    ("/**/*.txt", ["/a.txt", "/d/b.txt", "/d/e/c.txt"], "at any depth, the root's own among them"),
    ("/d/**", ["/d/b.txt", "/d/e/c.txt"], "a last ** is every file below"),
    ("/*/*.txt", ["/d/b.txt"], "a star is one folder"),
    ("/**/e/*", ["/d/e/c.txt"], "** in the middle is any number of folders"),
    ("/**/.h*", ["/.hidden.txt", "/d/.hidden.txt"], "a dot in the pattern finds hidden files"),
    ("/.git/*", ["/.git/config"], "a hidden folder that is named"),
    ("/d/b.txt/*", [], "a file is no folder"),
    ("/link/*", ["/link/b.txt"], "a link to a folder of the tenant"),
    ("/?.txt", ["/a.txt"], "one character"),
]


@pytest.mark.parametrize(("pattern", "files"), [each[:2] for each in SHAPES], ids=[each[2] for each in SHAPES])
async def test_patterns_find_what_a_shell_finds(tmp_path: Path, pattern: str, files: list[str]) -> None:
    home = tmp_path / "acme"
    for name in ("a.txt", "d/b.txt", "d/e/c.txt", ".hidden.txt", "d/.hidden.txt", ".git/config"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(b"")
    (home / "link").symlink_to(home / "d")
    found = await of(tmp_path).find(pattern)
    assert [each for each in found if "/link/" not in each or "/link/" in pattern] == files


ENDLESS = [
    ("/**/*.none", "over many files that do not match"),
    ("/many/{a,b,c,d,e,f,g,h,i,j,k}*.none", "over the same files, once for each choice"),
]


@pytest.mark.parametrize("pattern", [each[0] for each in ENDLESS], ids=[each[1] for each in ENDLESS])
async def test_a_search_ends_whether_or_not_it_finds_anything(tmp_path: Path, pattern: str) -> None:
    """The names that it looks at are counted."""
    home = tmp_path / "acme"
    (home / "many").mkdir(parents=True)
    for number in range(10_000):
        (home / "many" / str(number)).touch()
    for number in range(10):  # the same files on ten ways
        (home / f"way{number}").symlink_to(home / "many")
    with pytest.raises(ProblemError, match="more than 100,000 files and folders"):
        await asyncio.wait_for(of(tmp_path).find(pattern), 60)


async def test_links_out_of_the_root_and_in_circles_are_not_walked(tmp_path: Path) -> None:
    """Else `**` would go through the machine, or for ever in a circle."""
    (tmp_path / "outside").mkdir()
    for number in range(1_000):
        (tmp_path / "outside" / str(number)).touch()
    await of(tmp_path).write("/mine", b"m")
    home = tmp_path / "acme"
    (home / "out").symlink_to(tmp_path / "outside")
    for number in range(20):
        (home / f"self{number}").symlink_to(home)
    for here, there in (("a", "b"), ("b", "a")):
        (home / here).mkdir()
        (home / here / "link").symlink_to(home / there)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runtime.platform.storage.file_search.MAX_LOOKED", 100)
        assert await of(tmp_path).find("/**/mine") == ["/mine"]
        assert await of(tmp_path).find("/**") == ["/mine"]
        assert await of(tmp_path).find("/a/link/link/link/**") == []
