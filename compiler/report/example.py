"""Examples of the diagnostic pages: for each code, an export that yields it and the same export corrected.

They are files, `examples/<code>/wrong.json` and `right.json`, so that `tempor8 check` can read them, as the tests do
with each of them. `finding.txt` is what the tool prints about the wrong one. What would be too large for a file is
written as `{"$repeat": value, "times": n}`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

EXAMPLES: Final = Path(__file__).parent / "examples"
WRONG: Final = "wrong.json"
RIGHT: Final = "right.json"
FINDING: Final = "finding.txt"
REPEAT: Final = "$repeat"
LINE_WIDTH: Final = 100
"""Characters per line of JSON on a page."""
MAX_LINE_CHARACTERS: Final = 160
"""Characters of a line that is shown whole."""
MAX_WHOLE_LINES: Final = 22
"""Lines of an export that is shown whole."""
BYTE_ORDER_MARK: Final = "\ufeff"


def has_example(code: str) -> bool:
    """Return whether there is an example for the code."""
    return (EXAMPLES / code).is_dir()


def source(code: str, name: str) -> bytes:
    """Return an example as the compiler reads it, with every `$repeat` written out."""
    data = (EXAMPLES / code / name).read_bytes()
    return json.dumps(_expand(json.loads(data))).encode() if REPEAT.encode() in data else data


def finding(code: str) -> str:
    """Return what the tool prints about the wrong example."""
    return (EXAMPLES / code / FINDING).read_text(encoding="utf-8")


def excerpts(code: str) -> tuple[str, str]:
    """Return what a page shows of the wrong and of the right example.

    Of two exports these are the members, and among the nodes the entries, in which they differ. Exports that are short, or
    examples about reading a file (1xx), whose text is the point, are shown whole.
    """
    wrong, right = (_text(code, name) for name in (WRONG, RIGHT))
    if is_shown_whole(code):
        return _shorten(wrong), _shorten(right)
    documents = json.loads(wrong), json.loads(right)
    first, second = _difference(*documents), _difference(*reversed(documents))
    return _shorten(write(first)), _shorten(write(second))


def is_shown_whole(code: str) -> bool:
    """Return whether the page of a code shows its exports whole."""
    texts = [_text(code, name) for name in (WRONG, RIGHT)]
    if any(REPEAT in each for each in texts):
        return False
    return code.startswith("N8T1") or max(each.count("\n") for each in texts) < MAX_WHOLE_LINES


def write(value: Any, indent: int = 0, head: int = 0) -> str:
    """Return JSON in which a value stays on one line if it fits there.

    `indent` counts the spaces before the line and `head` the characters of the member's name, both towards `WIDTH`.
    """
    flat = _flat(value)
    if indent + head + len(flat) < LINE_WIDTH or not isinstance(value, dict | list) or not value or REPEAT in value:
        return flat
    inner = indent + 2
    if isinstance(value, dict):
        heads = [json.dumps(key, ensure_ascii=False) + ": " for key in value]
        parts = [head + write(each, inner, len(head)) for head, each in zip(heads, value.values(), strict=True)]
    else:
        parts = [write(each, inner) for each in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    lines = ",\n".join(" " * inner + part for part in parts)
    return f"{opening}\n{lines}\n{' ' * indent}{closing}"


def _flat(value: Any) -> str:
    if isinstance(value, Mapping) and REPEAT in value:
        return f"{_flat(value[REPEAT])} ... ({value['times']:,} times)"
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {_flat(each)}" for key, each in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_flat, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _text(code: str, name: str) -> str:
    text = (EXAMPLES / code / name).read_bytes().decode(errors="backslashreplace")
    return text.replace(BYTE_ORDER_MARK, "<U+FEFF>").rstrip("\n")


def _shorten(text: str) -> str:
    lines = (
        each if len(each) <= MAX_LINE_CHARACTERS else f"{each[:80]} ... {each[-20:]}" for each in text.splitlines()
    )
    return "\n".join(lines)


def _difference(document: Any, other: Any) -> Any:
    if not isinstance(document, dict) or not isinstance(other, dict):
        return document
    members = {key: value for key, value in document.items() if key not in other or other[key] != value}
    if isinstance(members.get("nodes"), list) and isinstance(other.get("nodes"), list):
        members["nodes"] = [each for each in members["nodes"] if each not in other["nodes"]]
        if not members["nodes"]:
            del members["nodes"]
    return members or document


def _expand(value: Any) -> Any:
    if isinstance(value, dict):
        if REPEAT in value:
            return str(value[REPEAT]) * value["times"]
        return {key: _expand(each) for key, each in value.items()}
    return [entry for each in value for entry in _entries(each)] if isinstance(value, list) else value


def _entries(value: Any) -> Sequence[Any]:
    """Return a repeated entry of a list as several, with `#` in its texts replaced by their number."""
    if not isinstance(value, Mapping) or REPEAT not in value:
        return [_expand(value)]
    template = json.dumps(value[REPEAT])
    return [json.loads(template.replace("#", str(number))) for number in range(value["times"])]
