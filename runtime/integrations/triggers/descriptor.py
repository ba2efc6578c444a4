"""The language of `trigger.yaml` in a vendor's folder: how a trigger is registered at the vendor, and what it takes.

Requests and values are those of `runtime.integrations.descriptor`. Beside parameters and `$credential`, holes read
`$webhookUrl` (the address that the vendor is given), `$state` (what the registration remembers), `$registration` (a word that
only it and the vendor know), `$nodeId`, `$workflowId` and `$random` (64 random hexadecimal digits); while a delivery is
received also `$method`, `$query`, `$headers`, `$body` and `$raw`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from runtime.integrations.descriptor import Condition, CredentialChoice, Descriptor, Operation, RequestSpec, Step, Value

__all__ = ["Phase", "Reply", "Signature", "TriggerDescriptor", "WebhookSpec"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Phase(_Model):
    """A part of the registration: requests, and what is remembered of their responses."""

    request: RequestSpec | None = None
    steps: Sequence[Step] = ()
    found: Condition = None
    """Of `check`: whether the vendor has our webhook."""
    state: Mapping[str, Value] = Field(default_factory=dict)
    """What is remembered afterwards. A member without a value is not changed."""
    keep: Sequence[str] = ()
    """Of `remove`: what is remembered nevertheless."""
    strict: bool = False
    """Of `remove`: whether n8n reports its error; otherwise it goes on as if there had been none."""


class Signature(_Model):
    """How a delivery proves that the vendor sent it. GET requests have none."""

    header: str
    key: Value
    message: Value = "{$raw}"
    """What is signed, in Latin-1: bytes of the body are its characters."""
    algorithm: Literal["hmac-sha256", "hmac-sha1", "sha256", "none"] = "hmac-sha256"
    """`sha256`: the digest of key and message; `none`: the header is the key itself."""
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    found: Value = None
    """The signature in the header, where it is a part of it; a list: any of them may be right."""
    timestamp: Value = None
    """Seconds since the epoch at which it was sent."""
    within: float = 300
    """Seconds that it may be old, or in the future."""
    when: Condition = None
    """For which versions and parameters n8n checks it."""
    keyless: Literal["refuse", "accept", "fail"] = "refuse"
    """What becomes of a delivery while there is no key. `accept`: the webhook was registered without one."""
    status: int = 401
    """Of the reply to a forged delivery. 200: it is ignored without a word, as n8n does for some vendors."""
    json_: Any = Field(default=None, alias="json")
    text: str = "Unauthorized"


class Reply(_Model):
    """An answer without a run: handshakes and pings."""

    when: Condition
    unsigned: bool = False
    """Whether it is given before the signature is checked."""
    status: int = 200
    json_: Value = Field(default=None, alias="json")
    text: Value = None


class WebhookSpec(_Model):
    """A trigger to which the vendor delivers."""

    methods: Sequence[str] = ("POST",)
    path: str = "webhook"
    """Behind the webhook's id, as in n8n."""
    check: Phase | None = None
    """Looks whether the vendor has our webhook; without one it is created each time, and nothing is looked at later."""
    alive: Phase | None = None
    """In place of `check` where the webhook is only looked at, because n8n's `check` changes something."""
    create: Phase | None = None
    """None: the webhook is set up by hand at the vendor."""
    remove: Phase | None = None
    credential: bool = False
    """Whether a delivery is checked with the credential."""
    password: CredentialChoice | None = None
    """A credential of type httpBasicAuth that deliveries are to present; the vendor is told of it (`$password`)."""
    signature: Signature | None = None
    replies: Sequence[Reply] = ()
    when: Condition = None
    """Whether a run begins."""
    items: Value = "{$body}"
    """The json of the items: a list, or one. An empty list: no run begins."""
    enrich: str | None = None
    """A function of the vendor's module that asks the vendor for more, in the run: `async def name(run: Run) -> Items`."""


class TriggerDescriptor(Descriptor):
    """A trigger in one family of versions."""

    operations: Mapping[str, Operation | Sequence[Operation]] = Field(default_factory=dict)
    tool: bool = False
    webhook: WebhookSpec | None = None
    poll: str | None = None
    """A function of the vendor's module that returns what is new: `async def name(poll: PollRun) -> Items`."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.webhook is None) == (self.poll is None):
            raise ValueError("a trigger has one of webhook and poll")
        return self
