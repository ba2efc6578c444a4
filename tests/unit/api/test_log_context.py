"""Lines of a request carry the tenant of its caller and the run that it is about, and nothing of the request before it."""

from typing import Annotated, Any, cast

import pytest
import structlog
from litestar import Litestar, get
from litestar.params import PathParameter
from litestar.testing import TestClient
from litestar.types import HTTPScope

from api.authentication import PUBLIC, Authentication, OperatorKey, Principal, Verifier
from api.triggers.requests import parse_request
from runtime.platform.telemetry.logging import begin_context, bind_context
from schemas.trace_ids import trace_id
from service.api_keys import ALL_SCOPES
from service.key_uses import KeyUses
from service.tenants import TenantStore


class Keys:
    """Stands for the verifier: the key is the tenant."""

    async def verify(self, secret: str) -> Principal:
        return Principal(secret, "k1", ALL_SCOPES)


@get("/workflows/{workflow_id:str}/status")
async def status(workflow_id: Annotated[str, PathParameter()]) -> dict[str, Any]:
    del workflow_id
    return structlog.contextvars.get_contextvars()


@get("/health", opt=PUBLIC)
async def health() -> dict[str, Any]:
    return structlog.contextvars.get_contextvars()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "/workflows/acme:report:1/status",
            {"tenant": "acme", "workflow_id": "acme:report:1", "trace_id": trace_id("acme:report:1")},
        ),
        ("/workflows/other:report:1/status", {"tenant": "acme"}),
        ("/health", {}),
    ],
)
def test_a_request_binds_its_tenant_and_a_run_of_that_tenant(path: str, expected: dict[str, str]) -> None:
    bind_context(tenant="the request before", step="left over")
    app = Litestar(
        [status, health],
        middleware=[Authentication(cast("Verifier", Keys()), OperatorKey(None), KeyUses(cast("TenantStore", None)))],
    )
    with TestClient(app) as client:
        answer = client.get(path, headers={"x-api-key": "acme", "x-request-id": "r-1"})
        assert answer.json() == expected | {"request_id": "r-1"}
    begin_context()


@pytest.mark.parametrize(
    ("path", "tenant"),
    [
        ("/webhook/acme/orders", "acme"),
        ("/webhook/acme:report:1/1-token", "acme"),  # as in a link of a waiting run
        (f"/webhook/{'a' * 500}/x", "a" * 63),
    ],
)
def test_a_webhook_binds_the_tenant_of_its_address(path: str, tenant: str) -> None:
    begin_context()
    scope: dict[str, Any] = {
        "path": path,
        "headers": [],
        "method": "POST",
        "query_string": b"",
        "scheme": "http",
        "client": None,
    }
    parse_request(cast("HTTPScope", scope), "webhook")
    assert structlog.contextvars.get_contextvars() == {"tenant": tenant}
    begin_context()
