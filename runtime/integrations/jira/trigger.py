"""Jira Trigger: where webhooks are registered, and for what."""

from typing import Any, Final

from runtime.contract import NodeError
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string

_ALL: Final = (
    "board_created", "board_updated", "board_deleted", "board_configuration_changed", "comment_created",
    "comment_updated", "comment_deleted", "jira:issue_created", "jira:issue_updated", "jira:issue_deleted",
    "option_voting_changed", "option_watching_changed", "option_unassigned_issues_changed", "option_subtasks_changed",
    "option_attachments_changed", "option_issuelinks_changed", "option_timetracking_changed", "project_created",
    "project_updated", "project_deleted", "sprint_created", "sprint_deleted", "sprint_updated", "sprint_started",
    "sprint_closed", "user_created", "user_updated", "user_deleted", "jira:version_released",
    "jira:version_unreleased", "jira:version_created", "jira:version_moved", "jira:version_updated",
    "jira:version_deleted", "issuelink_created", "issuelink_deleted", "worklog_created", "worklog_updated",
    "worklog_deleted",
)  # fmt: skip
_OLD, _NEW = "/webhooks/1.0/webhook", "/jira-webhook/1.0/webhooks"
_OK: Final = 200
_NEW_SERVER: Final = 10
"""The version of a server of one's own from which on the address is another."""


def base(scope: Scope) -> str:
    """Return the address of the REST API. Raise NodeError for an account whose site only a request can tell."""
    if scope.parameters.get("jiraVersion") == "cloudOAuth2":
        raise NodeError("Jira Cloud with OAuth2 is not supported", description="Use an API token.")
    return js_string(scope.credential.get("domain", "")).rstrip("/") + "/rest"


def endpoint(scope: Scope) -> str:
    """Return where this Jira has its webhooks."""
    server: Any = scope.names.get("response")
    status = scope.names.get("status")
    if status != _OK or not isinstance(server, dict) or server.get("deploymentType") == "Cloud":
        return _OLD
    major = (server.get("versionNumbers") or [0])[0]
    return _NEW if major >= _NEW_SERVER else _OLD


def events(scope: Scope) -> list[Any]:
    """Return the events that are wanted, each by name."""
    wanted = scope.parameters.get("events") or []
    return list(_ALL) if "*" in wanted else list(wanted)


def address(scope: Scope) -> str:
    """Return the address of the webhook, with the fields that Jira is to fill in."""
    fields = (scope.parameters.get("additionalFields") or {}).get("includeFields") or []
    query = "&".join(f"{each}=${{{each}}}" for each in fields)
    return f"{scope.names['webhookUrl']}?{query}" if query else str(scope.names["webhookUrl"])
