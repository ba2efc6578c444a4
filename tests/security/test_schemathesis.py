"""Requests that schemathesis makes of the OpenAPI description, with and without a key: no mistake of the service, and as described."""

from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.architecture.test_openapi import describe
from tests.security.hostile_requests.wire import send

pytestmark = pytest.mark.usefixtures("published")

HOST: Final = "http://tempor8.test"
OPERATIONS: Final = [
    each.ok() for each in schemathesis.openapi.from_dict(describe()).get_all_operations() if isinstance(each, Ok)
]
EXAMPLES: Final = 10
"""Of each operation; each is sent with a key and without one."""
CHECKS: Final = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_no_operation_is_left_out() -> None:
    assert len(OPERATIONS) == sum(len(operations) for operations in describe()["paths"].values())


def generated(operation: Any) -> list[Any]:
    """Requests that fit the description, and requests that do not."""
    found: list[Any] = []

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=st.one_of([operation.as_strategy(mode) for mode in GenerationMode]))
    def generate(case: Any) -> None:
        found.append(case)

    generate()
    return found


async def asked(application: Litestar, case: Any, credentials: dict[str, str]) -> httpx.Response:
    """The answer to a case."""
    prepared = requests.Request(**case.as_transport_kwargs(base_url=HOST)).prepare()
    headers = {_text(name): _text(value) for name, value in prepared.headers.items()}
    for name in ("Content-Length", "Authorization", "X-API-Key"):
        headers.pop(name, None)
    body = prepared.body if isinstance(prepared.body, bytes) else str(prepared.body or "").encode("utf-8", "replace")
    got = await send(application, str(prepared.method), str(prepared.path_url), headers | credentials, body)
    request = httpx.Request(str(prepared.method), HOST)
    answer = httpx.Response(got.status, headers=list(got.headers.items()), content=got.body, request=request)
    answer.elapsed = timedelta(0)
    return answer


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
async def test_what_the_description_allows_and_forbids_is_answered_as_it_says(
    application: Litestar, api_keys: tuple[str, str], operation: Any
) -> None:
    public = operation.definition.raw.get("security") == []
    for case in generated(operation):
        answer = await asked(application, case, {"authorization": f"Bearer {api_keys[1]}"})
        case.validate_response(answer, checks=CHECKS)
        anonymous = await asked(application, case, {})
        case.validate_response(anonymous, checks=CHECKS)
        allowed = (answer.status_code, 503) if public else (401, 405)
        assert anonymous.status_code in allowed, case.as_curl_command()
