"""On form submission: starts a run with what somebody filled in. The API shows the form and builds the item."""

from typing import Any, Literal

from runtime.contract import Dynamic, Trigger, param

_WITH_PATH = {"@version": [{"_cnd": {"lte": 2.1}}]}


class FormTrigger(Trigger):
    """Passes on the submitted item: a field per label, `submittedAt` and `formMode`."""

    type = "n8n-nodes-base.formTrigger"
    versions = (1, 2, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6)
    trigger = "form"
    credential_types = ("httpBasicAuth",)

    authentication: Literal["basicAuth", "n8nUserAuth", "none"] = param(
        "none", show={"@version": [{"_cnd": {"gte": 2}}]}
    )
    require_execute_access: Dynamic[bool] = param(
        default=False, show={"authentication": ["n8nUserAuth"], "@version": [{"_cnd": {"gte": 2.6}}]}
    )
    path: Dynamic[str] = param("", show=_WITH_PATH)
    form_title: Dynamic[str] = param("", required=True)
    form_description: Dynamic[str] = param("")
    form_fields: Dynamic[dict[str, Any]] = param({})
    response_mode: Dynamic[Literal["onReceived", "lastNode", "responseNode"]] = param("onReceived")
    options: Dynamic[dict[str, Any]] = param({})
