"""The operations of the API. Generated from docs/openapi.json: `make generate`."""

from typing import Any, Literal, cast

from cli.client import models
from cli.client.sending import Send, path_of, present

__all__ = ["Client"]


class Client:
    """A client of the API.

    Args:
        send: makes a request and returns the JSON of its answer; None where there is none.
    """

    def __init__(self, send: Send) -> None:
        self._send = send

    def agents_list(
        self,
        *,
        category: Literal["marketing", "e-commerce", "content", "analytics", "sales", "support", "operations"]
        | None = None,
    ) -> models.AgentList:
        """List specialist agents."""
        return cast("models.AgentList", self._send("GET", path_of("/agents"), params=present({"category": category})))

    def agents_show(self, slug: str) -> models.AgentAnswer:
        """Show a specialist agent."""
        return cast("models.AgentAnswer", self._send("GET", path_of("/agents/{slug}", slug)))

    def audit_list(self, *, cursor: str | None = None, limit: int | None = None) -> models.AuditPage:
        """Read the audit log."""
        return cast(
            "models.AuditPage", self._send("GET", path_of("/audit"), params=present({"cursor": cursor, "limit": limit}))
        )

    def failures(self, *, since: str | None = None, template: str | None = None) -> models.FailureList:
        """List failures by cause."""
        return cast(
            "models.FailureList",
            self._send("GET", path_of("/failures"), params=present({"since": since, "template": template})),
        )

    def health(self) -> models.HealthAnswer:
        """What is up and what is down."""
        return cast("models.HealthAnswer", self._send("GET", path_of("/health")))

    def keys_list(self) -> models.KeyList:
        """List keys."""
        return cast("models.KeyList", self._send("GET", path_of("/keys")))

    def keys_issue(self, body: models.IssueRequest) -> models.IssuedKeyAnswer:
        """Issue a key."""
        return cast("models.IssuedKeyAnswer", self._send("POST", path_of("/keys"), body=body))

    def keys_revoke(self, key_id: str) -> None:
        """Revoke a key."""
        self._send("DELETE", path_of("/keys/{key_id}", key_id))

    def keys_expiry_expire(self, key_id: str, body: models.ExpireRequest) -> models.KeyAnswer:
        """Set when a key expires."""
        return cast("models.KeyAnswer", self._send("PUT", path_of("/keys/{key_id}/expiry", key_id), body=body))

    def keys_rotate(self, key_id: str, body: models.RotateRequest) -> models.IssuedKeyAnswer:
        """Rotate a key."""
        return cast("models.IssuedKeyAnswer", self._send("POST", path_of("/keys/{key_id}/rotate", key_id), body=body))

    def livez(self) -> dict[str, str]:
        """Whether the process lives."""
        return cast("dict[str, str]", self._send("GET", path_of("/livez")))

    def metrics(self, *, hours: float | None = None) -> Any:
        """Figures over the tenant's runs."""
        return cast("Any", self._send("GET", path_of("/metrics"), params=present({"hours": hours})))

    def metrics_series(self, *, days: int | None = None, template: str | None = None) -> models.SeriesAnswer:
        """Figures over time."""
        return cast(
            "models.SeriesAnswer",
            self._send("GET", path_of("/metrics/series"), params=present({"days": days, "template": template})),
        )

    def operator_audit(self, *, cursor: str | None = None, limit: int | None = None) -> models.AuditPage:
        """Read the operator's audit log."""
        return cast(
            "models.AuditPage",
            self._send("GET", path_of("/operator/audit"), params=present({"cursor": cursor, "limit": limit})),
        )

    def operator_tenants_create(self, body: models.CreateTenant) -> models.TenantAnswer:
        """Create a tenant."""
        return cast("models.TenantAnswer", self._send("POST", path_of("/operator/tenants"), body=body))

    def operator_tenants_delete_tenant(self, tenant: str) -> models.TenantDeletion:
        """Delete a tenant."""
        return cast("models.TenantDeletion", self._send("DELETE", path_of("/operator/tenants/{tenant}", tenant)))

    def operator_tenants_show(self, tenant: str) -> models.TenantAnswer:
        """Show a tenant."""
        return cast("models.TenantAnswer", self._send("GET", path_of("/operator/tenants/{tenant}", tenant)))

    def operator_tenants_audit_tenant_audit(
        self, tenant: str, *, cursor: str | None = None, limit: int | None = None
    ) -> models.AuditPage:
        """Read a tenant's audit log."""
        return cast(
            "models.AuditPage",
            self._send(
                "GET",
                path_of("/operator/tenants/{tenant}/audit", tenant),
                params=present({"cursor": cursor, "limit": limit}),
            ),
        )

    def operator_tenants_contents(self, tenant: str) -> models.TenantContentsAnswer:
        """Count what a tenant has."""
        return cast(
            "models.TenantContentsAnswer", self._send("GET", path_of("/operator/tenants/{tenant}/contents", tenant))
        )

    def operator_tenants_egress_allow_egress(self, tenant: str, body: models.EgressRequest) -> models.TenantAnswer:
        """Open addresses to a tenant."""
        return cast(
            "models.TenantAnswer", self._send("PUT", path_of("/operator/tenants/{tenant}/egress", tenant), body=body)
        )

    def operator_tenants_keys_list_keys(self, tenant: str) -> models.KeyList:
        """List a tenant's keys."""
        return cast("models.KeyList", self._send("GET", path_of("/operator/tenants/{tenant}/keys", tenant)))

    def operator_tenants_keys_issue_key(self, tenant: str, body: models.IssueRequest) -> models.IssuedKeyAnswer:
        """Issue a key of a tenant."""
        return cast(
            "models.IssuedKeyAnswer", self._send("POST", path_of("/operator/tenants/{tenant}/keys", tenant), body=body)
        )

    def operator_tenants_keys_revoke_key(self, tenant: str, key_id: str) -> None:
        """Revoke a key of a tenant."""
        self._send("DELETE", path_of("/operator/tenants/{tenant}/keys/{key_id}", tenant, key_id))

    def operator_tenants_keys_expiry_expire_key(
        self, tenant: str, key_id: str, body: models.ExpireRequest
    ) -> models.KeyAnswer:
        """Set when a key of a tenant expires."""
        return cast(
            "models.KeyAnswer",
            self._send("PUT", path_of("/operator/tenants/{tenant}/keys/{key_id}/expiry", tenant, key_id), body=body),
        )

    def operator_tenants_keys_rotate_rotate_key(
        self, tenant: str, key_id: str, body: models.RotateRequest
    ) -> models.IssuedKeyAnswer:
        """Rotate a key of a tenant."""
        return cast(
            "models.IssuedKeyAnswer",
            self._send("POST", path_of("/operator/tenants/{tenant}/keys/{key_id}/rotate", tenant, key_id), body=body),
        )

    def problems_list(self) -> list[models.Explanation]:
        """List the kinds of problems."""
        return cast("list[models.Explanation]", self._send("GET", path_of("/problems")))

    def problems_explain(self, slug: str) -> models.Explanation:
        """Explain a kind of problem."""
        return cast("models.Explanation", self._send("GET", path_of("/problems/{slug}", slug)))

    def readyz(self) -> models.Readiness:
        """Whether requests can be served."""
        return cast("models.Readiness", self._send("GET", path_of("/readyz")))

    def stuck(self, *, cursor: str | None = None, limit: int | None = None) -> models.StuckPage:
        """List stuck runs."""
        return cast(
            "models.StuckPage", self._send("GET", path_of("/stuck"), params=present({"cursor": cursor, "limit": limit}))
        )

    def templates_list(self) -> models.TemplateList:
        """List templates."""
        return cast("models.TemplateList", self._send("GET", path_of("/templates")))

    def templates_publish(
        self,
        body: dict[str, Any],
        *,
        key: str | None = None,
        description: str | None = None,
        allow_unsupported: bool | None = None,
    ) -> models.PublishAnswer:
        """Publish a template."""
        return cast(
            "models.PublishAnswer",
            self._send(
                "POST",
                path_of("/templates"),
                params=present({"key": key, "description": description, "allow_unsupported": allow_unsupported}),
                body=body,
            ),
        )

    def templates_check(self, body: dict[str, Any], *, allow_unsupported: bool | None = None) -> models.CheckAnswer:
        """Check an export."""
        return cast(
            "models.CheckAnswer",
            self._send(
                "POST", path_of("/templates/check"), params=present({"allow_unsupported": allow_unsupported}), body=body
            ),
        )

    def templates_delete(self, key: str) -> models.DeletionAnswer:
        """Delete a template."""
        return cast("models.DeletionAnswer", self._send("DELETE", path_of("/templates/{key}", key)))

    def templates_activate(self, key: str, *, version: int | None = None) -> models.Activation:
        """Activate a template."""
        return cast(
            "models.Activation",
            self._send("POST", path_of("/templates/{key}/activate", key), params=present({"version": version})),
        )

    def templates_deactivate(self, key: str) -> models.Activation:
        """Deactivate a template."""
        return cast("models.Activation", self._send("POST", path_of("/templates/{key}/deactivate", key)))

    def templates_diff(self, key: str, *, before: int, after: int) -> models.DifferenceAnswer:
        """How two versions of a template differ."""
        return cast(
            "models.DifferenceAnswer",
            self._send(
                "GET", path_of("/templates/{key}/diff", key), params=present({"before": before, "after": after})
            ),
        )

    def templates_listen(self, key: str, *, seconds: int | None = None) -> models.Listening:
        """Listen for a test call."""
        return cast(
            "models.Listening",
            self._send("POST", path_of("/templates/{key}/listen", key), params=present({"seconds": seconds})),
        )

    def templates_registrations(self, key: str) -> models.RegistrationList:
        """Which triggers of a template are registered at vendors."""
        return cast("models.RegistrationList", self._send("GET", path_of("/templates/{key}/registrations", key)))

    def templates_schedules(self, key: str) -> models.ScheduleList:
        """When a template starts by itself."""
        return cast("models.ScheduleList", self._send("GET", path_of("/templates/{key}/schedules", key)))

    def templates_versions(self, key: str) -> models.VersionList:
        """List the versions of a template."""
        return cast("models.VersionList", self._send("GET", path_of("/templates/{key}/versions", key)))

    def workflows_list(
        self,
        *,
        status: models.RunStatus | None = None,
        template: str | None = None,
        user_id: str | None = None,
        problem: bool | None = None,
        trigger: models.TriggerKind | None = None,
        fingerprint: str | None = None,
        field: str | None = None,
        since: str | None = None,
        until: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> models.RunPage:
        """List runs."""
        return cast(
            "models.RunPage",
            self._send(
                "GET",
                path_of("/workflows"),
                params=present(
                    {
                        "status": status,
                        "template": template,
                        "user_id": user_id,
                        "problem": problem,
                        "trigger": trigger,
                        "fingerprint": fingerprint,
                        "field": field,
                        "since": since,
                        "until": until,
                        "cursor": cursor,
                        "limit": limit,
                    }
                ),
            ),
        )

    def workflows_retry_many(self, body: models.BulkRetryRequest) -> models.BulkRetryAnswer:
        """Try failed runs again."""
        return cast("models.BulkRetryAnswer", self._send("POST", path_of("/workflows/retry"), body=body))

    def workflows_start(self, body: models.StartRequest, *, idempotency_key: str | None = None) -> models.StartAnswer:
        """Start a run."""
        return cast(
            "models.StartAnswer",
            self._send(
                "POST", path_of("/workflows/start"), headers=present({"Idempotency-Key": idempotency_key}), body=body
            ),
        )

    def workflows_answer(self, workflow_id: str, body: models.Answer) -> models.AnswerAccepted:
        """Answer what a run waits for."""
        return cast(
            "models.AnswerAccepted",
            self._send("POST", path_of("/workflows/{workflow_id}/answer", workflow_id), body=body),
        )

    def workflows_cancel(self, workflow_id: str) -> models.Canceled:
        """Cancel a run."""
        return cast("models.Canceled", self._send("POST", path_of("/workflows/{workflow_id}/cancel", workflow_id)))

    def workflows_history(self, workflow_id: str, *, previews: bool | None = None) -> models.HistoryAnswer:
        """What a run did."""
        return cast(
            "models.HistoryAnswer",
            self._send(
                "GET", path_of("/workflows/{workflow_id}/history", workflow_id), params=present({"previews": previews})
            ),
        )

    def workflows_result(self, workflow_id: str, *, wait: float | None = None) -> models.ResultAnswer:
        """What a run left."""
        return cast(
            "models.ResultAnswer",
            self._send("GET", path_of("/workflows/{workflow_id}/result", workflow_id), params=present({"wait": wait})),
        )

    def workflows_retry(self, workflow_id: str, body: models.RetryRequest) -> models.StartAnswer:
        """Try a run again."""
        return cast(
            "models.StartAnswer", self._send("POST", path_of("/workflows/{workflow_id}/retry", workflow_id), body=body)
        )

    def workflows_status(self, workflow_id: str) -> models.StatusAnswer:
        """How a run stands."""
        return cast("models.StatusAnswer", self._send("GET", path_of("/workflows/{workflow_id}/status", workflow_id)))

    def workflows_waits(self, workflow_id: str) -> models.WaitsAnswer:
        """What a run waits for."""
        return cast("models.WaitsAnswer", self._send("GET", path_of("/workflows/{workflow_id}/waits", workflow_id)))
