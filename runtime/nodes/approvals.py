"""Send and wait: what every node shares that asks a person and waits for the answer.

A subclass sends; this module has the question, its links, the time limit and the answer. The links of
an approval carry their answer under their signature, so that none can be turned into the other.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from runtime.contract import (
    AwaitSignal,
    Call,
    Command,
    Done,
    Durable,
    DurableContext,
    Dynamic,
    Event,
    NodeError,
    param,
)
from runtime.contract.wait_times import limit
from runtime.nodes.form import fields_of_json
from runtime.values.javascript import js_string
from schemas.facts import WaitsFor
from schemas.item import Json

SEND_AND_WAIT: Final = "sendAndWait"
ASKS: Final = {"operation": [SEND_AND_WAIT]}
_OWN: Final = frozenset({"formMode", "submittedAt", "formQueryParameters"})
"""Members of a form's item in addition to its fields."""
_TEXT: Final = "Response"


class SendAndWait(Durable):
    """Sends a question for all items, and waits for its answer."""

    message: Dynamic[str] = param("", show=ASKS, required=True)
    response_type: Dynamic[Literal["approval", "freeText", "customForm"]] = param("approval", show=ASKS)
    approval_options: Dynamic[dict[str, Any]] = param({}, show={**ASKS, "responseType": ["approval"]})
    define_form: Literal["fields", "json"] = param("fields", show={**ASKS, "responseType": ["customForm"]})
    json_output: Dynamic[Any] = param("", show={**ASKS, "responseType": ["customForm"], "defineForm": ["json"]})
    form_fields: Dynamic[dict[str, Any]] = param(
        {}, show={**ASKS, "responseType": ["customForm"], "defineForm": ["fields"]}
    )
    options: Dynamic[dict[str, Any]] = param({})

    def waits_for(self) -> WaitsFor | None:
        """Return that it waits for an answer, when the node asks for one."""
        return "call" if getattr(self, "operation", None) == SEND_AND_WAIT else None

    def ask(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """Reduce the operation: send (a call of `send_request`), wait, return the answer."""
        node = context.resolve(self, 0)
        if event is None:
            return "sent", [
                Call("send_request", {"message": js_string(node.message), "buttons": node.buttons(context)})
            ]
        if event.error is not None:
            raise NodeError(event.error["message"], description=event.error.get("description"))
        if state == "sent":
            kind = "call" if node.response_type == "approval" else "form"
            return "asked", [AwaitSignal(kind, until=node.until(context), config=node.page(context))]
        if not isinstance(event.value, list):  # no answer in time
            return None, [Done([context.items])]
        return None, [Done([[{"json": {"data": node.answer(event.value)}}]])]

    def buttons(self, context: DurableContext) -> list[dict[str, str]]:
        """Return label and link of each button of the message."""
        if self.response_type != "approval":
            label = (self.options or {}).get("messageButtonLabel") or "Respond"
            # as in n8n, where the query has no meaning for a form
            return [{"label": str(label), "url": f"{context.resume_form_url}?approved=true"}]
        chosen = self.approval(context.version)
        buttons = [{"label": str(chosen.get("approveLabel") or "Approve"), "url": context.bound_link("approved=true")}]
        if chosen.get("approvalType") == "double":
            label = str(chosen.get("disapproveLabel") or "Decline")
            buttons.insert(0, {"label": label, "url": context.bound_link("approved=false")})
        return buttons

    def approval(self, version: float) -> Mapping[str, Any]:
        """Return the kind of approval and the labels of its buttons."""
        del version
        return (self.approval_options or {}).get("values") or {}

    def until(self, context: DurableContext) -> float | None:
        """Return when the run goes on without an answer, in milliseconds since the epoch. Raise NodeError."""
        limits = ((self.options or {}).get("limitWaitTime") or {}).get("values") or {}
        if not limits:
            return None
        amount, unit = limits.get("resumeAmount", 45), limits.get("resumeUnit", "minutes")
        return limit(context, limits.get("limitType"), amount, unit, limits.get("maxDateAndTime"))

    def page(self, context: DurableContext) -> dict[str, Any]:
        """Return what the API must know to take the answer. Raise NodeError."""
        del context
        if self.response_type == "approval":
            return {"resume": "approval", "authentication": "none", "httpMethod": "GET", "responseMode": "onReceived"}
        options = self.options or {}
        fields: Any = {"values": [{"fieldLabel": _TEXT, "fieldType": "textarea", "requiredField": True}]}
        if self.response_type == "customForm":
            fields = self.form_fields if self.define_form == "fields" else {"values": fields_of_json(self.json_output)}
        return {
            "resume": "form",
            "authentication": "none",
            "httpMethod": "POST",
            "responseMode": "onReceived",
            "formTitle": options.get("responseFormTitle") or js_string(self.message),
            "formDescription": options.get("responseFormDescription") or "",
            "formFields": fields,
            "options": {"buttonLabel": options.get("responseFormButtonLabel") or "Submit"},
        }

    def answer(self, items: list[Any]) -> dict[str, Any]:
        """Return the answer as n8n's `data`."""
        json: Mapping[str, Any] = items[0]["json"] if items else {}
        if self.response_type == "approval":
            return {"approved": json.get("approved") is True}
        fields = {name: value for name, value in json.items() if name not in _OWN}
        return {"text": fields.get(_TEXT)} if self.response_type == "freeText" else fields
