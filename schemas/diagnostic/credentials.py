"""5xx: credentials."""

from schemas.diagnostic.base import Diagnostic, Severity


class CredentialNotChosen(Diagnostic):
    """The node needs a credential and the export names none, as exports that were made to be shared do."""

    code = "N8T501"
    severity = Severity.WARNING
    text = "{node!r} needs a credential of type {types}, and has none"
    hint_text = "choose it in the editor, or create one of that type for the tenant: `tempor8 credentials`"
    node: str
    types: tuple[str, ...]


class CredentialNotUsed(Diagnostic):
    """The node has a credential of a type that it does not use, as it is set up."""

    code = "N8T502"
    severity = Severity.INFO
    text = "{node!r} does not use its credential of type {type!r}"
    hint_text = "it uses {types}"
    node: str
    type: str
    types: tuple[str, ...]


class CredentialByName(Diagnostic):
    """A very old export: the credential is known by its name alone."""

    code = "N8T503"
    severity = Severity.INFO
    text = "the credential {type!r} is known by its name {name!r} alone"
    type: str
    name: str
