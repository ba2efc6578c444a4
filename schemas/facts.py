"""What a node type declares about itself, beyond its parameters: the compiler collects it into the plan.

No other code computes these facts or tests for a node type by name. A class overrides what applies to it; every default
says "no". Methods see the parameters of one node as they are written, so a value may be an expression
(see `is_literal`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel

from schemas.delivery import Answer, Delivery
from schemas.plan import Firing, Loop, Route

__all__ = ["BadScheduleError", "CredentialUse", "Facts", "NodeIdentity", "WaitsFor", "is_literal", "workflow_reference"]

WaitsFor: TypeAlias = Literal["time", "call"]


class BadScheduleError(Exception):
    """A schedule is not valid, or it never fires. The message says why."""


@dataclass(frozen=True)
class NodeIdentity:
    """The identity of a node, from which a route without a path gets its path."""

    name: str
    id: str = ""
    webhook_id: str | None = None


@dataclass(frozen=True)
class CredentialUse:
    """A credential type that a node uses under these display conditions (n8n's displayOptions of a credential)."""

    type: str
    show: dict[str, list[Any]] = field(default_factory=dict)
    required: bool = True
    """False: the node also works without."""
    generic: bool = False
    """Its type is no vendor's, so that its hosts are those of the address that the author wrote, or that its owner says."""


class Facts(BaseModel):
    """The facts of a node type. See the module's docstring."""

    trigger: ClassVar[str | None] = None
    """How it starts runs: a value of `schemas.kinds.TriggerKind`; None: it is no trigger."""
    annotation: ClassVar[bool] = False
    """It is drawn on the canvas and never part of a run (sticky notes)."""
    speaks: ClassVar[bool] = False
    """A caller in response mode `streaming` receives its output."""
    responds: ClassVar[bool] = False
    """It answers the request that started the run."""
    has_caller: ClassVar[bool] = False
    """A run that it starts or resumes may have a caller who waits for the answer of a responding node."""
    form_page: ClassVar[bool] = False
    """It shows a further page of the form that started the run."""
    one_item_each: ClassVar[bool] = False
    """It emits exactly one item for each item that it gets, whatever is in it."""
    may_hold_code: ClassVar[bool] = False
    """A parameter that is no program may hold JavaScript all the same, so that it counts as code of its author."""
    uses_static_data: ClassVar[bool] = False
    """It reads or writes workflow static data."""
    registers: ClassVar[bool] = False
    """A vendor delivers to it, and is told so while the template is active: it has `register` and `receive`."""
    credential_uses: ClassVar[Sequence[CredentialUse]] = ()
    """The credential types that it uses."""

    def credential_needs(self, version: float) -> Iterable[CredentialUse]:
        """Return the credential types that the node may use; the caller checks their display conditions."""
        del version
        return self.credential_uses

    def starts_workflow(self) -> bool:
        """Return whether the node may start another workflow."""
        return False

    def started_workflow(self) -> str | None:
        """Return the id of the workflow that it starts; None if that is not a constant."""
        return None

    def waits_for(self) -> WaitsFor | None:
        """Return what the node stops the run for."""
        return None

    def overlapping_wait(self) -> WaitsFor | None:
        """Return what the node waits for if waits may overlap with the rest of the run; None: it blocks the run."""
        return self.waits_for()

    def wait_seconds(self, version: float) -> float | None:
        """Return how many seconds the node waits; None if that is not a constant."""
        del version
        return None

    def not_transient(self, version: float) -> str | None:
        """Return why the node cannot work in a run that ends with its process; None: it can."""
        del version
        return None

    def mutation(self, version: float) -> str | None:
        """Return what the node changes outside the run, as it is set up ("its POST request"); None: nothing known."""
        del version
        return None

    def loop_outputs(self, version: float) -> Loop | None:
        """Return the outputs of a loop node."""
        del version
        return None

    def caller_mode(self) -> str | None:
        """Return the response mode that the node's caller is answered by, where it has callers of its own."""
        return None

    def verifies_deliveries(self, version: float) -> bool:
        """Return whether a delivery proves, by a signature or a secret, that the vendor sent it."""
        del version
        return False

    def delivery_credential(self, version: float) -> str | None:
        """Return the type of the credential that `receive` needs; None: it needs none."""
        del version
        return None

    def receive(self, delivery: Delivery, version: float) -> Answer:
        """Return what becomes of a delivery to a trigger that is registered at a vendor."""
        del version
        return Answer(items=[{"json": delivery.body}])

    def routes(self, identity: NodeIdentity) -> Iterable[Route]:
        """Return the routes on which the trigger listens."""
        del identity
        return ()

    def firings(self, name: str) -> Iterable[Firing]:
        """Return when the trigger starts runs. The node's `name` determines the second, which n8n chooses at random.

        Raises:
            BadScheduleError: a rule cannot be read or never fires.
        """
        del name
        return ()


def workflow_reference(value: Any) -> str | None:
    """Return the id in n8n's reference to a workflow (a text, or `{"value": id}`), if it is a constant, else None."""
    id_ = value.get("value") if isinstance(value, dict) else value
    return str(id_) if isinstance(id_, str | int) and id_ and is_literal(id_) else None


def is_literal(value: Any) -> bool:
    """Return whether a parameter as written is a constant."""
    return not (isinstance(value, str) and value.startswith("="))
