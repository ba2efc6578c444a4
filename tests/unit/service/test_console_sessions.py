"""Sessions of the console: sealed, for twelve hours, and of no other service."""

import time

import pytest

from runtime.platform.keys import Keyring, new_master_key
from service.console_sessions import SESSION_SECONDS, Sessions

KEY = "t8_acme_" + "0" * 48


@pytest.fixture
def sessions() -> Sessions:
    return Sessions(Keyring([new_master_key()]))


def test_a_session_is_what_it_was_begun_with_and_its_text_does_not_show_the_key(sessions: Sessions) -> None:
    session, text = sessions.begin(KEY)
    assert sessions.open(text) == session
    assert session.secret == KEY
    assert KEY not in text
    assert sessions.begin(KEY)[0].csrf != session.csrf


def test_a_session_ends(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = sessions.begin(KEY)
    later = time.time() + SESSION_SECONDS + 1
    monkeypatch.setattr("time.time", lambda: later)
    assert sessions.open(text) is None


def test_a_session_of_another_service_or_one_that_was_changed_is_none(sessions: Sessions) -> None:
    _, text = Sessions(Keyring([new_master_key()])).begin(KEY)
    assert sessions.open(text) is None
    _, own = sessions.begin(KEY)
    assert sessions.open(own[:-4] + ("AAAA" if own[-4:] != "AAAA" else "BBBB")) is None
    for odd in ("", "x", "é", own[:20], "=" * 50):
        assert sessions.open(odd) is None
