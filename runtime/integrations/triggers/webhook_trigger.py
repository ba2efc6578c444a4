"""A trigger to which a vendor delivers: where it listens, and what becomes of a delivery."""

import base64
import hmac
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final, cast

from runtime.contract import Activity, ActivityContext, Context, Items, NodeError, Outputs, Trigger
from runtime.integrations.described import Described
from runtime.integrations.scope import Scope
from runtime.integrations.triggers.descriptor import TriggerDescriptor, WebhookSpec
from runtime.integrations.triggers.signatures import is_signed, key_of
from runtime.integrations.values import evaluate, holds
from runtime.values.javascript import js_string
from schemas.delivery import Answer, Delivery
from schemas.diagnostic import Diagnostic, Location
from schemas.facts import CredentialUse, NodeIdentity, is_literal
from schemas.item import UNDEFINED, Json
from schemas.node import visible
from schemas.plan import Route

__all__ = ["EnrichedTrigger", "VendorTrigger", "WebhookTrigger"]


_NOT_STARTED: Final = {"code": 0, "message": "Workflow Webhook Error: Workflow could not be started!"}
"""n8n's reply to a delivery that its trigger cannot read."""
_SHAPE_ERRORS: Final = (ArithmeticError, AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)
_NO_EXPRESSION: Final = (
    "write the value itself: a trigger is registered before there is a run, so that an expression has no data"
)


class WebhookTrigger(Described):
    """What both kinds of triggers share."""

    trigger = "webhook"
    registers = True
    input_count: ClassVar[int] = 0
    registering: ClassVar[Callable[..., Awaitable[Json]]]
    """See `registration.register`. The loader gives it, since workflow code reaches no HTTP."""

    @property
    def _spec(self) -> WebhookSpec:
        spec = cast("TriggerDescriptor", self.descriptor).webhook
        assert spec is not None  # the loader makes this class of such descriptors
        return spec

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report parameters that are not constants, as the vendor is told of them before any run begins, and choices that
        are not supported.
        """
        parameters = self.parameters(version)
        for place, advice in self.descriptor.unsupported.items():
            name = place.rpartition(":")[2]
            fact = parameters.fact(name)
            if fact is not None and parameters.get(name) not in (fact.default, None, {}, [], ""):
                yield self._unsupported(at, name, parameters.get(name), advice)
        for name in parameters:
            value = parameters.get(name)
            if not _is_constant(value):
                yield self._unsupported(at, name, value, _NO_EXPRESSION)

    def credential_needs(self, version: float) -> Iterable[CredentialUse]:
        """Return the credential types of the descriptor, and that of a password."""
        password = self._spec.password
        own = [] if password is None else [CredentialUse(password.type, dict(password.show))]
        return [*super().credential_needs(version), *own]

    def routes(self, identity: NodeIdentity) -> list[Route]:
        """Return one route per method, below the webhook's id."""
        own = identity.webhook_id or identity.id or identity.name
        path = "/".join(part for part in (own, self._spec.path) if part)
        return [Route(method=each, path=path, node=identity.name, registers=True) for each in self._spec.methods]

    def verifies_deliveries(self, version: float) -> bool:
        """Return whether a delivery is checked by a signature."""
        signature = self._spec.signature
        signed = signature is not None and holds(signature.when, self._scope(version, 0.0, {}))
        return signed or self.password_type(version) is not None

    def password_type(self, version: float) -> str | None:
        """Return the type of the credential that deliveries are to present; None: they present none."""
        password = self._spec.password
        if password is None or not visible(password.show, {}, self.parameters(version), version):
            return None
        return password.type

    def delivery_credential(self, version: float) -> str | None:
        """Return the type of the credential that deliveries are checked with; None: they need none."""
        if (password := self.password_type(version)) is not None:
            return password
        choice = self.credential_of(self.parameters(version), version) if self._spec.credential else None
        return choice.type if choice else None

    def receive(self, delivery: Delivery, version: float) -> Answer:
        """Return the reply to a delivery, and the items of a run."""
        try:
            return self._received(delivery, version)
        except NodeError as error:
            return Answer(status=500, json=_NOT_STARTED, error=error.message)
        except _SHAPE_ERRORS as error:  # a function of the vendor's module met another structure
            return Answer(status=500, json=_NOT_STARTED, error=_strange(self.descriptor.name, error))

    def _received(self, delivery: Delivery, version: float) -> Answer:
        spec, scope = self._spec, self._delivery_scope(delivery, version)
        if (reply := self._reply(scope, unsigned=True)) is not None:
            return reply
        if delivery.method != "GET" and (refusal := self._refusal(scope)) is not None:
            return refusal
        if (reply := self._reply(scope, unsigned=False)) is not None:
            return reply
        if delivery.method not in spec.methods or delivery.method == "GET" or not holds(spec.when, scope):
            return Answer()
        made = evaluate(spec.items, scope)
        items = [{"json": each} for each in (made if isinstance(made, list) else [made]) if each is not UNDEFINED]
        return Answer(items=cast("Items", items) or None)

    def _delivery_scope(self, delivery: Delivery, version: float) -> Scope:
        return self._scope(version, delivery.now, delivery.credential).having(
            method=delivery.method, query=delivery.query, headers=delivery.headers, body=delivery.body,
            raw=delivery.raw.decode("latin-1"), state=delivery.state, webhookUrl=delivery.url,
            registration=delivery.registration, nodeId=delivery.node_id,
        )  # fmt: skip

    def _scope(self, version: float, now: float, credential: Mapping[str, Any]) -> Scope:
        descriptor = self.descriptor
        return Scope(
            self.parameters(version), {"json": {}}, 0, version, now, "UTC", credential, descriptor.tables, self.module,
            descriptor.patterns, names={"state": {}, "headers": {}},
        )  # fmt: skip

    def _reply(self, scope: Scope, *, unsigned: bool) -> Answer | None:
        for each in self._spec.replies:
            if each.unsigned is unsigned and holds(each.when, scope):
                text = evaluate(each.text, scope)
                shown = None if text is UNDEFINED or text is None else js_string(text)
                return Answer(status=each.status, json=evaluate(each.json_, scope), text=shown)
        return None

    def _refusal(self, scope: Scope) -> Answer | None:
        """Return the reply to a delivery that is not the vendor's; None: it is."""
        if self.password_type(scope.version) is not None:
            return _password_refusal(scope)
        signature = self._spec.signature
        if signature is None or not holds(signature.when, scope):
            return None
        key = key_of(signature, scope)
        if not key and signature.keyless == "accept":
            return None
        if not key and signature.keyless == "fail":
            raise NodeError(
                f"The secret of the {self.descriptor.name} webhook is missing",
                description="Deactivate the template and activate it again: it is then registered anew.",
            )
        if key and is_signed(signature, key, scope):
            return None
        if signature.status < 300:  # success
            return Answer()
        text = None if signature.json_ is not None else signature.text
        return Answer(status=signature.status, json=signature.json_, text=text)


class VendorTrigger(WebhookTrigger, Trigger):
    """A trigger whose items are in the delivery."""

    async def register(self, context: ActivityContext, payload: Json) -> Json:
        """See `registration.register`."""
        return await type(self).registering(self, context, payload)

    def run(self, context: Context, items: Items) -> Outputs:
        """Pass on the items of the delivery."""
        del context
        return [items]


class EnrichedTrigger(WebhookTrigger, Activity):
    """A trigger that asks the vendor for more about what it was delivered: files, names, questions."""

    running: ClassVar[Callable[[Any, ActivityContext, Items], Awaitable[Any]]]
    """Prepares a `Run`. The loader gives it, for the same reason."""

    async def register(self, context: ActivityContext, payload: Json) -> Json:
        """See `registration.register`."""
        return await type(self).registering(self, context, payload)

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return the items of the delivery with what the vendor says of them."""
        run = await type(self).running(self, context, items)
        function = getattr(self.module, self._spec.enrich or "")
        try:
            made: Items = await function(run)
        except _SHAPE_ERRORS as error:
            raise NodeError(_strange(self.descriptor.name, error)) from error
        return [made]


def _strange(name: str, error: Exception) -> str:
    return f"It has another structure than a delivery of {name} ({type(error).__name__})"


def _password_refusal(scope: Scope) -> Answer | None:
    scheme, _, value = str(scope.names["headers"].get("authorization") or "").partition(" ")
    user, password = (js_string(scope.credential.get(each) or "") for each in ("user", "password"))
    if scheme.lower() != "basic" or not user:
        return Answer(status=401, text="Authorization is required!")
    expected = base64.b64encode(f"{user}:{password}".encode())
    if not hmac.compare_digest(value.encode(), expected):
        return Answer(status=403, text="Authorization data is wrong!")
    return None


def _is_constant(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_constant(each) for each in value.values())
    return all(_is_constant(each) for each in value) if isinstance(value, list) else is_literal(value)
