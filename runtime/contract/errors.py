"""Errors of a step, in the form in which n8n records them."""

from collections.abc import Mapping
from typing import Any, Final

from schemas.errors import LIMIT_REACHED, InfrastructureError

__all__ = [
    "NO_CREDENTIALS",
    "LimitReached",
    "MissingCredential",
    "NodeApiError",
    "NodeError",
    "ServiceBusy",
    "require_credential",
]


class NodeError(Exception):
    """A node failed: n8n's NodeOperationError.

    `message` is n8n's text. `item` is the index of the input item at fault. `data` are further fields of the error object.
    """

    name = "NodeOperationError"

    def __init__(
        self,
        message: str,
        *,
        description: str | None = None,
        item: int | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.description = description
        self.item = item
        self.data = dict(data or {})

    def to_json(self) -> dict[str, Any]:
        """Return n8n's error object as it is recorded with a run: {name, message, description?, context?, ...data}."""
        shape: dict[str, Any] = {"name": self.name, "message": self.message}
        if self.description is not None:
            shape["description"] = self.description
        if self.item is not None:
            shape["context"] = {"itemIndex": self.item}
        return shape | self.data

    @staticmethod
    def from_json(error: Mapping[str, Any]) -> "NodeError":
        """Return the NodeError that an error object of `to_json` describes. It keeps n8n's name, not the Python class."""
        known = ("message", "description", "name", "context")
        restored = NodeError(
            str(error.get("message") or ""),
            description=error.get("description"),
            item=(error.get("context") or {}).get("itemIndex"),
            data={key: value for key, value in error.items() if key not in known},
        )
        restored.name = error.get("name") or restored.name
        return restored


class NodeApiError(NodeError):
    """A vendor's API or an HTTP endpoint failed: n8n's NodeApiError. `http_code` is the status as text."""

    name = "NodeApiError"

    def __init__(self, message: str, *, http_code: str | None = None, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.http_code = http_code
        if http_code is not None:
            self.data.setdefault("httpCode", http_code)


class LimitReached(NodeError):
    """A limit of the operator's is reached. The run fails: no error output, retry or tool answer stands in for it."""

    name = LIMIT_REACHED


NO_CREDENTIALS: Final = "Node does not have any credentials set"
"""Message of a step that names no credential at all."""


class MissingCredential(NodeError):
    """The tenant has no credential of the type that a step needs (an AI model may then fall back to the embedded one)."""


def require_credential(step: Mapping[str, Any], type_: str) -> None:
    """Raise MissingCredential, in n8n's words, unless a step names a credential of a type."""
    if not step["credentials"]:
        raise MissingCredential(NO_CREDENTIALS)
    if step["credentials"].get(type_) is None:
        raise MissingCredential(f'{NO_CREDENTIALS} for "{type_}"')


class ServiceBusy(InfrastructureError):
    """A service asks for a pause that the step does not wait for inside a worker: the next attempt, after so many seconds, goes on
    at the item where this one stopped.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"A service that the step calls asks for a pause of {seconds:,.0f} seconds")
        self.seconds = seconds
