"""Form: a further page of a form, or its last one. The run waits until the page is filled in; the API shows it."""

from typing import Any, Final, Literal

from runtime.contract import (
    AwaitSignal,
    Command,
    Done,
    Durable,
    DurableContext,
    Dynamic,
    Event,
    Items,
    NodeError,
    Respond,
    param,
)
from runtime.contract.wait_times import limit
from runtime.values.javascript import js_string
from runtime.values.json_text import NotJsonError, parse_json
from schemas.facts import WaitsFor
from schemas.item import BinaryRef, Json

_PAGE: Final = {"operation": ["page"]}
_LAST: Final = {"operation": ["completion"]}


class Form(Durable):
    """A page of a form: gives what was filled in; the last page gives its input on."""

    type = "n8n-nodes-base.form"
    versions = (1, 2.3, 2.4, 2.5)
    form_page = True

    trigger_notice: str = param("")
    operation: Literal["page", "completion"] = param("page")
    define_form: Dynamic[Literal["fields", "json"]] = param("fields", show=_PAGE)
    json_output: Dynamic[Any] = param("[]", show={**_PAGE, "defineForm": ["json"]})
    form_fields: Dynamic[dict[str, Any]] = param({}, show={**_PAGE, "defineForm": ["fields"]})
    limit_wait_time: Dynamic[bool] = param(default=False)
    limit_type: Dynamic[Literal["afterTimeInterval", "atSpecifiedTime"]] = param(
        "afterTimeInterval", show={"limitWaitTime": [True]}
    )
    resume_amount: Dynamic[float] = param(1, show={"limitWaitTime": [True], "limitType": ["afterTimeInterval"]})
    resume_unit: Dynamic[Literal["minutes", "hours", "days"]] = param(
        "hours", show={"limitWaitTime": [True], "limitType": ["afterTimeInterval"]}
    )
    max_date_and_time: Dynamic[str] = param("", show={"limitWaitTime": [True], "limitType": ["atSpecifiedTime"]})
    respond_with: Literal["text", "redirect", "showText", "returnBinary"] = param("text", show=_LAST)
    redirect_url: Dynamic[str] = param("", show={**_LAST, "respondWith": ["redirect"]})
    completion_title: Dynamic[str] = param("", show={**_LAST, "respondWith": ["text", "returnBinary"]})
    completion_message: Dynamic[str] = param("", show={**_LAST, "respondWith": ["text", "returnBinary"]})
    response_text: Dynamic[str] = param("", show={**_LAST, "respondWith": ["showText"]})
    input_data_field_name: Dynamic[str] = param("data", show={**_LAST, "respondWith": ["returnBinary"]})
    options: Dynamic[dict[str, Any]] = param({})

    def waits_for(self) -> WaitsFor | None:
        """Return what the page waits for; the last page waits for nothing."""
        return "call" if self.operation == "page" else None

    def overlapping_wait(self) -> None:
        """Return that pages come one after the other."""

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """Wait once for a page; the last one has nothing to wait for."""
        node = context.resolve(self, 0)
        if self.operation == "completion":
            return state, [Respond({"form": node.last_page(context.items)}), Done([context.items])]
        if event is None:
            return state, [AwaitSignal("form", until=node.until(context), config=node.page())]
        if event.error is not None:
            raise NodeError(event.error["message"])
        return None, [Done([event.value if isinstance(event.value, list) else context.items])]

    def last_page(self, items: Items) -> dict[str, Any]:
        """Return what the API shows when the run has come to this node; `files` are those that it gives. Raise NodeError."""
        if self.respond_with == "redirect":
            return {"redirect": self.redirect_url}
        if self.respond_with == "showText":
            return {"html": str(self.response_text)}
        page: dict[str, Any] = {"title": str(self.completion_title), "message": str(self.completion_message)}
        if self.respond_with == "returnBinary":
            page["files"] = [_file(items, name.strip()) for name in js_string(self.input_data_field_name).split(",")]
        return page

    def until(self, context: DurableContext) -> float | None:
        """Return when the run goes on without an answer, in milliseconds since the epoch."""
        if not self.limit_wait_time:
            return None
        return limit(context, self.limit_type, self.resume_amount, self.resume_unit, self.max_date_and_time)

    def page(self) -> dict[str, Any]:
        """Return what the API must know to show the page. Raise NodeError."""
        options = self.options or {}
        fields = self.form_fields
        if self.define_form == "json":
            fields = {"values": fields_of_json(self.json_output)}
        return {
            "resume": "form",
            "authentication": "none",
            "httpMethod": "POST",
            "responseMode": "onReceived",
            "formTitle": options.get("formTitle") or "",
            "formDescription": options.get("formDescription") or "",
            "formFields": fields,
            "options": {"buttonLabel": options.get("buttonLabel") or ""},
        }


def _file(items: Items, name: str) -> BinaryRef:
    """Return a file of the first item. Raise NodeError."""
    files = (items[0].get("binary") or {}) if items else {}
    if name not in files:
        raise NodeError(f"No binary data with field {name} found.")
    return files[name]


def fields_of_json(value: Any) -> list[Any]:
    """Return the fields of a form that its author wrote as JSON. Raise NodeError."""
    try:
        fields = parse_json(value) if isinstance(value, str) else value
    except NotJsonError as error:
        raise NodeError(f"The form fields are no JSON: {error.message}") from error
    return fields if isinstance(fields, list) else []
