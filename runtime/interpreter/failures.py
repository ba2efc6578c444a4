"""Any exception of a node, an expression or the engine as n8n's node error, so that On Error, retries and journal apply."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

from runtime.contract import NodeError
from runtime.engine.pairing import PairingError
from runtime.expressions import ScriptLimit
from runtime.expressions.scope import ExpressionError
from runtime.values.problem import ProblemError
from schemas.errors import InfrastructureError
from schemas.plan import Step

__all__ = ["ExceptionPolicy", "as_node_error", "is_infrastructure", "issues_text", "node_error", "run_fault"]

_SHOWN_ISSUES: Final = 4
"""Steps that a message about several with issues names."""


class ExceptionPolicy(Protocol):
    """What a host does with exceptions that are no NodeError."""

    def passes(self, error: Exception) -> bool:
        """Return whether the exception is the host's own (a cancellation, a server that is away) and no step's error."""

    def log_exception(self, error: Exception, node: str) -> None:
        """Log the type and the traceback of an exception that became an error of the node; never its text, which may hold
        data of an item.
        """


def as_node_error(error: Exception, policy: ExceptionPolicy, node: str, type_: str) -> NodeError:
    """Return the NodeError that an exception of a step becomes. Raise the exception itself where the host wants it so.

    `node` is the name of the node, `type_` its type.
    """
    for each in _leaves(error):
        if policy.passes(each):
            raise each
    for each in _leaves(error):
        if isinstance(each, NodeError):
            return each
    policy.log_exception(error, node)
    return node_error(next(_leaves(error)), type_)


def node_error(error: Exception, type_: str) -> NodeError:
    """Return the NodeError of an exception that a node type did not foresee."""
    if isinstance(error, ProblemError | ExpressionError | PairingError):
        return NodeError(error.message, description=error.description)
    if isinstance(error, ScriptLimit):
        return NodeError(error.message)
    name = type_.rpartition(".")[2]
    for class_, message, description in _KINDS:
        if isinstance(error, class_):
            return NodeError(message.format(name=name, kind=_kind(error)), description=description)
    return NodeError(
        f"The node {name} failed in a way that it did not foresee ({type(error).__name__})", description=_WRONG_VALUE
    )


def run_fault(error: Exception) -> dict[str, Any]:
    """Return n8n's error object of a run that an exception outside its steps has ended."""
    what = type(error).__name__
    return {
        "name": "WorkflowOperationError",
        "message": f"The run ended by a fault of the service ({what}). The log of the worker has the details.",
    }


def is_infrastructure(error: Exception) -> bool:
    """Return whether a server is away, or this worker has run out of files or processes."""
    return isinstance(error, InfrastructureError) or (isinstance(error, OSError) and error.errno in _EXHAUSTED)


_EXHAUSTED: Final = frozenset({11, 23, 24})
"""EAGAIN (no more processes), ENFILE and EMFILE: their numbers on Linux."""

_WRONG_VALUE: Final = (
    "A parameter or an item probably has a value of a kind that the node does not expect. Look at what the expressions of its "
    "parameters give. The log of the worker has the details."
)
_TOO_LARGE: Final = "Look for a number such as Infinity or 1e308 in its parameters and items."
_KINDS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, str], ...]] = (
    (RecursionError, "The data is nested too deeply for the node {name}", "Flatten the data before this node."),
    (MemoryError, "The data is too large for the node {name}", "Split the items into batches."),
    (OverflowError, "A number is too large for the node {name}", _TOO_LARGE),
    (ZeroDivisionError, "The node {name} cannot divide by zero", _WRONG_VALUE),
    (
        UnicodeError,
        "The node {name} cannot encode or decode a text",
        "The text has half of a surrogate pair (a cut emoji), or its bytes are in another encoding.",
    ),
    (TimeoutError, "The node {name} took too long", "Give it less to do at once."),
    ((AttributeError, TypeError), "The node {name} cannot use {kind} here", _WRONG_VALUE),
    ((ValueError, LookupError), "The node {name} cannot use one of its values", _WRONG_VALUE),
)
"""Exception classes with the message and the description of the node error, the first that fits."""

_NAMES: Final = {
    "NoneType": "null", "bool": "a boolean", "int": "a number", "float": "a number", "str": "a text", "list": "an array",
    "dict": "an object", "DateTimeText": "a date", "BigInt": "a BigInt", "Undefined": "undefined",
}  # fmt: skip
_QUOTED: Final = re.compile(r"'(\w+)'|not \"?(\w+)")


def _kind(error: Exception) -> str:
    """Return the kind of value that the exception complains about, as an author calls it."""
    if isinstance(error, AttributeError) and error.obj is not None:
        return _NAMES.get(type(error.obj).__name__, "a value of this kind")
    for found in _QUOTED.finditer(str(error)):
        known = _NAMES.get(found[1] or found[2])
        if known is not None:
            return known
    return "a value of this kind"


def _leaves(error: Exception) -> Iterator[Exception]:
    """Yield the exception, or those of the group that it is."""
    if isinstance(error, ExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def issues_text(steps: Sequence[Step]) -> str:
    """Return n8n's message about steps that have issues: all lines of one, or a line for each of several, at most four."""
    if len(steps) == 1:
        lines = "\n".join(f"- {issue}" for issue in steps[0].issues)
        return f"The '{steps[0].name}' node has issues:\n{lines}"
    shown = [f"- '{each.name}': {' '.join(each.issues)}" for each in steps[:_SHOWN_ISSUES]]
    more = [f"- ({len(steps) - _SHOWN_ISSUES} more)"] if len(steps) > _SHOWN_ISSUES else []
    return "\n".join([f"{len(steps)} nodes have issues:", *shown, *more])
