"""Search keys of Email Trigger (IMAP): the text that n8n 2.41.1 sends, and the words with which it refuses what is no search."""

from typing import Any

import pytest

from runtime.values.imap_search import SearchKeyError, imap_date, search_keys


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["UNSEEN"], "UNSEEN"),
        (["unseen"], "UNSEEN"),
        (["UNSEEN", ["FROM", "ada"], "!FLAGGED"], "UNSEEN FROM ada NOT FLAGGED"),
        ([["!FROM", "x"]], "NOT FROM x"),
        ([["SINCE", "2024-05-20"]], "SINCE 20-May-2024"),
        ([["ON", "20-May-2024"], ["SENTSINCE", "2024-05-20T23:30:00Z"]], "ON 20-May-2024 SENTSINCE 20-May-2024"),
        ([["UID", "42:*"]], "UID 42:*"),
        ([["UID", "1", "2"]], "UID 1,2"),
        ([["UID", ["3", "4"]]], "UID 3,4"),
        ([["LARGER", 100], ["SMALLER", "200"]], "LARGER 100 SMALLER 200"),
        ([["OR", "UNSEEN", ["SINCE", "May 20, 2024"]]], "OR UNSEEN SINCE 20-May-2024"),
        ([["OR", ["FROM", "a"], ["TO", "b c"]]], 'OR FROM a TO "b c"'),
        ([["HEADER", "X-Foo", "a b"]], 'HEADER X-FOO "a b"'),
        ([["FROM", 'a"b']], 'FROM "a\\"b"'),
        ([["TEXT", "grüß"]], 'CHARSET UTF-8 TEXT "grüß"'),
        (["ALL", ["SUBJECT", 5]], "ALL SUBJECT 5"),
        ([["UNSEEN"]], "UNSEEN"),
        ([], ""),
    ],
)
def test_keys_are_written_as_n8n_writes_them(keys: list[Any], text: str) -> None:
    assert search_keys(keys) == text


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            ["NOPE"],
            (
                'Unknown IMAP search criterion "NOPE". Expected a standard IMAP search key such as "UNSEEN", '
                '["SINCE", "19-Aug-2026"] or ["UID", "42:*"].'
            ),
        ),
        (
            [["BEFORE", "nodate"]],
            'IMAP search criterion "BEFORE" needs a Date or a parseable date string, got "nodate".',
        ),
        ([["FROM"]], 'IMAP search criterion "FROM" takes 1 argument(s), got 0.'),
        ([["OR", "UNSEEN"]], 'IMAP search criterion "OR" takes 2 argument(s), got 1.'),
        ([1], "Unexpected IMAP search criterion, expected a string or an array: 1"),
        ({"a": 1}, "criteria is not iterable"),
    ],
)
def test_what_is_no_search_is_refused_in_the_words_of_n8n(keys: Any, message: str) -> None:
    with pytest.raises(SearchKeyError) as error:
        search_keys(keys)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "keys", [[["FROM", "a\r\nA1 LOGOUT"]], [["UID", "1\r\nA1 LOGOUT"]], [["LARGER", "1 2"]], [["!X Y", 1]]]
)
def test_no_key_becomes_a_command_of_its_own(keys: Any) -> None:
    with pytest.raises(SearchKeyError):
        search_keys(keys)


def test_ors_within_ors_have_an_end() -> None:
    key: Any = "UNSEEN"
    for _ in range(100):
        key = ["OR", "SEEN", key]
    with pytest.raises(SearchKeyError):
        search_keys([key])


def test_a_day_is_the_one_in_utc() -> None:
    assert imap_date(1_716_247_799_000) == "20-May-2024"
