"""1xx: from bytes to an export."""

from schemas.diagnostic.base import Diagnostic, Severity


class NotJson(Diagnostic):
    """The file is not JSON, so nothing in it can be read.

    The place is where the reader gave up; the cause is often just before it: a missing or trailing comma, a quote or a
    line break inside a string that is not escaped, a file that was cut off. Export the workflow from n8n again
    (*Download*) rather than repairing it by hand.
    """

    code = "N8T101"
    suppressible = False
    text = "not JSON: {reason}"
    hint_text = "{advice}"
    reason: str
    advice: str = ""


class NotUtf8(Diagnostic):
    """The file has bytes that are not UTF-8, the only encoding that JSON has (RFC 8259)."""

    code = "N8T102"
    suppressible = False
    text = "not UTF-8: {format} (byte {byte} at offset {position})"
    hint_text = "{advice}"
    byte: str
    position: int
    format: str = "this is another encoding"
    advice: str = "save the file as UTF-8"


class EmptyFile(Diagnostic):
    """The file is empty."""

    code = "N8T103"
    suppressible = False
    text = "the file is empty"
    hint_text = "export the workflow from n8n again"


class DuplicateKey(Diagnostic):
    """An object has a key twice. JSON readers keep the last one, n8n too: what the first one said is lost.

    This is an error inside `nodes` and `connections` of hand-edited files more often than not; remove one of the two.
    """

    code = "N8T104"
    severity = Severity.WARNING
    text = "the key {key!r} occurs twice; the last one holds"
    hint_text = "remove one of the two"
    at_key = True
    key: str


class TooDeep(Diagnostic):
    """The document is nested deeper than any workflow: reading stops there, so that a hostile file costs nothing."""

    code = "N8T105"
    suppressible = False
    text = "nested deeper than {limit} levels"
    limit: int


class TooLarge(Diagnostic):
    """The file is larger than the limit for an export. Pinned data is what makes exports large; remove it."""

    code = "N8T106"
    suppressible = False
    text = "the file has {size} bytes; the limit is {limit}"
    hint_text = "unpin data in the editor and export again"
    size: int
    limit: int


class NotAnExport(Diagnostic):
    """The file is JSON but not an n8n workflow: it has no `nodes`.

    Accepted shapes: a workflow `{nodes, connections, ...}`, what n8n's API and its templates wrap it in
    (`{data: ...}`, `{workflow: ...}`), and a list of workflows.
    """

    code = "N8T107"
    suppressible = False
    text = "not an n8n export: {reason}"
    hint_text = "{advice}"
    reason: str
    advice: str = ""


class SeveralDocuments(Diagnostic):
    """There is more text after the end of the JSON document, for instance a second export pasted behind the first."""

    code = "N8T108"
    suppressible = False
    text = "there is more after the end of the JSON document: {excerpt!r}"
    hint_text = "keep one document per file, or wrap several workflows in a list"
    excerpt: str


class NotANumber(Diagnostic):
    """JSON has no NaN and no Infinity. Python's and some JavaScript tools write them all the same."""

    code = "N8T109"
    suppressible = False
    text = "{constant} is not JSON"
    hint_text = "write null, or an expression such as ={{{{ NaN }}}}"
    constant: str


class TooManyNodes(Diagnostic):
    """The export has more nodes than the limit."""

    code = "N8T110"
    suppressible = False
    text = "{nodes} nodes; the limit is {limit}"
    hint_text = "split the workflow into sub-workflows"
    nodes: int
    limit: int


class BadNode(Diagnostic):
    """An entry of `nodes` is not a node: it is no object, or it has no name or no type. n8n refuses to import it."""

    code = "N8T111"
    suppressible = False
    text = "not a node: {reason}"
    hint_text = "{advice}"
    reason: str
    advice: str = ""


class BadConnections(Diagnostic):
    """`connections` does not have n8n's shape `{source: {type: [[{node, type, index}]]}}`. n8n cannot follow it."""

    code = "N8T112"
    suppressible = False
    text = "connections are misshapen: {reason}"
    hint_text = 'n8n writes "Source": {{"main": [[{{"node": "Target", "type": "main", "index": 0}}]]}}'
    reason: str


class WrongType(Diagnostic):
    """A field of the workflow or of a node has another JSON type than n8n gives it; it is read as if it were absent."""

    code = "N8T113"
    severity = Severity.WARNING
    text = "{field} should be {expected}, but is {actual}; it is ignored"
    field: str
    expected: str
    actual: str


class NoNodes(Diagnostic):
    """The workflow has no nodes, or nothing but sticky notes."""

    code = "N8T114"
    suppressible = False
    text = "the workflow has no nodes to run"


class NotN8nTypes(Diagnostic):
    """None of the node types has n8n's form `<package>.<name>`: this is JSON of another tool, or was made up."""

    code = "N8T115"
    text = "no node has an n8n type (such as n8n-nodes-base.set); found {types}"
    hint_text = "export the workflow from n8n itself"
    types: tuple[str, ...]


class ConnectionsMissing(Diagnostic):
    """The export has several nodes and no `connections`: only its start node would run."""

    code = "N8T116"
    text = "the export has {nodes} nodes but no connections"
    hint_text = "export the workflow from n8n again"
    nodes: int


class Unreadable(Diagnostic):
    """The file cannot be read."""

    code = "N8T117"
    suppressible = False
    text = "cannot read the file: {reason}"
    reason: str


class Unwrapped(Diagnostic):
    """The workflow was found inside a wrapper, as n8n's API, its templates and some backup tools write it."""

    code = "N8T120"
    severity = Severity.INFO
    text = "the workflow was found inside {wrapper}"
    wrapper: str


class Normalised(Diagnostic):
    """An old or odd shape was read as n8n reads it; the sentence says what was changed."""

    code = "N8T121"
    severity = Severity.INFO
    text = "{what}"
    what: str


class ByteOrderMark(Diagnostic):
    """The file starts with a byte order mark, which JSON does not allow and n8n's import refuses."""

    code = "N8T122"
    severity = Severity.INFO
    text = "the file starts with a byte order mark; it is skipped"
