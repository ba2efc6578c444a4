"""5xx: credentials."""

from schemas.diagnostic.base import Diagnostic, Severity


class CredentialNotChosen(Diagnostic):
    """The node needs a credential, and the export names none. Exports that were made to be shared often omit them.

    ## Why it matters
    The workflow compiles, but the node fails when it runs, because it cannot authenticate.

    ## What to do
    Choose a credential in n8n's editor and export again, or create one of this type for the tenant with
    `tempor8 credentials`.
    """

    code = "N8T501"
    severity = Severity.WARNING
    text = "{node!r} needs a credential of type {types}, but has {chosen}"
    hint_text = "choose one in the editor, or create one of that type for the tenant: `tempor8 credentials`"
    node: str
    types: tuple[str, ...]
    chosen: tuple[str, ...] | str = "none"
    """The types that it has instead."""


class CredentialNotUsed(Diagnostic):
    """The node has a credential of a type that it does not use with its current parameters.

    ## Why it matters
    The credential has no effect. It is usually left over from a change of the node's authentication.

    ## What to do
    Remove the credential from the node, or choose the authentication that uses it.
    """

    code = "N8T502"
    severity = Severity.INFO
    text = "{node!r} does not use its credential of type {type!r}"
    hint_text = "it uses {types}"
    node: str
    type: str
    types: tuple[str, ...]


class CredentialHostComputed(Diagnostic):
    """A credential of no vendor in particular is sent to an address whose host is computed.

    ## Why it matters
    A credential is sent to its own hosts only: the constant hosts of the addresses in this workflow, and those that its
    owner allows. Where data decides about the host, the request stops with an error until its owner has allowed that host.

    ## What to do
    Allow the host with `tempor8 credentials allow`, which changes the credential and not the workflow, or write the host as a
    constant: `=https://api.example.com/{{ $json.path }}`. Nothing is required if the host is allowed already.
    """

    code = "N8T504"
    severity = Severity.INFO
    text = "{node!r} sends its credential {name!r} to an address whose host is computed"
    hint_text = "allow the host, if it is not: tempor8 credentials allow TENANT {type} '{name}' HOST"
    node: str
    type: str
    name: str


class CredentialByName(Diagnostic):
    """A credential is identified only by its name, as very old versions of n8n wrote it.

    ## Why it matters
    The name has to match a credential of the tenant exactly. Current versions of n8n write an id as well, which
    survives renaming.

    ## What to do
    Nothing is required as long as the name is right. Saving the workflow in a current n8n adds the id.
    """

    code = "N8T503"
    severity = Severity.INFO
    text = "the credential of type {type!r} is identified only by its name, {name!r}"
    type: str
    name: str
