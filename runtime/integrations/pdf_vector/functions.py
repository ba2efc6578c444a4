"""PDF Vector: documents by address or as files, and publications by their ids."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from runtime.contract import Item, NodeError
from runtime.integrations.files import encoded
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

Program = Callable[[Run, Scope], Awaitable[list[Item]]]


def publications(scope: Scope) -> dict[str, Any]:
    """Return the body that asks for publications: ids are written one after the other, with commas."""
    ids = [each.strip() for each in js_string(scope.parameters.get("ids", UNDEFINED)).split(",")]
    fields = scope.parameters.get("fields")
    return {"ids": [each for each in ids if each]} | ({"fields": fields} if fields else {})


def _program(path: str, operation: str) -> Program:
    async def program(run: Run, scope: Scope) -> list[Item]:
        body = _asked(scope, operation) | await _document(run, scope)
        answer = await run.request(scope, method="POST", path=path, json=body)
        answers = answer if isinstance(answer, list) else [answer]
        return [{"json": each} for each in answers]

    return program


def _asked(scope: Scope, operation: str) -> dict[str, Any]:
    """Return the members that say what is wanted. Raise NodeError."""
    parameters = scope.parameters
    if operation == "parse":
        return {"useLLM": parameters["useLLM"]} if "useLLM" in parameters else {}
    if operation == "ask":
        return {"prompt": parameters.get("prompt")}
    return {"prompt": parameters.get("prompt"), "schema": _schema(parameters.get("schema"))}


def _schema(given: Any) -> dict[str, Any]:
    try:
        schema = parse_json(given if isinstance(given, str) else json.dumps(given))
    except NotJsonError as error:
        raise NodeError(f"Invalid JSON schema: {error.message}") from error
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise NodeError('Schema must have type "object"')
    if schema.get("additionalProperties") is not False:
        raise NodeError('Schema must include "additionalProperties": false')
    return schema


async def _document(run: Run, scope: Scope) -> dict[str, Any]:
    """Return the members that hold the document. Raise NodeError."""
    kind = scope.parameters.get("inputType")
    if kind == "url":
        return {"url": scope.parameters.get("url")}
    if kind != "file":
        raise NodeError(f"Invalid input type: {js_string(kind)}. Must be either 'file' or 'url'")
    name = js_string(scope.parameters.get("binaryPropertyName", UNDEFINED))
    if name not in (scope.item.get("binary") or {}):
        raise NodeError(f'No binary data found in property "{name}"')
    content, ref = await encoded(run, scope.index, name)
    if not content:
        raise NodeError(f'Binary data in property "{name}" is empty or invalid')
    return {"file": content} | ({"fileName": ref["fileName"]} if ref.get("fileName") else {})


parse_document = _program("/parse", "parse")
ask_document = _program("/ask", "ask")
extract_document = _program("/extract", "extract")
parse_invoice = _program("/invoice-parse", "parse")
ask_invoice = _program("/invoice-ask", "ask")
extract_invoice = _program("/invoice-extract", "extract")
parse_identity = _program("/id-parse", "parse")
ask_identity = _program("/id-ask", "ask")
extract_identity = _program("/id-extract", "extract")
