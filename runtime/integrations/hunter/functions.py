"""Hunter: the addresses of a domain, and its pages."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.integrations.scope import Scope
from schemas.item import UNDEFINED

_PAGE: Final = 100


def next_offset(scope: Scope) -> Any:
    """Return where the next page begins; UNDEFINED after one that is not full."""
    emails = _emails(scope.names["found"])
    return (scope.names["page"] + 1) * _PAGE if len(emails) >= _PAGE else UNDEFINED


def found(scope: Scope) -> list[Any]:
    """Return what was found: the addresses, or the answers whole."""
    pages: list[Any] = scope.names["items"]
    return _emails(pages) if scope.parameters.get("onlyEmails", True) else pages


def _emails(pages: list[Any]) -> list[Any]:
    return [each for page in pages if isinstance(page, Mapping) for each in page.get("emails") or []]
