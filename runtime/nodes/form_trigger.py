"""On form submission: starts a run with a submitted form. The API shows the form and builds the item."""

from typing import Any, Literal

from runtime.contract import Dynamic, Trigger, param
from schemas.facts import CredentialUse, NodeIdentity
from schemas.names import FORM
from schemas.plan import Route

_WITH_PATH = {"@version": [{"_cnd": {"lte": 2.1}}]}


class FormTrigger(Trigger):
    """Passes on the submitted item: a field per label, `submittedAt` and `formMode`."""

    type = "n8n-nodes-base.formTrigger"
    versions = (1, 2, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6)
    trigger = "form"
    has_caller = True
    credential_uses = (CredentialUse("httpBasicAuth", {"authentication": ["basicAuth"]}),)

    authentication: Literal["basicAuth", "n8nUserAuth", "none"] = param(
        "none", show={"@version": [{"_cnd": {"gte": 2}}]}
    )
    require_execute_access: Dynamic[bool] = param(
        default=False, show={"authentication": ["n8nUserAuth"], "@version": [{"_cnd": {"gte": 2.6}}]}
    )
    path: Dynamic[str] = param("", show=_WITH_PATH, required=True, label="Form Path")
    form_title: Dynamic[str] = param("", required=True)
    form_description: Dynamic[str] = param("")
    form_fields: Dynamic[dict[str, Any]] = param({})
    response_mode: Dynamic[Literal["onReceived", "lastNode", "responseNode"]] = param("onReceived")
    form_notice: str = param("", show={"responseMode": ["responseNode"]})
    add_form_page: str = param("")
    options: Dynamic[dict[str, Any]] = param({})

    def caller_mode(self) -> str:
        """Return the response mode."""
        return self.response_mode

    def routes(self, identity: NodeIdentity) -> list[Route]:
        """Return the form's address."""
        options: Any = self.options
        chosen = self.path or (options.get("path") if isinstance(options, dict) else None)
        path = str(chosen or identity.webhook_id or identity.id or identity.name).strip("/")
        mode = str(self.response_mode or "onReceived")
        return [Route(method=FORM, path=path, node=identity.name, response_mode=mode)]
