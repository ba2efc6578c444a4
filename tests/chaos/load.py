"""Senders: each delivery is sent until it is taken, at one API after the other; one that comes twice is one run."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httpx

from schemas.names import workflow_id
from service.run_start import run_id_of
from tests.chaos.installation import TENANTS
from tests.chaos.vendor import EFFECT, Vendor
from tests.patience import PATIENCE

__all__ = ["KINDS", "Delivery", "Load"]

KINDS: Final = ("reply", "webhook", "respond", "form", "resume", "agent", "file", "long", "retry", "once")
"""Templates that take deliveries."""
PAUSE_SECONDS: Final = 0.3


@dataclass(frozen=True)
class Delivery:
    """One request from outside, and so one run."""

    number: int
    kind: str

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return TENANTS[self.number // len(KINDS) % len(TENANTS)]

    @property
    def sender_id(self) -> str:
        """What its header names it by."""
        return f"delivery-{self.number}"

    @property
    def workflow_id(self) -> str:
        """The id of its run, however often it is sent."""
        key = f"{self.kind}\x00webhook-id:{self.sender_id}"
        return workflow_id(self.tenant, self.kind, run_id_of(self.tenant, self.kind, key))


@dataclass
class Load:
    """The senders of a storm."""

    urls: Sequence[str]
    vendor: Vendor
    deliveries: list[Delivery] = field(default_factory=list)
    refusals: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How often a kind was answered with a status that makes its sender try again."""
    replies: list[tuple[float, float]] = field(default_factory=list)
    """When callers who wait for the end of a short run began to, and when they had it, in seconds of the monotonic clock."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def begin(self, kinds: Sequence[str] = KINDS) -> None:
        """Send a delivery of each of these kinds."""
        for kind in kinds:
            delivery = Delivery(len(self.deliveries), kind)
            self.deliveries.append(delivery)
            self._tasks.append(asyncio.create_task(self._send(delivery)))

    async def taken(self, seconds: float) -> None:
        """Wait until every delivery is taken. Raise TimeoutError."""
        await asyncio.wait_for(asyncio.gather(*self._tasks), seconds)

    async def _send(self, delivery: Delivery) -> None:
        began = time.monotonic()
        place, body = f"/webhook/{delivery.tenant}/{delivery.kind}", {"tenant": delivery.tenant, "id": delivery.number}
        headers = {"webhook-id": delivery.sender_id}
        if delivery.kind == "form":
            data = {"field-0": delivery.tenant, "field-1": str(delivery.number)}
            await self._until_taken(delivery, f"/form/{delivery.tenant}/form", data=data, headers=headers)
            return
        answer = await self._until_taken(delivery, place, json=body, headers=headers)
        if delivery.kind in ("reply", "respond"):
            told = answer.json()
            assert str((told[0] if isinstance(told, list) else told)["id"]) == str(delivery.number), "another's answer"
        if delivery.kind == "reply":
            self.replies.append((began, time.monotonic()))
        if delivery.kind == "resume":
            await self._resume(delivery)

    async def _until_taken(self, delivery: Delivery, place: str, **request: object) -> httpx.Response:
        for attempt in range(100_000):
            if (answer := await self._attempt(delivery, attempt, place, **request)) is not None:
                return answer
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(f"{delivery} was never taken")

    async def _attempt(self, delivery: Delivery, attempt: int, place: str, **request: object) -> httpx.Response | None:
        """The answer; None: there is none, or one that makes a sender try again."""
        url = self.urls[(delivery.number + attempt) % len(self.urls)]
        try:
            async with httpx.AsyncClient(timeout=PATIENCE) as client:
                answer = await client.post(f"{url}{place}", **request)  # type: ignore[arg-type]
        except httpx.TransportError:
            return None
        if answer.status_code == httpx.codes.OK:
            return answer
        self.refusals[delivery.kind, answer.status_code] += 1
        return None

    async def _resume(self, delivery: Delivery) -> None:
        """Open the run's link until the run goes on: an answer may have been lost on the way."""
        while (link := self._sent("link", delivery)) is None:
            await asyncio.sleep(PAUSE_SECONDS)
        for attempt in range(100_000):
            if await self._attempt(delivery, attempt, urlsplit(str(link)).path, json={}) is not None:
                return
            if self._sent("resumed", delivery) is not None:
                return
            await asyncio.sleep(PAUSE_SECONDS)

    def _sent(self, kind: str, delivery: Delivery) -> str | None:
        """The URL that the run of a delivery sent in an effect of this kind; None: it has not got that far."""
        for each in list(self.vendor.requests):
            body = each.body if each.path == f"{EFFECT}{kind}" else None
            if isinstance(body, dict) and (body["tenant"], body["id"]) == (delivery.tenant, delivery.number):
                return str(body.get("url") or json.dumps(body))
        return None
