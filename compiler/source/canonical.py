"""Write an export in canonical form, so that a diff in git shows the author's changes and nothing else.

The order of nodes and of parameters has a meaning and stays; the order of other members, the layout, and what n8n
writes anew with each save do not.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

WORKFLOW_MEMBERS: Final = (
    "name",
    "id",
    "active",
    "nodes",
    "connections",
    "settings",
    "staticData",
    "pinData",
    "tags",
    "meta",
)
NODE_MEMBERS: Final = (
    "name", "type", "typeVersion", "id", "disabled", "parameters", "credentials", "webhookId", "onError", "continueOnFail",
    "retryOnFail", "maxTries", "waitBetweenTries", "alwaysOutputData", "executeOnce", "notes", "notesInFlow", "position",
)  # fmt: skip
VOLATILE_MEMBERS: Final = frozenset(
    {
        "versionId", "activeVersionId", "activeVersion", "versionCounter", "createdAt", "updatedAt", "triggerCount",
        "shared", "homeProject", "sharedWithProjects", "usedCredentials", "scopes", "isArchived", "parentFolder",
    }
)  # fmt: skip


def canonical(workflow: Mapping[str, Any]) -> str:
    """Return the canonical JSON text of a workflow, with a line break at the end."""
    document = _in_order(
        {key: value for key, value in workflow.items() if key not in VOLATILE_MEMBERS}, WORKFLOW_MEMBERS
    )
    document["nodes"] = [
        _in_order(node, NODE_MEMBERS) if isinstance(node, Mapping) else node for node in workflow["nodes"]
    ]
    if isinstance(document.get("meta"), Mapping):
        document["meta"] = {key: value for key, value in document["meta"].items() if key != "instanceId"}
    document = {key: value for key, value in document.items() if not (key in ("meta", "pinData", "tags") and not value)}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _in_order(value: Mapping[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    known = {key: value[key] for key in order if key in value}
    return known | {key: value[key] for key in sorted(value) if key not in known}
