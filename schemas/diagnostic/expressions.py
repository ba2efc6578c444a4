"""4xx: expressions and code."""

from schemas.diagnostic.base import Diagnostic, Severity


class InvalidExpression(Diagnostic):
    """The expression has a syntax error, or uses something that n8n blocks.

    ## Why it matters
    n8n raises an error whenever it evaluates the expression, so the node can never run.
    It is a warning because n8n starts such a workflow, and so does tempor8: a run that reaches the node fails there.
    `--fail-on warning` stops it in CI.

    ## What to do
    Correct the expression at the reported position.
    """

    code = "N8T401"
    severity = Severity.WARNING
    text = "the expression in {parameter} is invalid: {reason}"
    hint_text = "{advice}"
    parameter: str
    reason: str
    advice: str = ""


class InvalidCode(Diagnostic):
    """The program of a Code node has a syntax error.

    ## Why it matters
    The node fails every time it runs.
    It is a warning because n8n starts such a workflow, and so does tempor8: a run that reaches the node fails there.
    `--fail-on warning` stops it in CI.

    ## What to do
    Correct the program at the reported position.
    """

    code = "N8T402"
    severity = Severity.WARNING
    text = "the code in {parameter} is invalid: {reason}"
    parameter: str
    reason: str


class UnknownReference(Diagnostic):
    """An expression refers to a node that is not part of the workflow.

    ## Why it matters
    n8n raises "Referenced node doesn't exist" when it evaluates the expression. The usual cause is a node that was
    renamed or deleted outside the editor.
    It is a warning because n8n starts such a workflow, and so does tempor8: a run that reaches the node fails there.
    `--fail-on warning` stops it in CI.

    ## What to do
    Write the current name of the node; names are case-sensitive.
    """

    code = "N8T403"
    severity = Severity.WARNING
    text = "{parameter} refers to the node {name!r}, which does not exist"
    hint_text = "{advice}"
    parameter: str
    name: str
    advice: str = ""


class NotUpstream(Diagnostic):
    """An expression reads a node that does not come before this one.

    ## Why it matters
    The node may not have run yet. n8n then raises "Node 'X' hasn't been executed", or, for `.item`,
    "Invalid expression".

    ## What to do
    Read a node that leads to this one, or connect the node that is read so that it comes first.
    """

    code = "N8T404"
    severity = Severity.WARNING
    text = "{parameter} reads {name!r}, which does not come before this node"
    hint_text = "read a node that leads to this one, or merge the branches first"
    parameter: str
    name: str


class OtherBranch(Diagnostic):
    """An expression reads a node of another branch.

    ## Why it matters
    The node has run only if the data took that branch too, and only if n8n's order puts that branch first. Otherwise the
    expression raises an error.

    ## What to do
    Join the branches with a Merge node and read after it, or test with `$('Name').isExecuted` first.
    """

    code = "N8T405"
    severity = Severity.WARNING
    text = "{parameter} reads {name!r}, which is on another branch"
    hint_text = "merge the branches first, or test with $('{name}').isExecuted"
    parameter: str
    name: str


class PinnedPathMissing(Diagnostic):
    """An expression reads a field that no item of the preceding node's pinned data has.

    ## Why it matters
    The expression evaluates to `undefined` for the pinned data, which is usually the sign of a misspelt field.

    ## What to do
    Correct the name of the field, or pin data that contains it.
    """

    code = "N8T406"
    severity = Severity.INFO
    text = "{parameter} reads $json.{path}, which no pinned item of {name!r} has"
    hint_text = "{advice}"
    parameter: str
    path: str
    name: str
    advice: str = ""


class UnboundedScript(Diagnostic):
    """The expression may take a long time on large data, because it sorts, loops or uses a regular expression.

    ## Why it matters
    It is evaluated in a Temporal activity with a time limit instead of inside the workflow, which adds one activity to
    the history of the run. The result is the same.

    ## What to do
    Nothing is required. To save the activity, do the work in a Sort, Filter or Code node before this one.
    """

    code = "N8T407"
    severity = Severity.INFO
    text = "the expression in {parameter} may take long; it is evaluated in an activity of its own"
    parameter: str


class NotAvailable(Diagnostic):
    """A program uses a module or a global that Code nodes do not offer.

    ## Why it matters
    The program fails when it gets there. In n8n, too, most modules are blocked unless the operator allows them.

    ## What to do
    Use what Code nodes offer instead (`$jmespath`, `DateTime`, `Buffer`), or a node made for the purpose.
    """

    code = "N8T408"
    severity = Severity.WARNING
    text = "{parameter} uses {what}, which is not available"
    hint_text = "{advice}"
    parameter: str
    what: str
    advice: str = ""


class NoEqualsSign(Diagnostic):
    """The text contains `{{ }}` but does not start with `=`.

    ## Why it matters
    n8n treats such a value as plain text: the braces are passed on as they are, and nothing is evaluated.

    ## What to do
    Switch the field from *Fixed* to *Expression* in the editor, which puts `=` at the beginning of the value.
    """

    code = "N8T410"
    severity = Severity.WARNING
    text = "{parameter} is plain text: {excerpt!r} is not evaluated"
    hint_text = "switch the field to Expression (an = at its beginning)"
    parameter: str
    excerpt: str


class EnvironmentRead(Diagnostic):
    """The expression reads an environment variable through `$env`.

    ## Why it matters
    tempor8 always denies access to the environment, because it is shared by all tenants; n8n 2 denies it by default.
    The expression raises an error.

    ## What to do
    Use a variable (`$vars`), or a credential if the value is secret.
    """

    code = "N8T411"
    severity = Severity.WARNING
    text = "{parameter} reads $env, which is denied"
    hint_text = "use a variable ($vars) or a credential"
    parameter: str
