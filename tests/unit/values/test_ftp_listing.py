"""Lines with which FTP servers list folders, as n8n shows them."""

from typing import Any

import pytest

from runtime.values.ftp_listing import entry_of

NOW = 1_796_088_600.0  # 2026-12-01T01:30:00Z
RIGHTS = {"user": "rw", "group": "r", "other": "r"}


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (
            "-rw-r--r--   1 root     root            5 Jan 01  2026 a b.txt",
            {"type": "-", "name": "a b.txt", "rights": RIGHTS, "owner": "root", "group": "root", "size": 5,
             "modifyTime": "2026-01-01T00:00:00.000Z", "sticky": False, "acl": False},
        ),
        ("drwxr-xr-x+  2 a b 4096 Dec 01 01:29 d", {"type": "d", "acl": True, "modifyTime": "2026-12-01T01:29:00.000Z"}),
        ("-rw-r--r-- 1 a b 1 Dec 24 01:29 old", {"modifyTime": "2025-12-24T01:29:00.000Z"}),
        ("lrwxrwxrwx 1 a b 1 Jan 01 2026 l -> /x/y", {"type": "l", "name": "l", "target": "/x/y"}),
        ("drwxrwxrwt 1 a b 1 Jan 01 2026 tmp", {"sticky": True, "rights": {"user": "rwx", "group": "rwx", "other": "rwx"}}),
        ("02-09-26  03:30PM       <DIR>          my folder", {"type": "d", "name": "my folder", "size": 0}),
        ("02-09-2026  03:30PM  1234 f.txt", {"type": "-", "size": 1234, "modifyTime": "2026-02-09T15:30:00.000Z"}),
        ("-rw-r--r-- 1 a b 1 Foo 99 2026 odd date", {"name": "odd date", "modifyTime": None}),
    ],
)  # fmt: skip
def test_a_line_is_an_entry(line: str, entry: dict[str, Any]) -> None:
    found = entry_of(line, NOW)
    assert found is not None
    assert {key: found[key] for key in entry} == entry


@pytest.mark.parametrize(
    "line",
    ["total 12", "", "drwxr-xr-x 1 a b 1 Jan 01 2026 .", "hello", "-rw", "12", "-rw-r--r-- 1 a b x Jan 01 2026 n"],
)
def test_other_lines_are_none(line: str) -> None:
    assert entry_of(line, NOW) is None


@pytest.mark.parametrize("size", ["²", "9" * 5000, "-1"])
def test_a_size_that_is_no_number_of_bytes_is_no_entry(size: str) -> None:
    assert entry_of(f"-rw-r--r-- 1 a b {size} Jan 1 2024 name", 0) is None
    assert entry_of(f"02-09-26  03:30PM  {size}  name", 0) is None
