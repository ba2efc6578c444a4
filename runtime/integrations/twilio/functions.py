"""Twilio: what a call says."""

from xml.sax.saxutils import escape

from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string


def spoken(scope: Scope) -> str:
    """Return the TwiML of a call: the message itself, or one that says it."""
    message = js_string(scope.parameters.get("message", ""))
    if scope.parameters.get("twiml"):
        return message
    return f"<Response><Say>{escape(message)}</Say></Response>"
