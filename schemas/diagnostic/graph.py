"""2xx: nodes and the connections between them."""

from schemas.diagnostic.base import Diagnostic, Severity


class DuplicateName(Diagnostic):
    """Two nodes have the same name.

    ## Why it matters
    Connections, pinned data and expressions refer to nodes by name. One of the two nodes would be lost.

    ## What to do
    Rename one of the nodes, and adjust the connections and expressions that mean it.
    """

    code = "N8T201"
    text = "two nodes are named {name!r}"
    hint_text = "rename one of them, in the connections and expressions too"
    name: str


class DanglingConnection(Diagnostic):
    """A connection leads to a node that does not exist.

    ## Why it matters
    As in n8n, a run fails when it follows the connection, and only then.

    ## What to do
    Remove the connection, or correct the name of its target.
    """

    code = "N8T202"
    severity = Severity.WARNING
    text = "{source!r} is connected to {target!r}, which does not exist: a run that gets there fails"
    hint_text = "{advice}"
    source: str
    target: str
    advice: str = ""


class StaleConnections(Diagnostic):
    """`connections` has an entry for a node that does not exist.

    ## Why it matters
    The entry is ignored. It is left over from a node that was renamed or deleted outside the editor, so a connection
    that was meant may be missing.

    ## What to do
    Remove the entry, or correct the name of the node.
    """

    code = "N8T203"
    severity = Severity.WARNING
    text = "the connections of {source!r} are ignored: there is no such node"
    hint_text = "{advice}"
    at_key = True
    source: str
    advice: str = ""


class DuplicateConnection(Diagnostic):
    """The same output of a node is connected to the same input of another node twice.

    ## Why it matters
    The second node runs twice with the same data, as in n8n. A node that sends something sends it twice.

    ## What to do
    Remove one of the two connections.
    """

    code = "N8T204"
    severity = Severity.WARNING
    text = "{source!r} is connected to {target!r} twice in the same way, so {target!r} runs twice"
    hint_text = "remove one of the two connections"
    source: str
    target: str


class SelfConnection(Diagnostic):
    """A node is connected to itself.

    ## Why it matters
    The node runs again with its own output for as long as there is any, which is rarely intended.

    ## What to do
    Remove the connection, or use Loop Over Items.
    """

    code = "N8T205"
    severity = Severity.WARNING
    text = "{node!r} is connected to itself"
    hint_text = "remove the connection, or use Loop Over Items"
    node: str


class Unreachable(Diagnostic):
    """No enabled trigger leads to the node.

    ## Why it matters
    The node never runs. n8n does not report this.

    ## What to do
    Connect the node, disable it or delete it.
    """

    code = "N8T206"
    severity = Severity.WARNING
    text = "{node!r} never runs: no trigger leads to it"
    hint_text = "connect it, disable it or delete it"
    node: str


class NoTrigger(Diagnostic):
    """The workflow has no trigger, or all its triggers are disabled.

    ## Why it matters
    Nothing can start the workflow.

    ## What to do
    Add or enable a trigger: Manual Trigger, Webhook, Schedule Trigger, or When Executed by Another Workflow.
    """

    code = "N8T207"
    text = "the workflow has no trigger{disabled}"
    hint_text = "add a trigger: Manual, Webhook, Schedule, or When Executed by Another Workflow"
    disabled: str = ""


class SeveralTriggers(Diagnostic):
    """The workflow has several triggers.

    ## Why it matters
    Each trigger starts a run of its own, which executes only the nodes that this trigger leads to.

    ## What to do
    Nothing is required. If the triggers belong to unrelated tasks, separate workflows are easier to follow.
    """

    code = "N8T208"
    severity = Severity.INFO
    text = "the workflow has {count} triggers ({triggers}); each starts a run of its own"
    count: int
    triggers: tuple[str, ...]


class EndlessCycle(Diagnostic):
    """Nodes are connected in a circle, and each of them passes on every item that it receives.

    ## Why it matters
    A run that enters the loop never ends.

    ## What to do
    Add a node that can end the loop, such as Loop Over Items, If, Switch, Filter, or a Code node that returns no items;
    or remove the connection that closes the circle.
    """

    code = "N8T209"
    text = "the loop {nodes} never ends: no node in it can stop it"
    hint_text = "add an If or Loop Over Items node to it, or remove the connection that closes it"
    nodes: tuple[str, ...]


class LoopNotClosed(Diagnostic):
    """The loop output of Loop Over Items is connected, but no path leads back to the node.

    ## Why it matters
    Only the first batch is processed; the remaining items are never reached.

    ## What to do
    Connect the last node of the loop to the Loop Over Items node.
    """

    code = "N8T210"
    severity = Severity.WARNING
    text = "the loop of {node!r} does not lead back to it: only the first batch is processed"
    hint_text = "connect the last node of the loop to {node!r}"
    node: str


class LoopAlwaysReset(Diagnostic):
    """The option *Reset* of Loop Over Items is always on.

    ## Why it matters
    The node starts again with each batch that comes back, so its loop never ends.

    ## What to do
    Turn *Reset* off, or make it an expression that is true only when new items arrive, such as
    `={{ $prevNode.name === 'First' }}`.
    """

    code = "N8T211"
    text = "{node!r} starts again with each batch because Reset is on, so its loop never ends"
    hint_text = "turn Reset off, or make it an expression such as ={{{{ $prevNode.name === 'First' }}}}"
    node: str


class NeverFires(Diagnostic):
    """The node requires an input to which nothing is connected.

    ## Why it matters
    In execution order v1, the node waits for all inputs that it requires. It never runs, and neither do the nodes
    after it.

    ## What to do
    Connect the missing input, or choose a mode of the node that does not require it.
    """

    code = "N8T212"
    text = "{node!r} never runs: it waits for input {missing}, to which nothing is connected"
    hint_text = "connect the input, or choose another mode"
    node: str
    missing: tuple[int, ...]


class ErrorOutputNotOn(Diagnostic):
    """A connection starts at an output that the node does not have.

    ## Why it matters
    No data ever leaves through this output. It is usually the error output of a node whose *On Error* is not set to
    *Continue (using error output)*: an error then stops the run instead.

    ## What to do
    Set *On Error* of the node to *Continue (using error output)*, or remove the connection.
    """

    code = "N8T213"
    severity = Severity.WARNING
    text = (
        "output {output} of {node!r} is connected, but does not exist (outputs: {outputs}): no data ever leaves there"
    )
    hint_text = "{advice}"
    node: str
    outputs: int
    output: int
    advice: str = ""


class ErrorOutputOpen(Diagnostic):
    """*On Error* is *Continue (using error output)*, but nothing is connected to the error output.

    ## Why it matters
    Items that fail disappear without notice, and the run is reported as successful.

    ## What to do
    Connect the error output, or set *On Error* to another value.
    """

    code = "N8T214"
    severity = Severity.WARNING
    text = "the error output of {node!r} is not connected: items that fail are lost"
    hint_text = "connect it, or set On Error to another value"
    node: str


class NoSuchInput(Diagnostic):
    """A connection ends at an input that the node does not have.

    ## Why it matters
    n8n counts the inputs that are connected and waits for those before, but the node never sees what arrives at an input
    that it does not have.

    ## What to do
    Connect to an existing input, or raise *Number of Inputs* of the node.
    """

    code = "N8T215"
    severity = Severity.WARNING
    text = "input {input} of {node!r} is connected, but does not exist (inputs: {inputs})"
    node: str
    inputs: int
    input: int


class WrongPort(Diagnostic):
    """A sub-node is connected to a port of another kind, or an ordinary node to an AI port.

    ## Why it matters
    The node that is served cannot use it. n8n's editor does not allow the connection.

    ## What to do
    Connect the sub-node to the port of its own kind, such as `ai_languageModel` for a chat model.
    """

    code = "N8T220"
    text = "{source!r} cannot serve {target!r} as {port}: {reason}"
    source: str
    target: str
    port: str
    reason: str


class MissingPart(Diagnostic):
    """An AI node lacks a sub-node that it requires, such as an agent without a chat model.

    ## Why it matters
    The node cannot run. n8n marks it in the editor and fails when it is reached.

    ## What to do
    Connect a sub-node of the kind that is missing, or enable the one that is connected.
    """

    code = "N8T221"
    text = "{node!r} requires {part}, but none is connected"
    hint_text = "{advice}"
    node: str
    part: str
    advice: str = ""


class TooManyParts(Diagnostic):
    """More sub-nodes are connected to a port than the node uses.

    ## Why it matters
    The surplus sub-nodes have no effect, and which of them is used may not be the one that was meant.

    ## What to do
    Remove the connections of the sub-nodes that are not needed.
    """

    code = "N8T222"
    severity = Severity.WARNING
    text = "{node!r} has {count} sub-nodes as {part}, but uses only {limit}"
    node: str
    part: str
    count: int
    limit: int


class PartAlone(Diagnostic):
    """A sub-node is not connected to any node.

    ## Why it matters
    The sub-node is never used.

    ## What to do
    Connect it to the node that it is meant for, or delete it.
    """

    code = "N8T223"
    severity = Severity.WARNING
    text = "the sub-node {node!r} is not connected to any node"
    hint_text = "connect it or delete it"
    node: str
