"""3xx: node types and their parameters."""

import re

from schemas.diagnostic.base import Diagnostic, Severity

_NEXT_WORD = re.compile("(?<=[a-z0-9])(?=[A-Z])")


class UnsupportedNode(Diagnostic):
    """This build of tempor8 cannot run the node type. The export is valid all the same.

    ## Why it matters
    No plan is made, because the workflow could not be completed.

    ## What to do
    Replace the node as the hint suggests, or compile with `--allow-unsupported`: the node then becomes a step that
    raises a clear error when it is reached, and the other branches run.
    """

    code = "N8T301"
    suppressible = False
    unsupported = True
    text = "the node type {type} is not supported"
    hint_text = "{advice}"
    type: str
    advice: str = ""

    @property
    def lacks(self) -> str:
        """The type."""
        return self.type


class UnsupportedVersion(Diagnostic):
    """The node type is supported, but not in this `typeVersion`.

    ## Why it matters
    Parameters and behaviour change between the versions of a node, so no other version is used in its place.

    ## What to do
    Replace the node in the editor by a new one of the same type, which gets the current version. With
    `--allow-unsupported`, the node becomes a step that raises an error when it is reached.
    """

    code = "N8T302"
    suppressible = False
    unsupported = True
    text = "version {version} of {type} is not supported; supported are {supported}"
    hint_text = "the nearest version is {nearest}: replace the node in the editor by a new one"
    type: str
    version: float
    supported: tuple[float, ...]
    nearest: float

    @property
    def lacks(self) -> str:
        """The type in this version."""
        return f"{self.type} {self.version:g}"


class UnknownParameter(Diagnostic):
    """The node type has no such parameter in this version.

    ## Why it matters
    n8n ignores the parameter, and so does tempor8. A misspelt parameter therefore has no effect.

    ## What to do
    Correct the name, or remove the parameter.
    """

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
    """A required parameter is empty.

    ## Why it matters
    n8n does not start a run that could reach such a node ("The workflow has issues"). It does not look at the sub-nodes of
    an AI node: there this is a warning, and a tool fails when it is called.

    ## What to do
    Fill the parameter in the editor.
    """

    code = "N8T304"
    refused = True
    text = "the parameter {name!r} is required, but empty"
    hint_text = "{advice}"
    name: str
    advice: str = ""
    label: str = ""

    @property
    def issue(self) -> str:
        """n8n names the parameter as its editor does: `errorMessage` is "Error Message", if it has no other label."""
        words = _NEXT_WORD.sub(" ", self.name)
        return f'Parameter "{self.label or words[:1].upper() + words[1:]}" is required.'


class InvalidParameter(Diagnostic):
    """A constant does not fit the type that is chosen for it, or is no such id or address as the parameter takes.

    ## Why it matters
    n8n does not start a run that could reach such a node ("The workflow has issues").

    ## What to do
    Write a value of the chosen type, or choose another type. Where an id is asked for, choose By URL for an address, and write the id
    without anything around it.
    """

    code = "N8T305"
    refused = True
    text = "{reason}"
    reason: str


class UnsupportedChoice(Diagnostic):
    """The node type is supported, but not with this value of a parameter, such as a kind, a mode or an operation.

    ## Why it matters
    No plan is made, because the workflow could not be completed.

    ## What to do
    Choose another value. With `--allow-unsupported`, the node becomes a step that raises an error when it is reached.
    """

    code = "N8T306"
    suppressible = False
    unsupported = True
    text = "{name} {value!r} of the {type} node is not supported"
    hint_text = "{advice}"
    type: str
    name: str
    value: str
    advice: str = ""

    @property
    def lacks(self) -> str:
        """The type with this choice."""
        return f"{self.type} ({self.name}: {self.value})"


class UnknownOption(Diagnostic):
    """The value is not one of the options of the parameter.

    ## Why it matters
    n8n's editor marks the parameter in red. What the node does with the value is not defined; of an operation that n8n does
    not have, most nodes give an item without data, and some fail.

    ## What to do
    Choose one of the options.
    """

    code = "N8T307"
    severity = Severity.WARNING
    text = "the parameter {name!r} has no option {value!r}"
    hint_text = "{advice}"
    name: str
    value: str
    advice: str = ""


class WrongParameterType(Diagnostic):
    """The value has a different JSON type from the parameter.

    ## Why it matters
    n8n passes the value on as it is. What the node makes of it depends on the node; a text such as `"false"`, for
    instance, counts as true.

    ## What to do
    Write a value of the expected type.
    """

    code = "N8T308"
    severity = Severity.WARNING
    text = "the parameter {name!r} should be {expected}, but is {actual}"
    name: str
    expected: str
    actual: str


class HiddenParameter(Diagnostic):
    """The parameter has a value, but other parameters of the node hide it.

    ## Why it matters
    n8n drops the value when it loads the workflow, so it has no effect.

    ## What to do
    Remove the parameter, or change the parameters that hide it.
    """

    code = "N8T309"
    severity = Severity.INFO
    text = "the parameter {name!r} has no effect, because other parameters hide it"
    at_key = True
    name: str


class Differs(Diagnostic):
    """The node runs, but not in every respect as in n8n. The message says what is different.

    ## Why it matters
    A workflow that depends on this detail gives a different result.

    ## What to do
    Check whether the workflow depends on it. If it does not, suppress the finding; otherwise use another node.
    """

    code = "N8T310"
    severity = Severity.INFO
    text = "{type} differs from n8n: {how}"
    type: str
    how: str


class SettingDiffers(Diagnostic):
    """A setting of the workflow has another effect than its author may expect, or none.

    ## Why it matters
    The message says what the setting does in tempor8.

    ## What to do
    Change the setting if the effect matters; otherwise nothing is required.
    """

    code = "N8T311"
    severity = Severity.INFO
    text = "the setting {setting}: {how}"
    setting: str
    how: str


class RetryOnMutation(Diagnostic):
    """*Retry On Fail* is on for a node that changes something outside the workflow.

    ## Why it matters
    An attempt that failed may have taken effect all the same, for instance if only the response was lost. The retry then
    does it twice. Each attempt carries the same `Idempotency-Key` header, which helps if the receiver honours it.

    ## What to do
    Make sure that the receiver ignores repeated requests and suppress the finding, or turn *Retry On Fail* off.
    """

    code = "N8T312"
    severity = Severity.WARNING
    text = "{node!r} is retried, although {what} may have taken effect"
    hint_text = "make sure that the receiver ignores repeated requests (Idempotency-Key), or turn Retry On Fail off"
    node: str
    what: str


class UnknownTimezone(Diagnostic):
    """The time zone in the workflow's settings does not exist.

    ## Why it matters
    Schedules and dates of the workflow cannot be computed.

    ## What to do
    Write a name of the IANA time zone database, such as `Europe/Berlin`.
    """

    code = "N8T313"
    text = "the time zone {zone!r} does not exist"
    hint_text = "{advice}"
    zone: str
    advice: str = ""


class BadSchedule(Diagnostic):
    """A schedule is invalid: a field of a cron expression is wrong, or an interval has no usable value.

    ## Why it matters
    The workflow would never start.

    ## What to do
    Correct the expression: minute, hour, day of month, month, day of week; seconds may come first as a sixth field.
    """

    code = "N8T314"
    text = "the schedule {schedule!r} is invalid: {reason}"
    hint_text = "five fields: minute hour day-of-month month day-of-week, or six with seconds first"
    schedule: str
    reason: str


class SubWorkflowMissing(Diagnostic):
    """The workflow calls another workflow that is not among the workflows of this command or tenant.

    ## Why it matters
    The call fails at run time, unless the other workflow has been published under this id by then.

    ## What to do
    Export the other workflow too, and publish it under this id.
    """

    code = "N8T318"
    severity = Severity.WARNING
    text = "{what} {id!r} is not available"
    hint_text = "export that workflow too, and publish it under this id"
    what: str
    id: str


class MisshapenParameters(Diagnostic):
    """The parameters of the node have a structure that n8n's editor never writes, such as a list instead of an object.

    ## Why it matters
    The node's own checks could not read them, and n8n would probably fail too. Such parameters were usually written by
    hand or by a program.

    ## What to do
    Replace the node in the editor by a new one, and export the workflow again.
    """

    code = "N8T319"
    text = "the parameters of {node!r} do not have the structure that {type} expects ({reason})"
    hint_text = "replace the node in the editor by a new one"
    node: str
    type: str
    reason: str


class UnknownSpecialist(Diagnostic):
    """The notes of the node name a specialist agent that does not exist.

    ## Why it matters
    A node whose notes say `agent: <slug>` hands its work to that specialist. A run that reaches the node would fail.

    ## What to do
    Correct the slug: `docs/specialists.md` names the specialists. Remove the line from the notes
    to let the node's own parameters do the work.
    """

    code = "N8T320"
    suppressible = False
    unsupported = True
    text = "there is no specialist agent {slug!r}"
    hint_text = "{advice}"
    slug: str
    advice: str = ""

    @property
    def lacks(self) -> str:
        """The specialist."""
        return f"agent: {self.slug}"


class UnusedSuppression(Diagnostic):
    """The notes of the node suppress a code that is not reported for this node.

    ## Why it matters
    The cause is gone, or the code is wrong. A suppression that is kept could hide a later finding.

    ## What to do
    Remove the sentence from the notes.
    """

    code = "N8T390"
    severity = Severity.INFO
    text = "the notes suppress {suppressed}, which is not reported for this node"
    hint_text = "remove it from the notes"
    suppressed: str
