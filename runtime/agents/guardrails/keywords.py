"""Words that may not occur: whole words, whatever their case, in the order of the text."""

__all__ = ["keywords_in"]

_TRAILING = ".,!?;:"


def keywords_in(text: str, keywords: str) -> list[str]:
    """Return the words of a list with commas that occur, as the text writes them, each once."""
    wanted = [each.strip().rstrip(_TRAILING) for each in keywords.split(",")]
    found = sorted((at, -end) for word in wanted if word for at, end in _places(_lower(text), _lower(word)))
    taken, past = list[str](), 0
    for at, end in found:
        if at >= past:
            past = -end
            taken.append(text[at:past])
    return list({each.lower(): each for each in reversed(taken)}.values())[::-1]


def _places(text: str, word: str) -> list[tuple[int, int]]:
    places, at = list[tuple[int, int]](), text.find(word)
    while at >= 0:
        end = at + len(word)
        if not _joins(text[at - 1 : at]) and not _joins(text[end : end + 1]):
            places.append((at, end))
        at = text.find(word, end)
    return places


def _joins(character: str) -> bool:
    """Whether a character beside a word makes it a part of a longer one."""
    return character.isalnum() or character == "_"


def _lower(text: str) -> str:
    """Return the text in small letters, as long as it was."""
    return (
        text.lower()
        if len(text.lower()) == len(text)
        else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    )
