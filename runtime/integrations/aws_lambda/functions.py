"""AWS Lambda: the server of a region, and what a function is called with."""

from typing import Any

from runtime.integrations.answers import ThrownError
from runtime.integrations.filters import segment
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED


def base(scope: Scope) -> str:
    """Return the address of the credential's region."""
    return f"https://lambda.{segment(scope.credential.get('region') or 'us-east-1')}.amazonaws.com"


def qualifier(scope: Scope) -> str:
    """Return the version of the function, as a template of JavaScript writes it."""
    given = scope.parameters.get("qualifier", UNDEFINED)
    return "undefined" if given is UNDEFINED else js_string(given)


def payload(scope: Scope) -> Any:
    """Return what the function gets; UNDEFINED for nothing. Raise NodeError for a number, which n8n does not send."""
    given = scope.parameters.get("payload", UNDEFINED)
    if given is UNDEFINED or not truthy(given):
        return UNDEFINED
    if isinstance(given, int | float):
        raise ThrownError(
            "Data after transformation must be a string, an ArrayBuffer, a Buffer, or a Stream", item=scope.index
        )
    return given
