"""What one listener has heard of the answers of a run, and what it is to hear next."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from schemas.spoken_answer import SpokenAnswer
from service.speaking import Speaking

__all__ = ["HeardAnswers", "Piece", "Place"]

Place = tuple[str, int, int]
"""An AI node, its run and its item."""


@dataclass(frozen=True)
class Piece:
    """The next part of an answer."""

    place: Place
    text: str
    at: int
    """How many characters of the answer were heard before."""
    begins: bool = False
    """Nothing of the answer was heard before."""
    again: bool = False
    """It begins again: what was heard before is void."""


@dataclass
class _Heard:
    source: tuple[str, int]
    """The activity that asks, and how often its answer began before."""
    turn: str
    said: str = ""
    """The text of this request."""
    begun: bool = False
    """The listener knows that it began."""
    before: int = 0
    """Characters of earlier requests of the same answer, before calls of tools."""


@dataclass
class HeardAnswers:
    """The answers that a listener has heard, by place. Those of requests before and after calls of tools follow each other."""

    _heard: dict[Place, _Heard] = field(default_factory=dict)

    def begun(self, place: Place) -> bool:
        """Return whether anything of the answer was heard."""
        return place in self._heard

    def next_pieces(self, speaking: Speaking, recorded: Container[tuple[str, int]] = ()) -> Iterator[Piece]:
        """Yield what is new in what models are saying, after the caller has sent what is recorded.

        Args:
            speaking: what models are saying, read before what is recorded: an answer may be in both.
            recorded: nodes and runs whose answers are recorded. They are not begun again.
        """
        for activity, answer in sorted(speaking.items()):
            if (answer["node"], answer["run"]) in recorded:
                continue
            piece = self._next_piece(activity, answer)
            if piece is not None:
                yield piece

    def _next_piece(self, activity: str, answer: SpokenAnswer) -> Piece | None:
        place = (answer["node"], answer["run"], answer["item"])
        source, heard = (activity, answer["beginning"]), self._heard.get(place)
        begins_again = False
        if heard is None:
            heard = self._heard[place] = _Heard(source, answer["turn"])
        elif heard.turn != answer["turn"]:
            before = heard.before + len(heard.said)
            heard = self._heard[place] = _Heard(source, answer["turn"], begun=heard.begun, before=before)
        elif heard.source != source or not answer["text"].startswith(heard.said):
            begins_again = bool(heard.said or heard.before)
            heard = self._heard[place] = _Heard(source, answer["turn"])
        text = answer["text"][len(heard.said) :]
        if not text and not begins_again:
            return None
        begins, heard.begun = not heard.begun, True
        at, heard.said = heard.before + len(heard.said), answer["text"]
        return Piece(place, text, at, begins, begins_again)

    def last_piece(self, place: Place, text: str) -> Piece | None:
        """Return what is left of an answer that is recorded now; None: it was heard to its end."""
        heard = self._heard.pop(place, None)
        if heard is None or not heard.begun:
            return Piece(place, text, 0, begins=True)
        if not text.startswith(heard.said):
            return Piece(place, text, 0, begins=True, again=True)
        rest = text[len(heard.said) :]
        return Piece(place, rest, heard.before + len(heard.said)) if rest else None
