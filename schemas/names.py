"""Names that both sides of a wire must agree on: activities, queries, signals, updates, search attributes, queues."""

from typing import Final

FORM: Final = "FORM"
"""In place of a route's method: the page of a form, below /form."""
CHAT: Final = "CHAT"
"""In place of a route's method: the address of a chat, which takes GET and POST."""
MCP: Final = "MCP"
"""In place of a route's method: the address of an MCP server, below /mcp."""
RUN_STEP: Final = "run_step"
FIND_PLAN: Final = "find_plan"
SAVE_STATIC_DATA: Final = "save_static_data"
TAKE_SLOT: Final = "take_slot"
GIVE_SLOT_BACK: Final = "give_slot_back"
INLINE: Final = "tempor8-inline"
"""Metadata of a payload that the payload store does not take, however large it is."""
QUERY_STATE: Final = "state"
QUERY_JOURNAL: Final = "journal"
QUERY_PREVIEWS: Final = "previews"
QUERY_ITEMS: Final = "items"
QUERY_SAID: Final = "said"
UPDATE_WEBHOOK: Final = "webhook"
QUERY_WAITING: Final = "waiting"
SIGNAL_TURN: Final = "turn"
SIGNAL_RESUME: Final = "resume"
SIGNAL_UPGRADE: Final = "upgrade"
SIGNAL_DEATHS: Final = "deaths"
UPDATE_RESUME: Final = "resume_update"
TENANT_ID: Final = "TenantId"
TEMPLATE_KEY: Final = "TemplateKey"
PLAN_HASH: Final = "PlanHash"
TRIGGER_KIND: Final = "TriggerKind"
PROBLEMS: Final = "TemporalReportedProblems"
"""Search attribute that the server sets after five failures of a workflow task in a row."""


def workflow_id(tenant: str, template: str, run: str) -> str:
    """Return the id of a run in Temporal. The tenant comes first, so that a payload converter knows whose key to use."""
    return f"{tenant}:{template}:{run}"


def tenant_of(workflow_id: str) -> str:
    """Return the tenant in a workflow id of ours."""
    return workflow_id.partition(":")[0]
