"""What the generated client is made of: paths, parameters, and the function that sends."""

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

__all__ = ["Send", "path_of", "present"]


class Send(Protocol):
    """Makes a request."""

    def __call__(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        """Return the JSON of the answer; None where it has no body. Raise what the caller wants to see."""


def path_of(template: str, *values: str) -> str:
    """Return a path with its parameters in it, in order."""
    parts = iter(values)
    return "/".join(quote(next(parts), safe=":") if part.startswith("{") else part for part in template.split("/"))


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that are given: those that are not None."""
    return {name: value for name, value in values.items() if value is not None}
