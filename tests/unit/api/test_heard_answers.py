"""What a listener hears next of an answer: its next words, its beginning again, or the rest once it is recorded."""

from typing import Any

from api.runs.heard import HeardAnswers, Piece
from schemas.spoken_answer import SpokenAnswer

PLACE = ("Agent", 0, 0)


def says(text: str, *, activity: str = "a1", turn: str = "t1", beginning: int = 0) -> dict[str, SpokenAnswer]:
    return {
        activity: {"node": "Agent", "run": 0, "item": 0, "turn": turn, "beginning": beginning, "text": text}
    }  # fmt: skip


def hears(heard: HeardAnswers, speaking: dict[str, SpokenAnswer]) -> list[tuple[Any, ...]]:
    return [told(each) for each in heard.next_pieces(speaking)]


def told(piece: Piece) -> tuple[Any, ...]:
    """Place in the answer, text, and what the listener is told of its beginning."""
    return piece.at, piece.text, "again" if piece.again else "begins" if piece.begins else ""


def test_words_follow_each_other() -> None:
    heard = HeardAnswers()
    assert hears(heard, says("")) == []
    assert hears(heard, says("Hell")) == [(0, "Hell", "begins")]
    assert hears(heard, says("Hell")) == []
    assert hears(heard, says("Hello you")) == [(4, "o you", "")]
    last = heard.last_piece(PLACE, "Hello you!")
    assert last is not None
    assert told(last) == (9, "!", "")


def test_an_answer_begins_again_after_a_crash() -> None:
    heard = HeardAnswers()
    hears(heard, says("Hell"))
    assert hears(heard, says("", beginning=1)) == [(0, "", "again")]
    assert hears(heard, says("Good day", beginning=1)) == [(0, "Good day", "")]


def test_an_answer_begins_again_when_the_request_is_sent_again() -> None:
    heard = HeardAnswers()
    hears(heard, says("Hell"))
    assert hears(heard, says("Good", activity="a2")) == [(0, "Good", "again")]


def test_the_words_after_a_tool_follow_those_before_it() -> None:
    heard = HeardAnswers()
    hears(heard, says("Let me see. "))
    assert hears(heard, says("It is 5.", activity="a3", turn="t2")) == [(12, "It is 5.", "")]
    assert heard.last_piece(PLACE, "It is 5.") is None


def test_what_is_recorded_counts_when_something_else_was_heard() -> None:
    heard = HeardAnswers()
    hears(heard, says("Good morn"))
    last = heard.last_piece(PLACE, "Hello")
    assert last is not None
    assert told(last) == (0, "Hello", "again")


def test_an_answer_of_which_nothing_was_heard_comes_whole() -> None:
    last = HeardAnswers().last_piece(PLACE, "Hello")
    assert last is not None
    assert told(last) == (0, "Hello", "begins")


def test_an_answer_that_is_recorded_is_not_begun_again_by_what_was_read_before() -> None:
    heard = HeardAnswers()
    hears(heard, says("Hell"))
    heard.last_piece(PLACE, "Hello")
    assert list(heard.next_pieces(says("Hello"), {("Agent", 0)})) == []
