"""2xx: nodes and the connections between them."""

from schemas.diagnostic.base import Diagnostic, Severity


class DuplicateName(Diagnostic):
    """Two nodes have one name. Names are the keys of connections, pinned data and expressions, so one would be lost."""

    code = "N8T201"
    text = "two nodes are named {name!r}"
    hint_text = "rename one of them, in the connections and in expressions too"
    name: str


class DanglingConnection(Diagnostic):
    """A connection leads to a node that is not there. As in n8n, a run fails when it follows it, and only then."""

    code = "N8T202"
    severity = Severity.WARNING
    text = "{source!r} is connected to {target!r}, which does not exist: a run that gets there fails"
    hint_text = "{advice}"
    source: str
    target: str
    advice: str = ""


class StaleConnections(Diagnostic):
    """`connections` has an entry for a node that is not there, left over from renaming or deleting it."""

    code = "N8T203"
    severity = Severity.WARNING
    text = "connections of {source!r} are dropped: there is no such node"
    hint_text = "{advice}"
    at_key = True
    source: str
    advice: str = ""


class DuplicateConnection(Diagnostic):
    """Two nodes are connected twice in the same way, so the second one runs twice, as in n8n."""

    code = "N8T204"
    severity = Severity.WARNING
    text = "{source!r} is connected to {target!r} twice in the same way, so {target!r} runs twice"
    hint_text = "remove one of the two connections"
    source: str
    target: str


class SelfConnection(Diagnostic):
    """A node is connected to itself. It runs again with its own output for as long as it has any: rarely meant."""

    code = "N8T205"
    severity = Severity.WARNING
    text = "{node!r} is connected to itself"
    hint_text = "remove the connection, or use Loop Over Items"
    node: str


class Unreachable(Diagnostic):
    """No trigger leads to this node, so it never runs. n8n does not tell."""

    code = "N8T206"
    severity = Severity.WARNING
    text = "{node!r} never runs: no trigger leads to it"
    hint_text = "connect it, disable it or delete it"
    node: str


class NoTrigger(Diagnostic):
    """Nothing starts the workflow: it has no trigger, or its triggers are disabled."""

    code = "N8T207"
    text = "the workflow has no trigger{disabled}"
    hint_text = "add a trigger: Manual, Webhook, Schedule, or When Executed by Another Workflow"
    disabled: str = ""


class SeveralTriggers(Diagnostic):
    """The workflow has several triggers. Each start runs only what its own trigger leads to."""

    code = "N8T208"
    severity = Severity.INFO
    text = "{count} triggers: {triggers}; each starts a run of its own"
    count: int
    triggers: tuple[str, ...]


class EndlessCycle(Diagnostic):
    """Nodes are connected in a circle, and each of them passes on whatever comes in: a run that enters never ends.

    A loop needs a node that can stop it: Loop Over Items, IF, Switch, Filter, or Code that returns nothing.
    """

    code = "N8T209"
    text = "the loop {nodes} never ends: no node in it can stop it"
    hint_text = "put an IF or Loop Over Items into it, or remove the connection that closes it"
    nodes: tuple[str, ...]


class LoopNotClosed(Diagnostic):
    """The loop output of Loop Over Items leads somewhere, but not back: only the first batch is ever worked on."""

    code = "N8T210"
    severity = Severity.WARNING
    text = "the loop of {node!r} never comes back to it: only the first batch is worked on"
    hint_text = "connect the last node of the loop to {node!r}"
    node: str


class LoopAlwaysReset(Diagnostic):
    """Loop Over Items with `reset` always on starts again with each arrival, so its loop never ends."""

    code = "N8T211"
    text = "{node!r} starts again with each batch (reset is on), so its loop never ends"
    hint_text = "turn reset off, or make it an expression such as ={{{{ $prevNode.name === 'First' }}}}"
    node: str


class NeverFires(Diagnostic):
    """The node waits for inputs that nothing is connected to, so it never runs (n8n: required inputs, order v1)."""

    code = "N8T212"
    text = "{node!r} never runs: it waits for input {missing}, to which nothing is connected"
    hint_text = "connect the input, or choose another mode"
    node: str
    missing: tuple[int, ...]


class ErrorOutputNotOn(Diagnostic):
    """A connection leaves an output that the node does not have, usually its error output while *On Error* is not set to
    *Continue (using error output)*. Nothing ever leaves there.
    """

    code = "N8T213"
    severity = Severity.WARNING
    text = "{node!r} has {outputs} outputs, but output {output} is connected; nothing ever leaves there"
    hint_text = "{advice}"
    node: str
    outputs: int
    output: int
    advice: str = ""


class ErrorOutputOpen(Diagnostic):
    """*On Error* is *Continue (using error output)*, but nothing is connected to that output: items that fail vanish."""

    code = "N8T214"
    severity = Severity.WARNING
    text = "the error output of {node!r} is not connected: items that fail vanish"
    hint_text = "connect it, or set On Error to another value"
    node: str


class NoSuchInput(Diagnostic):
    """A connection enters an input that the node does not have. With inputs that are never filled n8n waits for them."""

    code = "N8T215"
    severity = Severity.WARNING
    text = "{node!r} has {inputs} inputs, but input {input} is connected"
    node: str
    inputs: int
    input: int


class WrongPort(Diagnostic):
    """A sub-node is connected to a port that takes something else, or a node that is no sub-node to an AI port."""

    code = "N8T220"
    text = "{source!r} cannot serve {target!r} as {port}: {reason}"
    source: str
    target: str
    port: str
    reason: str


class MissingPart(Diagnostic):
    """An AI node lacks a sub-node that it cannot work without, for instance an agent without a model."""

    code = "N8T221"
    text = "{node!r} has no {part} connected"
    hint_text = "{advice}"
    node: str
    part: str
    advice: str = ""


class TooManyParts(Diagnostic):
    """More sub-nodes are connected to a port than n8n uses; the others are left out."""

    code = "N8T222"
    severity = Severity.WARNING
    text = "{node!r} has {count} of {part} connected; {limit} is used"
    node: str
    part: str
    count: int
    limit: int


class PartAlone(Diagnostic):
    """A sub-node serves no node: it is never used."""

    code = "N8T223"
    severity = Severity.WARNING
    text = "the sub-node {node!r} is not connected to any node"
    hint_text = "connect it or delete it"
    node: str
