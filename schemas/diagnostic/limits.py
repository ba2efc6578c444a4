"""6xx: limits of Temporal and of this service."""

from schemas.diagnostic.base import Diagnostic, Severity


class WaitInLoop(Diagnostic):
    """A short wait inside a loop: each turn costs a timer in the history of the run, which grows without need."""

    code = "N8T601"
    severity = Severity.INFO
    text = "{node!r} waits {seconds} s in each turn of a loop"
    hint_text = "use the batch interval of HTTP Request, or larger batches"
    node: str
    seconds: float


class TooMuchPinned(Diagnostic):
    """The pinned data of a node is larger than what Temporal carries in one message (2 MiB)."""

    code = "N8T602"
    severity = Severity.WARNING
    text = "the pinned data of {node!r} has {size} bytes"
    hint_text = "pin a few items instead of all"
    node: str
    size: int


class NameTooLong(Diagnostic):
    """Node names become activity ids and summaries in Temporal, which are limited in length."""

    code = "N8T603"
    text = "the name {name!r} has {size} bytes; the limit is {limit}"
    hint_text = "rename the node"
    name: str
    size: int
    limit: int


class PlanTooLarge(Diagnostic):
    """The plan is larger than what a run can be started with."""

    code = "N8T604"
    text = "the plan has {size} bytes; the limit is {limit}"
    hint_text = "move large constants out of the workflow, or split it into sub-workflows"
    size: int
    limit: int


class BadConcurrency(Diagnostic):
    """The settings limit how many runs go on at a time, in a way that cannot be read:
    `"tempor8": {"concurrency": {"limit": 5, "key": "={{ $json.body.customer }}"}}`. The key may be left out; it is a walk
    through the first item that starts the run.
    """

    code = "N8T606"
    text = "the setting tempor8.concurrency: {reason}"
    hint_text = (
        'write {{"limit": 5}}, and beside it "key": "={{{{ $json.body.customer }}}}" where each value has its own limit'
    )
    reason: str


class NotTransient(Diagnostic):
    """The workflow's settings say that its runs are transient: they live in one process and end with it. What takes long, or
    starts by itself, makes no sense there.
    """

    code = "N8T605"
    severity = Severity.WARNING
    text = "{node!r} makes no sense in a transient workflow: {reason}"
    hint_text = "take `durability` out of the settings, so that the workflow's runs are durable"
    node: str
    reason: str
