"""Wait: stops the run for a time, until a moment, or until a request comes in. Always durable here."""

from typing import Any, Literal

from runtime.contract import (
    AwaitSignal,
    Command,
    Done,
    Durable,
    DurableContext,
    Dynamic,
    Event,
    NodeError,
    Sleep,
    param,
)
from runtime.contract.wait_times import SECONDS, interval, limit, moment
from runtime.values.validation import validate_field
from schemas.facts import CredentialUse, WaitsFor
from schemas.item import Json
from schemas.node import Conditions

Unit = Literal["seconds", "minutes", "hours", "days"]
OLD: Conditions = {"resume": ["timeInterval"], "@version": [1]}
LIMITED: Conditions = {"limitWaitTime": [True], "resume": ["webhook", "form"]}
HOOK: Conditions = {"resume": ["webhook"]}
FORM: Conditions = {"resume": ["form"]}
CALLED: Conditions = {"resume": ["webhook", "form"]}
CALLER_CREDENTIALS = {"basicAuth": "httpBasicAuth", "headerAuth": "httpHeaderAuth", "jwtAuth": "jwtAuth"}
"""How a caller signs in -> the credential type that it is checked against."""
MAX_TRANSIENT_SECONDS = 60
"""Seconds of a wait that a process may be trusted with."""


class Wait(Durable):
    """Gives its input on; after a call from outside, what the caller sent."""

    type = "n8n-nodes-base.wait"
    versions = (1, 1.1)
    has_caller = True
    one_item_each = True
    credential_uses = tuple(
        CredentialUse(type_, {**CALLED, "incomingAuthentication": [name]}) for name, type_ in CALLER_CREDENTIALS.items()
    )

    resume: Dynamic[Literal["timeInterval", "specificTime", "webhook", "form"]] = param("timeInterval")
    incoming_authentication: Dynamic[Literal["basicAuth", "headerAuth", "jwtAuth", "none"]] = param(
        "none", show={"resume": ["webhook", "form"]}
    )
    date_time: Dynamic[str] = param("", show={"resume": ["specificTime"]}, required=True, label="Date and Time")
    amount_v1: Dynamic[float] = param(1, alias="amount", show=OLD)
    amount: Dynamic[float] = param(5, show={"resume": ["timeInterval"]}, hide={"@version": [1]})
    unit_v1: Dynamic[Unit] = param("hours", alias="unit", show=OLD)
    unit: Dynamic[Unit] = param("seconds", show={"resume": ["timeInterval"]}, hide={"@version": [1]})
    webhook_notice: str = param("", show=HOOK)
    form_notice: str = param("", show=FORM)
    form_title: Dynamic[str] = param("", show=FORM, required=True)
    form_description: Dynamic[str] = param("", show=FORM)
    form_fields: Dynamic[dict[str, Any]] = param({}, show=FORM)
    http_method: Dynamic[Literal["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]] = param("GET", show=HOOK)
    response_code: Dynamic[int] = param(200, show=HOOK, hide={"responseMode": ["responseNode"]})
    response_mode: Dynamic[Literal["onReceived", "lastNode", "responseNode"]] = param(
        "onReceived", show={"resume": ["webhook", "form"]}
    )
    response_data: Dynamic[Literal["allEntries", "firstEntryJson", "firstEntryBinary", "noData"]] = param(
        "firstEntryJson", show={**HOOK, "responseMode": ["lastNode"]}
    )
    response_binary_property_name: Dynamic[str] = param(
        "data",
        show={**HOOK, "responseData": ["firstEntryBinary"]},
        required=True,
        label="Property Name",
    )
    limit_wait_time: Dynamic[bool] = param(default=False, show={"resume": ["webhook", "form"]})
    limit_type: Dynamic[Literal["afterTimeInterval", "atSpecifiedTime"]] = param("afterTimeInterval", show=LIMITED)
    resume_amount: Dynamic[float] = param(1, show={**LIMITED, "limitType": ["afterTimeInterval"]})
    resume_unit: Dynamic[Unit] = param("hours", show={**LIMITED, "limitType": ["afterTimeInterval"]})
    max_date_and_time: Dynamic[str] = param("", show={**LIMITED, "limitType": ["atSpecifiedTime"]})
    options: Dynamic[dict[str, Any]] = param({}, show={"resume": ["webhook", "form"]})

    def waits_for(self) -> WaitsFor:
        """Return what it waits for; a time or a moment needs no caller."""
        return "time" if self.resume in ("timeInterval", "specificTime") else "call"

    def wait_seconds(self, version: float) -> float | None:
        """Return the interval if it is a constant."""
        amount: Any = self.amount_v1 if version == 1 else self.amount
        unit: Any = self.unit_v1 if version == 1 else self.unit
        if self.resume != "timeInterval" or not isinstance(amount, int | float) or unit not in SECONDS:
            return None
        return float(amount * SECONDS[unit])

    def not_transient(self, version: float) -> str | None:
        """Return why it cannot run transiently: a process cannot be resumed from outside, and does not last."""
        if self.resume in ("webhook", "form"):
            return "a run that lives in one process cannot be resumed by a request"
        if self.resume == "specificTime":
            return "the process may have ended by then"
        seconds = self.wait_seconds(version)
        return (
            f"it waits for more than {MAX_TRANSIENT_SECONDS} s" if seconds and seconds > MAX_TRANSIENT_SECONDS else None
        )

    def caller_mode(self) -> str:
        """Return the response mode of the wait's caller; a wait for a time answers no request."""
        return self.response_mode if self.waits_for() == "call" else "onReceived"

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """Wait for one timer or one signal."""
        if event is None:
            return state, [context.resolve(self, 0).command(context)]
        if event.error is not None:
            raise NodeError(event.error["message"])
        payload = event.value
        if isinstance(payload, list):
            return None, [Done([payload])]
        return None, [Done([context.items])]

    def command(self, context: DurableContext) -> Command:
        """Return the command to wait. Raise NodeError for a time that cannot be read."""
        if self.resume == "timeInterval":
            amount, unit = (self.amount_v1, self.unit_v1) if context.version == 1 else (self.amount, self.unit)
            given: Any = amount  # an expression may give anything
            known = str(unit) in SECONDS
            if known and given is not None and (error := validate_field("amount", given, "number").error):
                raise NodeError("Invalid input for 'Wait Amount' [item 0]", description=error, item=0)
            return Sleep(seconds=interval(amount, unit))
        if self.resume == "specificTime":
            return Sleep(until=moment(self.date_time, context.timezone, context.now))
        until = None
        if self.limit_wait_time:
            until = limit(context, self.limit_type, self.resume_amount, self.resume_unit, self.max_date_and_time)
        return AwaitSignal(str(self.resume), until=until, config=self.config())

    def config(self) -> dict[str, Any]:
        """Return what the API must know to let a caller in and to answer it, in a Webhook node's names."""
        return {
            "resume": self.resume,
            "authentication": self.incoming_authentication,
            "httpMethod": self.http_method if self.resume == "webhook" else "POST",
            "responseMode": self.response_mode,
            "responseCode": self.response_code,
            "responseData": self.response_data,
            "responseBinaryPropertyName": self.response_binary_property_name,
            "options": self.options,
            "formTitle": self.form_title,
            "formDescription": self.form_description,
            "formFields": self.form_fields,
        }
