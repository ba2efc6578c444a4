"""Suggest the nearest known name for a misspelt one."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache


def nearest(word: str, known: Iterable[str], cutoff: float = 0.75) -> str | None:
    """Return the known name most similar to the word, regardless of case; None if none is similar enough. `cutoff` is a
    ratio from 0 to 1.
    """
    return _nearest(word, tuple(sorted(known)), cutoff)


@lru_cache(maxsize=4096)  # a folder of exports repeats the same words, and comparing is slow
def _nearest(word: str, known: tuple[str, ...], cutoff: float) -> str | None:
    by_fold = {each.casefold().strip(): each for each in known}
    matches = get_close_matches(word.casefold().strip(), by_fold, n=1, cutoff=cutoff)
    return by_fold[matches[0]] if matches else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return "did you mean ...?" with the nearest known name, or an empty text if no name is similar."""
    match = nearest(word, known)
    return f"did you mean {match!r}?" if match is not None else ""
