"""7xx: security."""

from schemas.diagnostic.base import Diagnostic, Severity


class SecretInParameter(Diagnostic):
    """A parameter contains a value that looks like a secret.

    ## Why it matters
    Exports are shared and kept in version control, and plans are kept in the history of runs. Anyone who can read one of
    them can read the secret.

    ## What to do
    Store the value in a credential, and revoke the secret that was in the file.
    """

    code = "N8T701"
    severity = Severity.WARNING
    text = "{parameter} contains what looks like a secret"
    hint_text = "store it in a credential, and revoke this secret: it has been in a file"
    parameter: str


class OpenWebhook(Diagnostic):
    """The webhook accepts requests without authentication.

    ## Why it matters
    Anyone who knows or guesses the URL can start the workflow with any data.

    ## What to do
    Set *Authentication* of the webhook. If the sender signs its requests and the workflow verifies the signature,
    suppress the finding and say so.
    """

    code = "N8T702"
    severity = Severity.WARNING
    text = "{node!r} accepts requests without authentication"
    hint_text = "set Authentication, or suppress this if the workflow verifies a signature of the sender"
    node: str


class CertificatesUnchecked(Diagnostic):
    """The node accepts any TLS certificate (*Ignore SSL Issues*).

    ## Why it matters
    The identity of the server is not verified, so an attacker on the network path can read and change the traffic,
    credentials included.

    ## What to do
    Turn *Ignore SSL Issues* off. For a private certificate authority, add its certificate to the operator's trust store.
    """

    code = "N8T703"
    severity = Severity.WARNING
    text = "{node!r} accepts any TLS certificate"
    hint_text = "turn Ignore SSL Issues off, or add the certificate authority to the operator's trust store"
    node: str


class CredentialOverHttp(Diagnostic):
    """The node sends a credential over plain HTTP.

    ## Why it matters
    HTTP is not encrypted, so the credential is readable at every point between the service and the server.

    ## What to do
    Use an `https` URL.
    """

    code = "N8T704"
    severity = Severity.WARNING
    text = "{node!r} sends its credential over plain HTTP to {host}"
    hint_text = "use https"
    node: str
    host: str


class QueryFromData(Diagnostic):
    """An SQL query is assembled from data by an expression.

    ## Why it matters
    The data can change the meaning of the query (SQL injection), for instance through a quote in a name.

    ## What to do
    Write `$1`, `$2`, ... in the query and pass the values as *Query Parameters*.
    """

    code = "N8T705"
    severity = Severity.WARNING
    text = "the query of {node!r} is assembled from data"
    hint_text = "write $1, $2, ... in the query and pass the values as Query Parameters"
    node: str
