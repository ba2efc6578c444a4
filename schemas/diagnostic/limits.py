"""6xx: limits of Temporal and of this service."""

from schemas.diagnostic.base import Diagnostic, Severity


class WaitInLoop(Diagnostic):
    """A loop contains a wait of a few seconds.

    ## Why it matters
    Each iteration adds a timer to the history of the run, which grows without need.

    ## What to do
    Use the batch interval of HTTP Request, or larger batches in Loop Over Items.
    """

    code = "N8T601"
    severity = Severity.INFO
    text = "{node!r} waits {seconds} s in each iteration of a loop"
    hint_text = "use the batch interval of HTTP Request, or larger batches"
    node: str
    seconds: float


class TooMuchPinned(Diagnostic):
    """The pinned data of a node is larger than Temporal's limit for one message (2 MiB).

    ## Why it matters
    Pinned data is part of the plan, which makes every start of the workflow slower, and may exceed the limit for plans
    (N8T604).

    ## What to do
    Pin a few items that are enough for a test.
    """

    code = "N8T602"
    severity = Severity.WARNING
    text = "the pinned data of {node!r} has {size} bytes"
    hint_text = "pin a few items instead of all"
    node: str
    size: int


class NameTooLong(Diagnostic):
    """The name of a node is longer than the limit.

    ## Why it matters
    Node names become activity ids and summaries in Temporal, which limits their length.

    ## What to do
    Rename the node, and put the long text into its notes.
    """

    code = "N8T603"
    text = "the name {name!r} has {size} bytes; the limit is {limit}"
    hint_text = "rename the node"
    name: str
    size: int
    limit: int


class PlanTooLarge(Diagnostic):
    """The compiled plan is larger than the limit for starting a run.

    ## Why it matters
    The plan is carried to every process that works on a run. A plan above the limit cannot be started.

    ## What to do
    Move large constants out of the workflow, for instance into a file or a data table, or split the workflow into
    sub-workflows.
    """

    code = "N8T604"
    text = "the plan has {size} bytes; the limit is {limit}"
    hint_text = "move large constants out of the workflow, or split it into sub-workflows"
    size: int
    limit: int


class BadConcurrency(Diagnostic):
    """The setting `tempor8.concurrency`, which limits the runs that are active at a time, cannot be read.

    ## Why it matters
    The workflow would run without a limit, which is the opposite of what the setting asks for.

    ## What to do
    Write `"tempor8": {"concurrency": {"limit": 5}}`. For a limit per value, add
    `"key": "={{ $json.body.customer }}"`, a path into the first item that starts the run.
    """

    code = "N8T606"
    text = "the setting tempor8.concurrency is invalid: {reason}"
    hint_text = 'write {{"limit": 5}}; for a limit per value, add "key": "={{{{ $json.body.customer }}}}"'
    reason: str


class NotTransient(Diagnostic):
    """The settings declare the runs transient, but a node of the workflow needs durable runs.

    ## Why it matters
    Transient runs live in one process and end with it. A long wait would be lost at the next restart, and a schedule
    starts durable runs in any case.

    ## What to do
    Remove `durability` from the settings, so that the runs are durable.
    """

    code = "N8T605"
    severity = Severity.WARNING
    text = "{node!r} does not work in a transient workflow: {reason}"
    hint_text = "remove `durability` from the settings, so that the workflow's runs are durable"
    node: str
    reason: str
