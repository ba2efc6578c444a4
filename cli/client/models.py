"""The shapes of the API's requests and answers. Generated from docs/openapi.json: `make generate`."""

from typing import Any, Literal, NotRequired, TypedDict


class Activation(TypedDict):
    """Activation."""

    key: "str"
    webhooks: "list[WebhookAnswer]"


class ActiveStep(TypedDict):
    """ActiveStep."""

    node: "str"
    run: "NotRequired[int]"
    attempt: "NotRequired[int]"
    started_at: "NotRequired[str | None]"
    waiting: "NotRequired[bool]"
    reason: "NotRequired[WaitingFor | None]"


class ActorAnswer(TypedDict):
    """ActorAnswer."""

    kind: "ActorKind"
    id: "str"
    name: "str"


ActorKind = Literal["key", "token", "operator", "cli", "link"]


class AgentAnswer(TypedDict):
    """AgentAnswer."""

    slug: "str"
    version: "int"
    category: "Literal['marketing', 'e-commerce', 'content', 'analytics', 'sales', 'support', 'operations']"
    role: "str"
    model: "Literal['fast', 'balanced', 'deep']"
    input_schema: "dict[str, Any]"
    output_schema: "dict[str, Any]"
    rules: "list[str]"
    prompt: "str"
    evidence: "str"
    absent: "str"
    tools: "list[str] | None"
    limits: "AgentLimits"
    example: "dict[str, Any]"


class AgentLimits(TypedDict):
    """AgentLimits."""

    iterations: "int"
    tokens: "int"


class AgentList(TypedDict):
    """AgentList."""

    items: "list[AgentSummary]"


class AgentSummary(TypedDict):
    """AgentSummary."""

    slug: "str"
    version: "int"
    category: "Literal['marketing', 'e-commerce', 'content', 'analytics', 'sales', 'support', 'operations']"
    role: "str"
    model: "Literal['fast', 'balanced', 'deep']"


class Answer(TypedDict):
    """Answer."""

    approved: "NotRequired[bool | None]"
    data: "NotRequired[dict[str, Any] | None]"
    ordinal: "NotRequired[int | None]"


class AnswerAccepted(TypedDict):
    """AnswerAccepted."""

    workflow_id: "str"
    node: "str"
    links: "dict[str, str]"


class AuditAnswer(TypedDict):
    """AuditAnswer."""

    id: "str"
    at: "str"
    actor: "ActorAnswer"
    action: "str"
    object: "str"
    outcome: "Outcome"
    status: "int | None"
    request_id: "str"
    address: "str"


class AuditPage(TypedDict):
    """AuditPage."""

    items: "list[AuditAnswer]"
    next_cursor: "str | None"


class BulkRetryAnswer(TypedDict):
    """BulkRetryAnswer."""

    dry_run: "bool"
    matches: "int"
    retried: "int"
    refused: "int"
    runs: "list[RetriedRun]"


class BulkRetryRequest(TypedDict):
    """BulkRetryRequest."""

    filter: "NotRequired[FailureFilter]"
    dry_run: "NotRequired[bool]"
    from_start: "NotRequired[bool]"
    with_version: "NotRequired[Literal['original', 'current']]"
    limit: "NotRequired[int]"


class Canceled(TypedDict):
    """Canceled."""

    workflow_id: "str"
    run_id: "str"
    status: "RunStatus"
    cancel_requested: "bool"
    links: "dict[str, str]"


class ChangeAnswer(TypedDict):
    """ChangeAnswer."""

    node: "str"
    what: "str"
    before: "NotRequired[Any]"
    after: "NotRequired[Any]"


class Check(TypedDict):
    """Check."""

    status: "Literal['up', 'down']"
    latency_ms: "NotRequired[float | None]"
    hint: "NotRequired[str | None]"
    age_seconds: "NotRequired[float | None]"
    problems: "NotRequired[dict[str, int] | None]"
    walls: "NotRequired[dict[str, str] | None]"


class CheckAnswer(TypedDict):
    """CheckAnswer."""

    runnable: "bool"
    plan_hash: "str"
    verdicts: "list[dict[str, Any]]"
    diagnostics: "list[dict[str, Any]]"


class CreateTenant(TypedDict):
    """CreateTenant."""

    id: "str"
    name: "NotRequired[str]"


class CredentialNeed(TypedDict):
    """CredentialNeed."""

    type: "str"
    name: "str"


class DeletionAnswer(TypedDict):
    """DeletionAnswer."""

    key: "str"
    status: "NotRequired[str]"
    requested_at: "str"
    progress: "str"
    error: "NotRequired[str | None]"


class DifferenceAnswer(TypedDict):
    """DifferenceAnswer."""

    added: "list[str]"
    removed: "list[str]"
    renamed: "list[RenameAnswer]"
    changed: "list[ChangeAnswer]"
    settings: "list[ChangeAnswer]"
    connected: "list[str]"
    disconnected: "list[str]"


class EgressRequest(TypedDict):
    """EgressRequest."""

    allow: "list[str]"


class ErrorAnswer(TypedDict):
    """ErrorAnswer."""

    message: "str"
    name: "NotRequired[str | None]"
    node: "NotRequired[str | None]"
    description: "NotRequired[str | None]"
    service: "NotRequired[ServiceFacts | None]"


class ExpireRequest(TypedDict):
    """ExpireRequest."""

    expires_in_days: "int | None"


class Explanation(TypedDict):
    """Explanation."""

    type: "str"
    title: "str"
    status: "int"
    explanation: "str"


class FailureFilter(TypedDict):
    """FailureFilter."""

    workflow_template: "NotRequired[str | None]"
    fingerprint: "NotRequired[str | None]"
    status: "NotRequired[Literal['failed', 'timed_out'] | None]"
    trigger: "NotRequired[TriggerKind | None]"
    user_id: "NotRequired[str | None]"
    field: "NotRequired[str | None]"
    since: "NotRequired[str | None]"
    until: "NotRequired[str | None]"


class FailureGroupAnswer(TypedDict):
    """FailureGroupAnswer."""

    workflow_template: "str"
    fingerprint: "str | None"
    runs: "int"
    first_at: "str"
    last_at: "str"
    latest: "str"
    error: "ErrorAnswer | None"
    links: "dict[str, str]"


class FailureList(TypedDict):
    """FailureList."""

    since: "str"
    items: "list[FailureGroupAnswer]"


class ForgottenRuns(TypedDict):
    """ForgottenRuns."""

    runs: "int"
    errors: "int"
    items: "int"


class FormFieldAnswer(TypedDict):
    """FormFieldAnswer."""

    label: "str"
    kind: "str"
    required: "bool"
    options: "list[str]"


class GivenAnswer(TypedDict):
    """GivenAnswer."""

    at: "str"
    by: "ActorKind"
    id: "str"
    name: "str"
    node: "NotRequired[str | None]"
    kind: "NotRequired[Literal['approval', 'form', 'call'] | None]"
    approved: "NotRequired[bool | None]"
    data: "NotRequired[dict[str, Any] | None]"
    tool: "NotRequired[ToolCallAnswer | None]"


class HealthAnswer(TypedDict):
    """HealthAnswer."""

    status: "Literal['ok', 'degraded', 'down']"
    version: "str"
    checks: "dict[str, Check]"


class HistoryAnswer(TypedDict):
    """HistoryAnswer."""

    workflow_id: "str"
    run_id: "str"
    workflow_template: "str"
    status: "RunStatus"
    started_at: "str"
    closed_at: "str | None"
    steps: "list[StepAnswer]"
    forgotten: "NotRequired[dict[str, ForgottenRuns]]"
    active: "ActiveStep | None"
    problems: "NotRequired[list[RunProblemAnswer]]"
    usage: "list[dict[str, Any]]"
    error: "ErrorAnswer | None"
    links: "dict[str, str]"


class IssueRequest(TypedDict):
    """IssueRequest."""

    name: "NotRequired[str]"
    scopes: "list[KeyScope]"
    expires_in_days: "NotRequired[int | None]"


class IssuedKeyAnswer(TypedDict):
    """IssuedKeyAnswer."""

    id: "str"
    name: "str"
    scopes: "list[KeyScope]"
    created_at: "str"
    expires_at: "str | None"
    revoked_at: "str | None"
    last_used_at: "str | None"
    replaced_by: "str | None"
    key: "str"


class KeyAnswer(TypedDict):
    """KeyAnswer."""

    id: "str"
    name: "str"
    scopes: "list[KeyScope]"
    created_at: "str"
    expires_at: "str | None"
    revoked_at: "str | None"
    last_used_at: "str | None"
    replaced_by: "str | None"


class KeyList(TypedDict):
    """KeyList."""

    items: "list[KeyAnswer]"


KeyScope = Literal["read", "run", "publish", "admin"]


class Listening(TypedDict):
    """Listening."""

    key: "str"
    until: "str"
    webhooks: "list[WebhookAnswer]"


Outcome = Literal["done", "denied", "refused", "failed"]


class ProblemDetails(TypedDict):
    """ProblemDetails."""

    type: "str"
    title: "str"
    status: "int"
    detail: "str"
    instance: "str"


class Progress(TypedDict):
    """Progress."""

    steps_done: "int"
    steps_failed: "int"
    last_node: "str | None"
    active: "ActiveStep | None"


class PublishAnswer(TypedDict):
    """PublishAnswer."""

    key: "str"
    version: "int"
    plan_hash: "str"
    created: "bool"
    webhooks: "list[WebhookAnswer]"
    schedules: "list[ScheduleAnswer]"
    verdicts: "list[dict[str, Any]]"
    diagnostics: "list[dict[str, Any]]"
    links: "dict[str, str]"


class Readiness(TypedDict):
    """Readiness."""

    status: "Literal['ok', 'down']"
    down: "list[str]"


class RegistrationAnswer(TypedDict):
    """RegistrationAnswer."""

    node: "str"
    type: "str"
    registered: "bool"
    error: "NotRequired[str | None]"
    attempts: "NotRequired[int]"


class RegistrationList(TypedDict):
    """RegistrationList."""

    key: "str"
    items: "list[RegistrationAnswer]"


class RenameAnswer(TypedDict):
    """RenameAnswer."""

    before: "str"
    after: "str"


class ResultAnswer(TypedDict):
    """ResultAnswer."""

    workflow_id: "str"
    run_id: "str"
    status: "RunStatus"
    last_node: "str | None"
    outputs: "list[list[dict[str, Any]] | None]"
    error: "ErrorAnswer | None"
    custom_data: "dict[str, str]"
    links: "dict[str, str]"


class ResultSummary(TypedDict):
    """ResultSummary."""

    last_node: "str | None"
    items: "list[int]"
    first_item: "Any"


class RetriedRun(TypedDict):
    """RetriedRun."""

    workflow_id: "str"
    workflow_template: "str"
    begins_at: "str | None"
    template_version: "int | None"
    new_workflow_id: "str | None"
    refused: "str | None"


class RetryRequest(TypedDict):
    """RetryRequest."""

    from_node: "NotRequired[str | None]"
    from_start: "NotRequired[bool]"
    with_version: "NotRequired[Literal['original', 'current']]"
    input_data: "NotRequired[list[dict[str, Any]] | None]"


class RotateRequest(TypedDict):
    """RotateRequest."""

    overlap_seconds: "NotRequired[int]"


class RunPage(TypedDict):
    """RunPage."""

    items: "list[RunSummary]"
    next_cursor: "str | None"


class RunProblemAnswer(TypedDict):
    """RunProblemAnswer."""

    kind: "Literal['workflow_task', 'worker', 'activity', 'unreadable']"
    cause: "NotRequired[str]"
    message: "str"
    hint: "str"
    since: "NotRequired[str | None]"
    attempt: "NotRequired[int | None]"
    next_try_at: "NotRequired[str | None]"
    node: "NotRequired[str | None]"


RunStatus = Literal["running", "completed", "failed", "canceled", "terminated", "timed_out"]


class RunSummary(TypedDict):
    """RunSummary."""

    workflow_id: "str"
    run_id: "str"
    workflow_template: "str"
    plan_hash: "str"
    status: "RunStatus"
    trigger: "str"
    user_id: "str | None"
    started_at: "str"
    closed_at: "str | None"
    duration_ms: "int | None"
    steps: "int"
    problems: "NotRequired[list[RunProblemAnswer]]"
    error: "ErrorAnswer | None"
    links: "dict[str, str]"


class ScheduleAnswer(TypedDict):
    """ScheduleAnswer."""

    id: "str"
    node: "str"
    rule: "dict[str, Any]"
    applied: "bool"
    error: "NotRequired[str | None]"
    attempts: "NotRequired[int]"
    next_try: "NotRequired[str | None]"
    next: "list[str]"


class ScheduleList(TypedDict):
    """ScheduleList."""

    key: "str"
    items: "list[ScheduleAnswer]"


class SeriesAnswer(TypedDict):
    """SeriesAnswer."""

    times: "list[str]"
    hours: "int"
    runs: "dict[str, list[int]]"
    p50_ms: "list[float | None]"
    p95_ms: "list[float | None]"
    templates: "UsageSeriesAnswer"
    agents: "UsageSeriesAnswer"


class ServiceFacts(TypedDict):
    """ServiceFacts."""

    vendor: "str"
    operation: "NotRequired[str | None]"
    status: "NotRequired[int | None]"
    code: "NotRequired[str | None]"
    advice: "NotRequired[str | None]"


class StartAnswer(TypedDict):
    """StartAnswer."""

    workflow_id: "str"
    run_id: "str"
    status: "RunStatus"
    workflow_template: "str"
    template_version: "int"
    plan_hash: "str"
    links: "dict[str, str]"


class StartRequest(TypedDict):
    """StartRequest."""

    workflow_template: "str"
    tenant_id: "NotRequired[str | None]"
    user_id: "NotRequired[str | None]"
    input_data: "NotRequired[dict[str, Any] | list[dict[str, Any]]]"


class StatusAnswer(TypedDict):
    """StatusAnswer."""

    workflow_id: "str"
    run_id: "str"
    workflow_template: "str"
    plan_hash: "str"
    status: "RunStatus"
    trigger: "str"
    user_id: "str | None"
    started_at: "str"
    closed_at: "str | None"
    duration_ms: "int | None"
    progress: "Progress | None"
    problems: "NotRequired[list[RunProblemAnswer]]"
    result: "ResultSummary | None"
    error: "ErrorAnswer | None"
    links: "dict[str, str]"


class StepAnswer(TypedDict):
    """StepAnswer."""

    sequence: "int"
    node: "str"
    type: "str | None"
    run: "int"
    status: "str"
    started_at: "str"
    finished_at: "str | None"
    duration_ms: "int | None"
    tries: "int"
    items_in: "list[int]"
    items_out: "list[int]"
    input: "NotRequired[list[Any] | None]"
    output: "NotRequired[list[Any] | None]"
    error: "ErrorAnswer | None"


class StuckCauseAnswer(TypedDict):
    """StuckCauseAnswer."""

    kind: "Literal['workflow_task', 'worker', 'activity', 'unreadable']"
    cause: "str"
    hint: "str"
    runs: "int"


class StuckPage(TypedDict):
    """StuckPage."""

    causes: "list[StuckCauseAnswer]"
    items: "list[RunSummary]"
    next_cursor: "str | None"


class TemplateList(TypedDict):
    """TemplateList."""

    items: "list[TemplateSummary]"


class TemplateSummary(TypedDict):
    """TemplateSummary."""

    key: "str"
    name: "str"
    version: "int"
    description: "str"
    plan_hash: "str"
    active: "bool"
    shared: "bool"
    triggers: "list[str]"
    nodes: "int"
    agents: "list[str]"
    credentials: "list[CredentialNeed]"
    duration_s: "float | None"
    source: "str | None"
    durability: "str"
    published_at: "str"
    schedule_errors: "list[str]"
    registration_errors: "list[str]"
    links: "dict[str, str]"


class TenantAnswer(TypedDict):
    """TenantAnswer."""

    id: "str"
    name: "str"
    created_at: "str"
    egress_allow: "list[str]"
    deletion: "TenantDeletion | None"


class TenantContentsAnswer(TypedDict):
    """TenantContentsAnswer."""

    rows: "dict[str, int]"
    payload_bytes: "int"
    at_least: "bool"


class TenantDeletion(TypedDict):
    """TenantDeletion."""

    requested_at: "str"
    progress: "str"
    error: "str | None"


class ToolCallAnswer(TypedDict):
    """ToolCallAnswer."""

    name: "str"
    arguments: "dict[str, Any]"


TriggerKind = Literal["manual", "webhook", "form", "chat", "schedule", "poll", "workflow", "error", "api", "retry"]


class UsageSeriesAnswer(TypedDict):
    """UsageSeriesAnswer."""

    tokens: "dict[str, list[int]]"
    cost_usd: "dict[str, list[float | None]]"


class VersionAnswer(TypedDict):
    """VersionAnswer."""

    version: "int"
    plan_hash: "str"
    name: "str"
    current: "bool"
    published_at: "str"
    created_by: "str | None"


class VersionList(TypedDict):
    """VersionList."""

    key: "str"
    items: "list[VersionAnswer]"


class WaitingAnswer(TypedDict):
    """WaitingAnswer."""

    ordinal: "int"
    node: "str"
    kind: "Literal['approval', 'form', 'call']"
    title: "str"
    description: "NotRequired[str]"
    until: "str | None"
    fields: "list[FormFieldAnswer]"
    tool: "ToolCallAnswer | None"
    link: "str | None"


class WaitingFor(TypedDict):
    """WaitingFor."""

    kind: "str"
    until: "NotRequired[str | None]"
    workflow: "NotRequired[str | None]"


class WaitsAnswer(TypedDict):
    """WaitsAnswer."""

    workflow_id: "str"
    waiting: "WaitingAnswer | None"
    answers: "list[GivenAnswer]"


class WebhookAnswer(TypedDict):
    """WebhookAnswer."""

    method: "str"
    url: "str"
    node: "str"
    response_mode: "str"
