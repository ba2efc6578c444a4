"""3xx: node types and their parameters."""

from schemas.diagnostic.base import Diagnostic, Severity


class UnsupportedNode(Diagnostic):
    """This build cannot run the node type. The export is valid all the same: unsupported is not invalid.

    `--allow-unsupported` compiles it with a step that raises a clear error when it is reached, so that other branches
    can run.
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
    """The node type is supported, but not in this typeVersion."""

    code = "N8T302"
    suppressible = False
    unsupported = True
    text = "version {version} of {type} is not supported; supported are {supported}"
    hint_text = "the nearest is {nearest}: replace the node in the editor by a fresh one"
    type: str
    version: float
    supported: tuple[float, ...]
    nearest: float

    @property
    def lacks(self) -> str:
        """The type in this version."""
        return f"{self.type} {self.version:g}"


class UnknownParameter(Diagnostic):
    """The node type has no such parameter in this version; n8n ignores it, and so does tempor8."""

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
    """A required parameter is empty. n8n refuses to run a workflow with such a node ("The workflow has issues")."""

    code = "N8T304"
    refused = True
    text = "the parameter {name!r} is required, but empty"
    hint_text = "{advice}"
    name: str
    advice: str = ""


class InvalidParameter(Diagnostic):
    """A constant does not fit the type of its parameter. n8n refuses to run a workflow with such a node ("The workflow
    has issues").
    """

    code = "N8T305"
    refused = True
    text = "{reason}"
    reason: str


class UnsupportedChoice(Diagnostic):
    """The node type is supported, but not with this value of a parameter (a kind, a mode, an operation)."""

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
    """The value is none of the choices that the parameter has. n8n shows such a parameter in red."""

    code = "N8T307"
    severity = Severity.WARNING
    text = "{name} has no option {value!r}"
    hint_text = "{advice}"
    name: str
    value: str
    advice: str = ""


class WrongParameterType(Diagnostic):
    """The value has another JSON type than the parameter. n8n takes it as it is, and what comes of that depends."""

    code = "N8T308"
    severity = Severity.WARNING
    text = "{name} should be {expected}, but is {actual}"
    name: str
    expected: str
    actual: str


class HiddenParameter(Diagnostic):
    """The parameter has a value, but other parameters hide it, so n8n drops it when it loads the workflow."""

    code = "N8T309"
    severity = Severity.INFO
    text = "{name!r} has no effect: other parameters hide it"
    at_key = True
    name: str


class Differs(Diagnostic):
    """The node runs, but not in every respect as in n8n; the sentence says how."""

    code = "N8T310"
    severity = Severity.INFO
    text = "{type} differs from n8n: {how}"
    type: str
    how: str


class SettingDiffers(Diagnostic):
    """A setting of the workflow means something else here, or nothing."""

    code = "N8T311"
    severity = Severity.INFO
    text = "the setting {setting}: {how}"
    setting: str
    how: str


class RetryOnMutation(Diagnostic):
    """The node is tried again after an error, and it changes something outside: what failed may have been done all the
    same. Each attempt carries the same `Idempotency-Key`, which helps when the receiver knows that header.
    """

    code = "N8T312"
    severity = Severity.WARNING
    text = "{node!r} is retried, although {what} may have taken effect"
    hint_text = "make sure that the receiver ignores repetitions (Idempotency-Key), or turn Retry On Fail off"
    node: str
    what: str


class UnknownTimezone(Diagnostic):
    """The time zone of the workflow's settings does not exist."""

    code = "N8T313"
    text = "there is no time zone {zone!r}"
    hint_text = "{advice}"
    zone: str
    advice: str = ""


class BadSchedule(Diagnostic):
    """A schedule that cannot be read: a cron expression with a wrong field, or an interval that is none."""

    code = "N8T314"
    text = "the schedule {schedule!r} cannot be read: {reason}"
    hint_text = "five fields: minute hour day-of-month month day-of-week, or six with seconds first"
    schedule: str
    reason: str


class WebhookClash(Diagnostic):
    """Two webhooks of the workflow have one path and one method; n8n refuses to activate such a workflow."""

    code = "N8T315"
    text = "{node!r} has the path of {other!r}: {method} {path}"
    hint_text = "change one of the paths"
    node: str
    other: str
    method: str
    path: str


class NoRespondNode(Diagnostic):
    """The webhook answers *Using Respond to Webhook Node*, but no such node comes after it; n8n refuses the request."""

    code = "N8T316"
    text = "{node!r} waits for a Respond to Webhook node, but none comes after it"
    hint_text = "add the node, or change Respond to another mode"
    node: str


class RespondUnheard(Diagnostic):
    """A Respond to Webhook node comes after no webhook that waits for it, so its answer reaches nobody."""

    code = "N8T317"
    severity = Severity.WARNING
    text = "{node!r} answers nobody: no webhook before it responds using this node"
    hint_text = "set Respond of the webhook to Using Respond to Webhook Node"
    node: str


class SubWorkflowMissing(Diagnostic):
    """The workflow calls another one that is not among those that are here."""

    code = "N8T318"
    severity = Severity.WARNING
    text = "{what} {id!r} is not here"
    hint_text = "export that workflow too, and publish it under this id"
    what: str
    id: str


class MisshapenParameters(Diagnostic):
    """A parameter of the node has another structure than n8n's editor ever writes, so the node's own rules could not
    look at it: a list where an object belongs, an entry that is no object. Written by hand or by a program, most likely.
    """

    code = "N8T319"
    text = "the parameters of {node!r} do not have the structure of {type}: {reason}"
    hint_text = "replace the node in the editor by a fresh one"
    node: str
    type: str
    reason: str


class UnknownSpecialist(Diagnostic):
    """The node's notes say `agent: <slug>`, which hands its work to a specialist, and there is no specialist of this
    name. A run that reaches the node would fail.
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
    """The node's notes silence a code that is not told about this node (any more): remove the sentence."""

    code = "N8T390"
    severity = Severity.INFO
    text = "the notes ignore {suppressed}, which is not told about this node"
    hint_text = "remove it from the notes"
    suppressed: str
