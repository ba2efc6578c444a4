"""3xx: webhooks and the nodes that respond to them."""

from schemas.diagnostic.base import Diagnostic, Severity


class WebhookClash(Diagnostic):
    """Two webhooks of the workflow have the same path and the same HTTP method.

    ## Why it matters
    A request could not be assigned to one of them. n8n refuses to activate such a workflow.

    ## What to do
    Change the path or the method of one of them.
    """

    code = "N8T315"
    text = "{node!r} has the same path and method as {other!r}: {method} {path}"
    hint_text = "change one of the paths"
    node: str
    other: str
    method: str
    path: str


class NoRespondNode(Diagnostic):
    """The webhook responds *Using 'Respond to Webhook' Node*, but no such node comes after it.

    ## Why it matters
    n8n answers each request with an error. Where the workflow has other triggers, and where a Wait node waits for the
    request, this is a warning: those runs start.

    ## What to do
    Add a Respond to Webhook node, or change *Respond* of the webhook.
    """

    code = "N8T316"
    text = "{node!r} waits for a Respond to Webhook node, but none comes after it"
    hint_text = "add the node, or change Respond to another mode"
    node: str


class RespondUnheard(Diagnostic):
    """No webhook that precedes the Respond to Webhook node waits for its response.

    ## Why it matters
    The response is never sent. The caller gets the response of the webhook's own mode.

    ## What to do
    Set *Respond* of the webhook to *Using 'Respond to Webhook' Node*, or remove the node.
    """

    code = "N8T317"
    severity = Severity.WARNING
    text = "the response of {node!r} is never sent: no webhook before it responds using this node"
    hint_text = "set Respond of the webhook to Using Respond to Webhook Node"
    node: str


class LateParameter(Diagnostic):
    """A parameter of a trigger that listens for requests is an expression over what is known in a run only.

    ## Why it matters
    The parameter is read when a request comes, before there is a run. Constants and `$workflow.id` or `$workflow.name` have
    their values here; anything else is not evaluated. An option of a webhook that n8n evaluates over `$json` fails there,
    too.

    ## What to do
    Write plain text. For a response that depends on data, set *Respond* to *Using 'Respond to Webhook' Node*.
    """

    code = "N8T321"
    unsupported = True
    text = "{parameter} of {node!r} is read before a run begins, and its expression is not evaluated"
    hint_text = "write plain text, or answer with a Respond to Webhook node"
    parameter: str
    node: str

    @property
    def lacks(self) -> str:
        """The parameter."""
        return f"expressions in {self.parameter} of triggers"
