"""Did you mean: the nearest name."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that is most like the word, case apart; None when nothing is like it."""
    by_fold = {each.casefold().strip(): each for each in sorted(known)}
    found = get_close_matches(word.casefold().strip(), by_fold, n=1, cutoff=0.7)
    return by_fold[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint, or nothing."""
    found = nearest(word, known)
    return f"did you mean {found!r}?" if found is not None else ""
