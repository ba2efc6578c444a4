"""1xx: from bytes to an export."""

from schemas.diagnostic.base import Diagnostic, Severity


class NotJson(Diagnostic):
    """The file is not valid JSON, so nothing in it can be read.

    ## Why it matters
    n8n cannot import the file either. The position in the message is where the reader stopped; the cause is often just
    before it: a trailing or missing comma, an unescaped quote or line break inside a string, or a file that was cut off.

    ## What to do
    Export the workflow from n8n again (*Download*). If the file was edited by hand, correct the reported position.
    """

    code = "N8T101"
    suppressible = False
    text = "the file is not valid JSON: {reason}"
    hint_text = "{advice}"
    reason: str
    advice: str = ""


class NotUtf8(Diagnostic):
    """The file contains bytes that are not valid UTF-8, the only encoding that JSON allows (RFC 8259).

    ## Why it matters
    A guess at the encoding could change names and texts without notice, so the file is not read at all.

    ## What to do
    Save the file as UTF-8 in the editor or tool that wrote it.
    """

    code = "N8T102"
    suppressible = False
    text = "the file is not valid UTF-8: {format} (byte {byte} at offset {position})"
    hint_text = "{advice}"
    byte: str
    position: int
    format: str = "this is another encoding"
    advice: str = "save the file as UTF-8"


class EmptyFile(Diagnostic):
    """The file is empty or contains only white space.

    ## Why it matters
    There is nothing to compile. The usual cause is a download or a script that failed half-way.

    ## What to do
    Export the workflow from n8n again.
    """

    code = "N8T103"
    suppressible = False
    text = "the file is empty"
    hint_text = "export the workflow from n8n again"


class DuplicateKey(Diagnostic):
    """An object contains the same key twice.

    ## Why it matters
    JSON readers, n8n's included, keep only the last value. The first one is lost without notice, which in a file that
    was edited by hand is usually a mistake.

    ## What to do
    Remove one of the two members.
    """

    code = "N8T104"
    severity = Severity.WARNING
    text = "the key {key!r} occurs twice; only the last value is used"
    hint_text = "remove one of the two members"
    at_key = True
    key: str


class TooDeep(Diagnostic):
    """The document is nested more deeply than the limit.

    ## Why it matters
    No real workflow is nested that deeply. Reading stops at the limit so that a hostile file cannot exhaust memory.

    ## What to do
    Check how the file was produced; export the workflow from n8n again.
    """

    code = "N8T105"
    suppressible = False
    text = "the document is nested more than {limit} levels deep"
    limit: int


class TooLarge(Diagnostic):
    """The file is larger than the limit for an export.

    ## Why it matters
    The file is not read at all. Nodes and connections are small; what makes an export large is pinned data.

    ## What to do
    Unpin the data in n8n's editor and export the workflow again.
    """

    code = "N8T106"
    suppressible = False
    text = "the file has {size} bytes; the limit is {limit}"
    hint_text = "unpin the data in the editor and export again"
    size: int
    limit: int


class NotAnExport(Diagnostic):
    """The file is valid JSON but contains no n8n workflow: there is no list of `nodes`.

    ## Why it matters
    There is nothing to compile. Three forms are accepted: a workflow `{nodes, connections, ...}`; a wrapper that n8n's
    API, its template site or a backup tool puts around one (`{data: ...}`, `{workflow: ...}`); a list of workflows.

    ## What to do
    Use *Download* in n8n's editor, or save the workflow out of the document that contains it.
    """

    code = "N8T107"
    suppressible = False
    text = "the file is not an n8n export: {reason}"
    hint_text = "{advice}"
    reason: str
    advice: str = ""


class SeveralDocuments(Diagnostic):
    """There is more text after the end of the JSON document, such as a second export that was pasted after the first.

    ## Why it matters
    A JSON file holds one document. It is not clear which of the two was meant, so neither is read.

    ## What to do
    Keep one document per file, or put several workflows into one JSON list.
    """

    code = "N8T108"
    suppressible = False
    text = "there is more text after the end of the JSON document: {excerpt!r}"
    hint_text = "keep one document per file, or put several workflows into one list"
    excerpt: str


class NotANumber(Diagnostic):
    """The file contains `NaN`, `Infinity` or `-Infinity`, which JSON does not allow.

    ## Why it matters
    Some tools, Python's `json` among them, write these constants by default. Strict readers such as n8n's refuse the
    file.

    ## What to do
    Write `null`, or an expression such as `={{ NaN }}` in a parameter of a node.
    """

    code = "N8T109"
    suppressible = False
    text = "{constant} is not valid JSON"
    hint_text = "write null, or an expression such as ={{{{ NaN }}}}"
    constant: str


class TooManyNodes(Diagnostic):
    """The workflow has more nodes than the limit.

    ## Why it matters
    The plan of a workflow is carried to every process that works on a run, so its size is limited.

    ## What to do
    Split the workflow into sub-workflows (*Execute Sub-workflow*).
    """

    code = "N8T110"
    suppressible = False
    text = "the workflow has {nodes} nodes; the limit is {limit}"
    hint_text = "split the workflow into sub-workflows"
    nodes: int
    limit: int


class BadNode(Diagnostic):
    """An entry of `nodes` is not a node: it is not an object, or it has no name or no type.

    ## Why it matters
    n8n refuses to import such a workflow. The entry cannot be compiled, because the name identifies the node and the
    type decides what it does.

    ## What to do
    Export the workflow from n8n again, or add the missing field.
    """

    code = "N8T111"
    suppressible = False
    text = "an entry of `nodes` is not a node: {reason}"
    hint_text = "{advice}"
    reason: str
    advice: str = ""


class BadConnections(Diagnostic):
    """`connections` does not have n8n's structure, `{source: {type: [[{node, type, index}]]}}`.

    ## Why it matters
    n8n cannot follow such a connection, and the order of the nodes would be a guess.

    ## What to do
    Write each target as an object with `node`, `type` and `index`, in one list per output.
    """

    code = "N8T112"
    suppressible = False
    text = "`connections` has the wrong structure: {reason}"
    hint_text = 'n8n writes "Source": {{"main": [[{{"node": "Target", "type": "main", "index": 0}}]]}}'
    reason: str


class WrongType(Diagnostic):
    """A field of the workflow or of a node has a different JSON type from the one that n8n writes.

    ## Why it matters
    The value is ignored, as if the field were absent. A flag that was written as text, for instance, is off.

    ## What to do
    Write the value with the expected type.
    """

    code = "N8T113"
    severity = Severity.WARNING
    text = "{field} should be {expected}, but is {actual}; it is ignored"
    field: str
    expected: str
    actual: str


class NoNodes(Diagnostic):
    """The workflow has no nodes, or only sticky notes.

    ## Why it matters
    There is nothing to run.

    ## What to do
    Add a trigger and at least one node, or leave the file out.
    """

    code = "N8T114"
    suppressible = False
    text = "the workflow has no nodes to run"


class NotN8nTypes(Diagnostic):
    """None of the node types has n8n's form, `<package>.<name>`.

    ## Why it matters
    The file belongs to another tool, or its types were invented. Neither n8n nor tempor8 knows what such nodes do.

    ## What to do
    Export the workflow from n8n itself, or write the full types, such as `n8n-nodes-base.httpRequest`.
    """

    code = "N8T115"
    text = "no node has an n8n type (such as n8n-nodes-base.set); the types are {types}"
    hint_text = "export the workflow from n8n itself"
    types: tuple[str, ...]


class ConnectionsMissing(Diagnostic):
    """The export has several nodes and no member `connections`.

    ## Why it matters
    Only the start node would run. n8n always writes the member, even if it is empty, so the file is probably incomplete.

    ## What to do
    Export the workflow from n8n again. If nothing is meant to be connected, add `"connections": {}`.
    """

    code = "N8T116"
    text = "the export has {nodes} nodes but no connections"
    hint_text = "export the workflow from n8n again"
    nodes: int


class Unreadable(Diagnostic):
    """The file cannot be opened or read.

    ## How it arises
    No content of a file leads to this code. The command line reports it when the operating system refuses to read the
    file: it does not exist, it is a folder, or its permissions do not allow it.

    ## Why it matters
    The file is not checked. The other files of the same command are.

    ## What to do
    Check the path and the permissions of the file.
    """

    code = "N8T117"
    suppressible = False
    text = "the file cannot be read: {reason}"
    reason: str


class Unwrapped(Diagnostic):
    """The workflow was found inside a wrapper, as n8n's API, its template site and some backup tools write it.

    ## Why it matters
    The workflow is compiled as usual; everything else in the document is ignored. n8n's own import expects the workflow
    without the wrapper.

    ## What to do
    Nothing is required. To make the file importable in n8n as well, save the inner object as a file of its own.
    """

    code = "N8T120"
    severity = Severity.INFO
    text = "the workflow was found inside a wrapper, at {wrapper!r}"
    wrapper: str


class Normalised(Diagnostic):
    """An old or unusual form was read as n8n reads it; the message says what was changed.

    ## Why it matters
    The workflow runs as in n8n. The message exists so that no change to the input goes unnoticed.

    ## What to do
    Nothing is required. n8n writes the current form when the workflow is saved and exported again.
    """

    code = "N8T121"
    severity = Severity.INFO
    text = "{what}"
    what: str


class ByteOrderMark(Diagnostic):
    """The file starts with a byte order mark (BOM), which JSON does not allow.

    ## Why it matters
    The compiler skips the mark; n8n's import refuses the file. Some Windows editors write it.

    ## What to do
    Save the file as UTF-8 without BOM.
    """

    code = "N8T122"
    severity = Severity.INFO
    text = "the file starts with a byte order mark, which is skipped"
