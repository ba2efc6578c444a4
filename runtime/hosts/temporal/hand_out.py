"""JSON bytes as values that the SDK hands out as they are: what was measured is not written a second time."""

from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from runtime.interpreter.border import hand_out
from runtime.platform.storage.payloads import PLAN_METADATA
from schemas.names import INLINE
from schemas.run import StartInput

__all__ = ["inline", "measured", "raw"]

_JSON: Final = {"encoding": b"json/plain"}


def raw(data: bytes, plan_hash: str = "") -> RawValue:
    """Return JSON bytes as an argument or a result. `plan_hash`: of the plan that they refer to, see `PlanReference`."""
    plan = {PLAN_METADATA: plan_hash.encode()} if plan_hash else {}
    return RawValue(Payload(metadata={**_JSON, **plan}, data=data))


def inline(data: bytes) -> RawValue:
    """Return JSON bytes that are never put into the payload store: of a query's answer, which nobody reads again, and of a
    local activity, whose input no history has.
    """
    return RawValue(Payload(metadata={**_JSON, INLINE: b"1"}, data=data))


def measured(start: StartInput, what: str) -> Any:
    """Return the input of another run as an argument. A run of an older build goes on with one that is not measured."""
    document, limit = start.to_json(), start.payload_limit
    return document if limit is None else raw(hand_out(document, what, limit), start.plan_hash)
