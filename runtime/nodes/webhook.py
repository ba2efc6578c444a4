"""Webhook: starts a run with an HTTP request. The API builds the item; this node says where it listens."""

from typing import Any, Literal

from runtime.contract import Context, Dynamic, Items, Outputs, Trigger, param
from schemas.facts import CredentialUse, NodeIdentity
from schemas.plan import Route

Method = Literal["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]


class Webhook(Trigger):
    """One output per method when it listens for several, and only that of the request's method is filled."""

    type = "n8n-nodes-base.webhook"
    versions = (1, 1.1, 2, 2.1)
    trigger = "webhook"
    has_caller = True
    credential_uses = (
        CredentialUse("httpBasicAuth", {"authentication": ["basicAuth"]}),
        CredentialUse("httpHeaderAuth", {"authentication": ["headerAuth"]}),
        CredentialUse("jwtAuth", {"authentication": ["jwtAuth"]}),
    )

    multiple_methods: bool = param(default=False)
    http_method: Dynamic[Method] = param("GET", show={"multipleMethods": [False]})
    http_methods: Dynamic[list[Method]] = param(["GET", "POST"], alias="httpMethod", show={"multipleMethods": [True]})
    path: Dynamic[str] = param("")
    authentication: Literal["basicAuth", "headerAuth", "jwtAuth", "n8nOAuth2", "none"] = param("none")
    require_execute_access: Dynamic[bool] = param(default=True, show={"authentication": ["n8nOAuth2"]})
    response_mode: Dynamic[Literal["onReceived", "lastNode", "responseNode", "streaming"]] = param("onReceived")
    webhook_notice: str = param("", show={"responseMode": ["responseNode"]})
    webhook_streaming_notice: str = param("", show={"responseMode": ["streaming"]})
    response_code: Dynamic[int] = param(200, show={"@version": [1, 1.1]}, hide={"responseMode": ["responseNode"]})
    response_data: Dynamic[Literal["allEntries", "firstEntryJson", "firstEntryBinary", "noData"]] = param(
        "firstEntryJson", show={"responseMode": ["lastNode"]}
    )
    response_binary_property_name: Dynamic[str] = param(
        "data",
        show={"responseData": ["firstEntryBinary"]},
        required=True,
        label="Property Name",
    )
    content_type_notice: str = param("", show={"responseMode": ["onReceived"]})
    options: Dynamic[dict[str, Any]] = param({})

    def outputs(self, version: float) -> int:
        """Return one output per method."""
        del version
        return len(self.http_methods) if self.multiple_methods and isinstance(self.http_methods, list) else 1

    def caller_mode(self) -> str:
        """Return the response mode."""
        return self.response_mode

    def routes(self, identity: NodeIdentity) -> list[Route]:
        """Return one route per method. n8n prefixes a path with parameters by the webhook's id, and takes it for an empty one."""
        path = str(self.path or "").strip("/")
        own = identity.webhook_id or identity.id or identity.name
        if not path:
            path = own
        elif identity.webhook_id and any(part.startswith(":") for part in path.split("/")):
            path = f"{identity.webhook_id}/{path}"
        methods: Any = self.http_methods if self.multiple_methods else self.http_method
        mode = str(self.response_mode or "onReceived")
        return [
            Route(method=str(method).upper(), path=path, node=identity.name, response_mode=mode)
            for method in (methods if isinstance(methods, list) else [methods or "GET"])
        ]

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the request's item on the output of its method."""
        count = self.outputs(context.version)
        if count == 1:
            return [items]
        method = str(items[0].get("method", "")) if items else ""
        index = self.http_methods.index(method) if method in self.http_methods else 0
        passed: Items = [{key: value for key, value in item.items() if key != "method"} for item in items]  # type: ignore[misc]
        return [passed if output == index else [] for output in range(count)]
