"""2xx: nodes and the connections between them."""

from schemas.diagnostic.base import Diagnostic, Severity


class DuplicateName(Diagnostic):
    """Two nodes have one name. Names are the keys of connections, pinned data and expressions, so one would be lost."""

    code = "N8T201"
    text = "two nodes are named {name!r}"
    hint_text = "rename one of them, in the connections and in expressions too"
    name: str


class DanglingConnection(Diagnostic):
    """A connection leads to, or comes from, a node that is not there. It is dropped; n8n fails when it follows one."""

    code = "N8T202"
    severity = Severity.WARNING
    text = "the connection from {source!r} to {target!r} is dropped: there is no node {missing!r}"
    hint_text = "{advice}"
    source: str
    target: str
    missing: str
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
