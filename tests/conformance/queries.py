"""GraphQL without white space that means nothing: the text of a query is ours, what it asks for is n8n's."""

import re
from typing import Any, Final

_SPACE: Final = re.compile(r"[\s,]+")  # GraphQL reads a comma as a space
_AROUND: Final = re.compile(r" ?([{}()\[\]:]) ?")
_QUERY: Final = re.compile(r"\s*(query|mutation)\b")


def with_plain_queries(value: Any) -> Any:
    """Return a case, or a list of them, with every GraphQL text (a member `query`) in its shortest form."""
    if isinstance(value, list):
        return [with_plain_queries(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _plain(each) if key == "query" else with_plain_queries(each) for key, each in value.items()}


def _plain(value: Any) -> Any:
    if not isinstance(value, str) or not _QUERY.match(value):
        return with_plain_queries(value)
    return _AROUND.sub(r"\1", _SPACE.sub(" ", value)).strip()
