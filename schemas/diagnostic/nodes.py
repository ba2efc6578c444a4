"""3xx: node types and their parameters."""

from schemas.diagnostic.base import Diagnostic, Severity


class UnsupportedNode(Diagnostic):
    """This build cannot run the node type. The export is valid all the same: unsupported is not invalid.

    `--allow-unsupported` compiles it with a step that raises a clear error when it is reached, so that other branches
    can run.
    """

    code = "N8T301"
    suppressible = False
    text = "the node type {type} is not supported"
    hint_text = "{advice}"
    type: str
    advice: str = ""


class UnsupportedVersion(Diagnostic):
    """The node type is supported, but not in this typeVersion."""

    code = "N8T302"
    suppressible = False
    text = "version {version} of {type} is not supported; supported are {supported}"
    hint_text = "the nearest is {nearest}: replace the node in the editor by a fresh one"
    type: str
    version: float
    supported: tuple[float, ...]
    nearest: float


class UnknownParameter(Diagnostic):
    """The node type has no such parameter in this version; n8n ignores it, and so does tempor8."""

    code = "N8T303"
    severity = Severity.WARNING
    text = "{type} {version} has no parameter {name!r}; it is ignored"
    hint_text = "{advice}"
    at_key = True
    type: str
    version: float
    name: str
    advice: str = ""


class MissingParameter(Diagnostic):
    """A required parameter is empty. n8n refuses to run a workflow with such a node ("The workflow has issues")."""

    code = "N8T304"
    text = "the parameter {name!r} is required"
    name: str


class InvalidParameter(Diagnostic):
    """A constant does not fit the type of its parameter. n8n refuses to run a workflow with such a node ("The workflow
    has issues")."""

    code = "N8T305"
    text = "{reason}"
    reason: str


class UnsupportedChoice(Diagnostic):
    """The node type is supported, but not with this value of a parameter (a kind, a mode, an operation)."""

    code = "N8T306"
    text = "{name} {value!r} of the {type} node is not supported"
    hint_text = "{advice}"
    type: str
    name: str
    value: str
    advice: str = ""


class UnusedSuppression(Diagnostic):
    """The node's notes silence a code that is not told about this node (any more): remove the sentence."""

    code = "N8T390"
    severity = Severity.INFO
    text = "the notes ignore {suppressed}, which is not told about this node"
    hint_text = "remove it from the notes"
    suppressed: str
