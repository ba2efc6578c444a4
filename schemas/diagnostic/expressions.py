"""4xx: expressions and code."""

from schemas.diagnostic.base import Diagnostic, Severity


class InvalidExpression(Diagnostic):
    """n8n refuses this expression whenever it is read: it does not parse, or it uses what is blocked."""

    code = "N8T401"
    text = "invalid expression in {parameter}: {reason}"
    hint_text = "{advice}"
    parameter: str
    reason: str
    advice: str = ""


class InvalidCode(Diagnostic):
    """The program of a Code node does not parse."""

    code = "N8T402"
    text = "invalid code in {parameter}: {reason}"
    parameter: str
    reason: str


class UnknownReference(Diagnostic):
    """An expression names a node that is not in the workflow. n8n raises "Referenced node doesn't exist" when it is read."""

    code = "N8T403"
    severity = Severity.ERROR
    text = "{parameter} refers to the node {name!r}, which does not exist"
    hint_text = "{advice}"
    parameter: str
    name: str
    advice: str = ""


class NotUpstream(Diagnostic):
    """An expression reads a node that does not come before this one, so there may be nothing to read: n8n raises
    "Node 'X' hasn't been executed", and with `.item` "No path back to referenced node".
    """

    code = "N8T404"
    severity = Severity.WARNING
    text = "{parameter} reads {name!r}, which does not come before this node"
    hint_text = "read a node that leads here, or merge the branches first"
    parameter: str
    name: str


class OtherBranch(Diagnostic):
    """An expression reads a node of another branch: it has run only if the order of the branches and the data allow it."""

    code = "N8T405"
    severity = Severity.WARNING
    text = "{parameter} reads {name!r}, which is on another branch"
    hint_text = "merge the branches first, or test with $('{name}').isExecuted"
    parameter: str
    name: str


class PinnedPathMissing(Diagnostic):
    """The node before has pinned data, and none of its items has this field."""

    code = "N8T406"
    severity = Severity.INFO
    text = "{parameter} reads $json.{path}, which no pinned item of {name!r} has"
    hint_text = "{advice}"
    parameter: str
    path: str
    name: str
    advice: str = ""


class UnboundedScript(Diagnostic):
    """The expression may take long on large data (a sort, a regular expression, a loop), so it runs outside workflow code,
    in an activity of its own with a time limit.
    """

    code = "N8T407"
    severity = Severity.INFO
    text = "{parameter} may take long; it runs in an activity of its own"
    parameter: str


class NotAvailable(Diagnostic):
    """A program uses something that Code nodes do not have here."""

    code = "N8T408"
    severity = Severity.WARNING
    text = "{parameter} uses {what}, which is not available"
    hint_text = "{advice}"
    parameter: str
    what: str
    advice: str = ""


class NoEqualsSign(Diagnostic):
    """The text has `{{ }}` but does not start with `=`, so n8n takes it as it stands and evaluates nothing."""

    code = "N8T410"
    severity = Severity.WARNING
    text = "{parameter} is plain text: {excerpt!r} is not evaluated"
    hint_text = "switch the field to Expression (an = at its beginning)"
    parameter: str
    excerpt: str


class EnvironmentRead(Diagnostic):
    """The expression reads an environment variable; n8n 2 denies that by default, and tempor8 always does."""

    code = "N8T411"
    severity = Severity.WARNING
    text = "{parameter} reads $env, which is denied"
    hint_text = "use a variable ($vars) or a credential"
    parameter: str
