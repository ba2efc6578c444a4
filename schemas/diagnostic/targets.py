"""8xx: what another version of n8n does otherwise (`tempor8 report --target`)."""

from schemas.diagnostic.base import Diagnostic, Severity


class RemovedInTarget(Diagnostic):
    """n8n 3.0 removes the node, the kind of it that is chosen, or a helper that it uses.

    ## Why it matters
    In n8n 3.0 the workflow fails there. The message says whether it keeps running here.

    ## How it arises
    `tempor8 report --target n8n-3` looks for it; other verbs do not. The source is n8n's page
    [v3.0 breaking changes](https://docs.n8n.io/changelog/v30-breaking-changes/).

    ## What to do
    To stay able to go to n8n 3.0, replace it as the hint says. To stay here, nothing.
    """

    code = "N8T801"
    severity = Severity.WARNING
    text = "{target} removes {what}; {here}"
    hint_text = "{instead}"
    target: str
    what: str
    instead: str
    here: str


class ChangedInTarget(Diagnostic):
    """n8n 3.0 does something else with the node as it is set up.

    ## Why it matters
    The workflow gives other results in n8n 3.0, or fails there. Here it goes on as in n8n 2.

    ## How it arises
    `tempor8 report --target n8n-3` looks for it; other verbs do not. The source is n8n's page
    [v3.0 breaking changes](https://docs.n8n.io/changelog/v30-breaking-changes/).

    ## What to do
    Before you go to n8n 3.0, set the node up so that both do the same. To stay here, nothing.
    """

    code = "N8T802"
    severity = Severity.WARNING
    text = "{target} {change}; {here}"
    hint_text = "{instead}"
    target: str
    change: str
    instead: str
    here: str
