"""Each request with an API key counts as a use of it; tokens and the operator's key have no row to count in."""

from typing import Any, cast

import pytest
from litestar import Litestar, get
from litestar.testing import TestClient

from api.access import OPERATOR
from api.authentication import Authentication, OperatorKey, Principal, Verifier
from service.api_keys import ALL_SCOPES
from service.audit import ActorKind
from service.key_uses import KeyUses

OPERATOR_KEY = "o" * 32


class Keys:
    """Stands for the verifier: `token` is a token, everything else a key."""

    async def verify(self, secret: str) -> Principal:
        kind = ActorKind.TOKEN if secret == "token" else ActorKind.KEY  # a label
        return Principal("acme", secret, ALL_SCOPES, kind)


class Uses:
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, str]] = []

    def note(self, tenant: str, key_id: str) -> None:
        self.noted.append((tenant, key_id))


@get("/any")
async def any_route() -> dict[str, Any]:
    return {}


@get("/operator", opt={OPERATOR: True})
async def operators_route() -> dict[str, Any]:
    return {}


@pytest.mark.parametrize(
    ("path", "key", "noted"),
    [("/any", "k1", [("acme", "k1")]), ("/any", "token", []), ("/operator", OPERATOR_KEY, [])],
)
def test_what_counts_as_a_use(path: str, key: str, noted: list[tuple[str, str]]) -> None:
    uses = Uses()
    authentication = Authentication(cast("Verifier", Keys()), OperatorKey(OPERATOR_KEY), cast("KeyUses", uses))
    with TestClient(Litestar([any_route, operators_route], middleware=[authentication])) as client:
        assert client.get(path, headers={"X-API-Key": key}).status_code == 200
    assert uses.noted == noted
