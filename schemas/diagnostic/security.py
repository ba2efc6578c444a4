"""7xx: security."""

from schemas.diagnostic.base import Diagnostic, Severity


class SecretInParameter(Diagnostic):
    """A parameter holds what looks like a secret. Exports are shared and kept in git, and plans are kept in history."""

    code = "N8T701"
    severity = Severity.WARNING
    text = "{parameter} holds what looks like a secret"
    hint_text = "put it into a credential, and replace the secret: it has been in a file"
    parameter: str


class OpenWebhook(Diagnostic):
    """Anybody who knows the address can start the workflow."""

    code = "N8T702"
    severity = Severity.WARNING
    text = "{node!r} takes requests from anybody"
    hint_text = "set Authentication, or ignore this where the sender signs its requests and the workflow checks it"
    node: str


class CertificatesUnchecked(Diagnostic):
    """The node accepts any TLS certificate, so anybody in between can read and change what it sends."""

    code = "N8T703"
    severity = Severity.WARNING
    text = "{node!r} accepts any certificate"
    hint_text = "turn Ignore SSL Issues off, or add the authority to the operator's trust store"
    node: str


class CredentialOverHttp(Diagnostic):
    """A credential is sent over plain HTTP, readable for everybody in between."""

    code = "N8T704"
    severity = Severity.WARNING
    text = "{node!r} sends its credential over plain HTTP to {host}"
    hint_text = "use https"
    node: str
    host: str


class QueryFromData(Diagnostic):
    """A query is put together from data, which lets data change the query (SQL injection)."""

    code = "N8T705"
    severity = Severity.WARNING
    text = "the query of {node!r} is put together from data"
    hint_text = "write $1, $2, ... in the query and give the values as Query Parameters"
    node: str
