"""Respond to Webhook: answers the request that started the run; the workflow goes on after it."""

import base64
import math
from typing import Any, Literal

from runtime.contract import (
    ActivityContext,
    Call,
    Command,
    Done,
    Durable,
    DurableContext,
    Dynamic,
    Event,
    Items,
    NodeError,
    Outputs,
    Respond,
    param,
)
from runtime.values.javascript import ObjectText, js_string
from runtime.values.json_text import NotJsonError, parse_json
from runtime.values.paths import set_path
from runtime.values.written import as_written
from schemas.facts import CredentialUse
from schemas.item import UNDEFINED, BinaryRef, Json

What = Literal["allIncomingItems", "binary", "firstIncomingItem", "json", "jwt", "noData", "redirect", "text"]
NODES_WITH_CALLER = ("webhook", "formTrigger", "chatTrigger", "wait")
SAMPLE = '{\n  "myField": "value"\n}'


class RespondToWebhook(Durable):
    """Runs once for all items with the parameters of the first; its input is its output."""

    type = "n8n-nodes-base.respondToWebhook"
    versions = (1, 1.1, 1.2, 1.3, 1.4, 1.5)
    responds = True
    one_item_each = True
    credential_uses = (CredentialUse("jwtAuth", {"respondWith": ["jwt"]}),)

    enable_response_output: Dynamic[bool] = param(default=False, show={"@version": [{"_cnd": {"gte": 1.4}}]})
    general_notice: str = param("")
    evaluated: Dynamic[What] = param(
        "firstIncomingItem", alias="respondWith", since={1.2: ""}, show={"@version": [{"_cnd": {"lt": 1.2}}]}
    )
    as_text: What = param(
        "", alias="respondWith", since={1.2: "firstIncomingItem"}, show={"@version": [{"_cnd": {"gte": 1.2}}]}
    )
    credentials: str = param("", show={"respondWith": ["jwt"]})
    webhook_notice: str = param("", show={"respondWith": ["json", "jwt", "text"]})
    redirect_url: Dynamic[str] = param("", alias="redirectURL", show={"respondWith": ["redirect"]}, required=True)
    response_json: Dynamic[Any] = param(SAMPLE, alias="responseBody", show={"respondWith": ["json"]})
    payload: Dynamic[Any] = param(SAMPLE, show={"respondWith": ["jwt"]})
    response_text: Dynamic[str] = param("", alias="responseBody", show={"respondWith": ["text"]})
    content_type_notice: str = param("", show={"respondWith": ["text"]})
    response_data_source: Dynamic[Literal["automatically", "set"]] = param(
        "automatically", show={"respondWith": ["binary"]}
    )
    input_field_name: Dynamic[str] = param(
        "data", show={"respondWith": ["binary"], "responseDataSource": ["set"]}, required=True
    )
    options: Dynamic[dict[str, Any]] = param({})

    def outputs(self, version: float) -> int:
        """Return the outputs: the input, and from 1.3 on (later by option) the response itself."""
        return 2 if self._tells(version) else 1

    def _tells(self, version: float) -> bool:
        return version == 1.3 or (version >= 1.4 and bool(self.enable_response_output))

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """Answer at once; a signed answer calls an activity for its token first."""
        del state
        node = context.resolve(self, 0)
        try:
            if event is not None:
                if event.error is not None:
                    raise NodeError(event.error["message"])  # noqa: TRY301 - beside the others
                response = node.response(self.sent_headers(node), {"token": event.value})
            elif node.respond_with == "jwt" and not self._is_text():
                node.require_request(context)
                return None, [Call("sign", _parse_json(node.payload))]
            else:
                node.require_request(context)
                headers = self.sent_headers(node)
                self.require_choice()
                response = node.response(headers, *node.body(context.items))
        except NodeError as error:
            if context.continue_on_fail:
                every: Any = [{"item": i} for i in range(len(context.items))]
                return None, [Done([[{"json": {"error": error.message}, "pairedItem": every}]])]
            raise
        return None, [Respond(response), Done(self._passed(context.items, response, context.version))]

    def _passed(self, items: Items, response: dict[str, Any], version: float) -> Outputs:
        return [items, [{"json": {"response": _item_response(response)}}]] if self._tells(version) else [items]

    def _is_text(self) -> bool:
        return str(self.as_text).startswith("=")

    def require_choice(self) -> None:
        """Raise NodeError for an expression in place of what to respond with, which is not evaluated from version 1.2 on."""
        if self._is_text():
            raise NodeError(f'The Response Data option "{as_written(self.as_text)}" is not supported!')

    @property
    def respond_with(self) -> Any:
        """What to respond with."""
        text: Any = self.as_text  # empty where the version hides it
        return self.given("evaluated") if text == "" else text

    def require_request(self, context: DurableContext) -> None:
        """Raise NodeError if, from 1.1 on, no node before this one has a request that waits for an answer."""
        if context.version > 1 and not any(
            type_.rsplit(".", 1)[-1] in NODES_WITH_CALLER for _, type_ in context.parents
        ):
            raise NodeError(
                "No Webhook node found in the workflow",
                description="Insert a Webhook node to your workflow and set the “Respond” parameter to "
                "“Using Respond to Webhook Node” ",
            )

    def body(self, items: Items) -> tuple[Any, ...]:
        """Return the answer's body as a tuple of one; an empty tuple for nothing. Raise NodeError."""
        match self.respond_with:
            case "json":
                value = self.response_json
                return () if value is None or value == "" or value != value else (_parse_json(value),)  # noqa: PLR0124 - NaN
            case "text":
                return (self.response_text,)
            case "allIncomingItems":
                return (self._keyed([item["json"] for item in items]),)
            case "firstIncomingItem":
                if not items:  # the node was reached through an input that it has not
                    raise NodeError("Cannot read properties of undefined (reading 'json')")
                return (self._keyed(items[0]["json"]),)
            case "binary":
                return (self._binary(items),)
            case "noData" | "redirect":
                return ()
        raise NodeError(f'The Response Data option "{as_written(self.respond_with)}" is not supported!')

    def _keyed(self, value: Any) -> Any:
        key = self.options.get("responseKey")
        if not key:
            return value
        wrapped: dict[str, Any] = {}
        set_path(wrapped, js_string(key), value)
        return wrapped

    def _binary(self, items: Items) -> Any:
        files = items[0].get("binary") if items else None
        if not files:
            raise NodeError("No binary data exists on the first item!")
        name = self.input_field_name if self.response_data_source == "set" else next(iter(files))
        if name not in files:
            raise NodeError(f"The item has no binary field '{name}' [item 0]")
        return {"binary": files[name]}

    def sent_headers(self, node: "RespondToWebhook") -> dict[str, Any]:
        """Return the headers of the options, names in lower case; one whose value is null or undefined is none. `node` has the values of
        expressions. Raise NodeError.
        """
        given = node.options.get("responseHeaders") or {}
        if not isinstance(given, dict):
            raise NodeError("options.responseHeaders.entries is not iterable")
        written: Any = self.options.get("responseHeaders")
        raw = (written.get("entries") if isinstance(written, dict) else None) or []
        headers: dict[str, Any] = {}
        for i, each in enumerate(given.get("entries") or []):
            lacking = "value" not in each and i < len(raw) and "value" in raw[i]
            if not lacking and each.get("value", "") is not None:
                headers[js_string(each.get("name", "")).lower()] = js_string(each.get("value", ""))
        return headers

    def response(self, headers: dict[str, Any], *body: Any) -> dict[str, Any]:
        """Return {statusCode, headers, body?}."""
        code = self.options.get("responseCode") or (307 if self.respond_with == "redirect" else 200)
        if self.respond_with == "redirect":
            headers |= _location(self.redirect_url)
        if self.respond_with == "binary" and body:
            headers = _with_file_headers(headers, body[0]["binary"])
        response: dict[str, Any] = {"headers": headers, "statusCode": code}
        if body:
            response["body"] = body[0]
        return response

    async def sign(self, context: ActivityContext, payload: Json) -> str:
        """Return the payload as a JSON Web Token under the credential's secret or key."""
        from joserfc import jwt  # noqa: PLC0415 - only in activities
        from joserfc.jwk import OctKey, RSAKey  # noqa: PLC0415

        data = await context.credentials.get("jwtAuth")
        algorithm = str(data.get("algorithm") or "HS256")
        key: Any = (
            RSAKey.import_key(str(data["privateKey"]))
            if data.get("keyType") == "pemKey"
            else OctKey.import_key(str(data.get("secret", "")))
        )
        claims = payload if isinstance(payload, dict) else {"data": payload}
        return jwt.encode({"alg": algorithm, "typ": "JWT"}, claims, key, algorithms=[algorithm])


def _location(url: Any) -> dict[str, Any]:
    """Return the header of a redirect. Raise NodeError for what is no address; one without a scheme is an https address."""
    if url is None or url is UNDEFINED:
        return {}
    if not isinstance(url, str) or not url:
        text = "array" if isinstance(url, list) else f"'{js_string(url)}'"
        reason = f"'redirectURL' expects a url but we got {text}"
        raise NodeError("Invalid input for 'Redirect URL' [item 0]", description=reason, item=0)
    return {"location": url if url.lower().startswith(("http://", "https://")) else f"https://{url}"}


def _with_file_headers(headers: dict[str, Any], file: BinaryRef) -> dict[str, Any]:
    """Return the headers with the file's length and type, where the author gave none."""
    size = file.get("bytes")
    if size is None and "data" in file:
        size = len(base64.b64decode(file["data"]))
    completed = dict(headers)
    if size is not None:
        completed["content-length"] = size
    completed.setdefault("content-type", file["mimeType"])
    return completed


def _item_response(response: dict[str, Any]) -> dict[str, Any]:
    """Return the response as items show it: a file of the item itself is n8n's Buffer in JSON."""
    body = response.get("body")
    file = body.get("binary") if isinstance(body, dict) else None
    if not (isinstance(file, dict) and "mimeType" in file and "data" in file):
        return response
    return {**response, "body": {"type": "Buffer", "data": list(base64.b64decode(file["data"]))}}


def _parse_json(value: Any) -> Any:
    if isinstance(value, ObjectText):
        return str(value)
    if not isinstance(value, str) and not (isinstance(value, float) and not math.isfinite(value)):
        return value
    try:
        return parse_json(js_string(value))
    except NotJsonError:
        raise NodeError(
            "Invalid JSON in 'Response Body' field",
            description="Check that the syntax of the JSON in the 'Response Body' parameter is valid",
        ) from None
