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
