"""Every operation of the OpenAPI description with every hostile value in each of its places, so that a new one is among them."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from litestar import Litestar

from tests.architecture.test_openapi import describe
from tests.security.hostile_requests.values import BODIES, CONTENT_TYPES, IN_ADDRESS, IN_HEADER, IN_JSON, dumps
from tests.security.hostile_requests.wire import Got, send
from tests.service import OPERATOR_KEY

pytestmark = pytest.mark.usefixtures("published")

DESCRIBED: Final = describe()
OPERATIONS: Final = [
    (method.upper(), path, operation)
    for path, operations in DESCRIBED["paths"].items()
    for method, operation in operations.items()
]
IDS: Final = [f"{method} {path}" for method, path, _ in OPERATIONS]
VALID: Final = {"workflow_id": "acme:greeting:0", "key": "nothing-of-that-name", "slug": "not-found"}
"""Path parameter -> a value that is well-formed and of nothing that is there, so that no request changes anything."""
JSON: Final = {"content-type": "application/json"}
HEADERS: Final = ("x-api-key", "accept", "origin", "cookie", "content-length", "transfer-encoding", "user-agent")
DOWN: Final = ("/health", "/readyz")
"""Whose answer is 503 where something is missing, whatever the request was."""


def filled(path: str, **own: str) -> str:
    """The path with its parameters."""
    for name, value in (VALID | own).items():
        path = path.replace(f"{{{name}}}", value)
    return path


def properties(operation: dict[str, Any]) -> list[str]:
    """The names in the JSON body of an operation."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return []
    schema = content["schema"]
    for each in schema.get("oneOf", [schema]):
        if "$ref" in each:
            schema = DESCRIBED["components"]["schemas"][each["$ref"].rpartition("/")[2]]
    return list(schema.get("properties", ()))


Hostile = tuple[str, str, dict[str, str], bytes]
"""What it is, target, headers, body."""


def in_parameters(path: str, operation: dict[str, Any], headers: dict[str, str], body: bytes) -> Iterator[Hostile]:
    """Hostile values in each parameter, in one that is unknown, and below the path."""
    for parameter in operation.get("parameters", ()):
        name, place = parameter["name"], parameter["in"]
        for value_name, value in (IN_HEADER if place == "header" else IN_ADDRESS).items():
            target = filled(path, **{name: value}) if place == "path" else filled(path)
            query = f"?{name}={value}" if place == "query" else ""
            yield f"{name}: {value_name}", target + query, headers | ({name: value} if place == "header" else {}), body
    for value_name, value in IN_ADDRESS.items():
        yield f"unknown parameter: {value_name}", f"{filled(path)}?{value}={value}", headers, body
        yield f"below: {value_name}", f"{filled(path)}/{value}", headers, body


def in_headers(path: str, headers: dict[str, str], body: bytes) -> Iterator[Hostile]:
    """Hostile values in headers that something reads."""
    for value_name, value in IN_HEADER.items():
        for name in HEADERS:
            yield f"{name}: {value_name}", filled(path), {name: value} | headers, body


def in_bodies(path: str, names: list[str]) -> Iterator[Hostile]:
    """Hostile values in each member of a body, hostile bodies, and content types that are not JSON's."""
    for name in names:
        for value_name, value in IN_JSON.items():
            body = dumps({"workflow_template": "nothing", name: value})
            yield f"{name} in the body: {value_name}", filled(path), JSON, body
    for body_name, body in BODIES.items():
        yield f"body: {body_name}", filled(path), JSON, body
    for content_type in CONTENT_TYPES:
        for body_name in ("a list", "no UTF-8", "1,001 fields", "1,001 parts"):
            yield f"{content_type!r:.40}: {body_name}", filled(path), {"content-type": content_type}, BODIES[body_name]


def requests_of(method: str, path: str, operation: dict[str, Any]) -> Iterator[Hostile]:
    """Every hostile request to an operation."""
    names = properties(operation)
    body = dumps({"workflow_template": "nothing"}) if names else b""
    headers = JSON if body else {}
    yield from in_parameters(path, operation, headers, body)
    if path not in DOWN:
        yield from in_headers(path, headers, body)
    if method in ("POST", "PUT", "PATCH"):
        yield from in_bodies(path, names)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
@pytest.mark.parametrize("with_key", [True, False], ids=["key", "anonymous"])
async def test_hostile_values_work_or_are_refused_in_words(
    application: Litestar, api_keys: tuple[str, str], method: str, path: str, operation: dict[str, Any], with_key: bool
) -> None:
    """Never a mistake of the service."""
    credentials = {"authorization": f"Bearer {api_keys[0]}"} if with_key else {}
    wrong = []
    for what, target, headers, body in requests_of(method, path, operation):
        got = await send(application, method, target, credentials | headers, body)
        if not fine(got, path):
            wrong.append((what, got.status, got.body[:200]))
    assert wrong == []


def fine(got: Got, path: str) -> bool:
    """Whether it worked, or was refused in words."""
    return got.status < 400 or got.is_refusal_in_words() or (got.status == 503 and path in DOWN)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
async def test_a_json_body_has_a_content_type_of_json(
    application: Litestar, api_keys: tuple[str, str], method: str, path: str, operation: dict[str, Any]
) -> None:
    """A page elsewhere can send plain text and forms to any address without being asked; JSON it cannot."""
    if method not in ("POST", "PUT", "PATCH"):
        return
    operators = any("operator" in each for each in operation["security"])
    credentials = {"authorization": f"Bearer {OPERATOR_KEY if operators else api_keys[0]}"}
    for content_type in CONTENT_TYPES:
        for body in (b"{}", b'{"workflow_template": "nothing"}'):
            got = await send(application, method, filled(path), credentials | {"content-type": content_type}, body)
            is_json = content_type.partition(";")[0] in ("application/json", "application/problem+json")
            assert (got.status == 415) is not is_json, (content_type, got)
