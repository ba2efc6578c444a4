"""Webhook: starts a run with an HTTP request. The API builds the item; this node says where it listens."""

from typing import Any, Literal

from runtime.contract import Context, Dynamic, Items, Outputs, Trigger, param

Method = Literal["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]
WITH_STREAMING = {"@version": [1, 1.1, 2]}


class Webhook(Trigger):
    """One output per method when it listens for several, and only that of the request's method is filled."""

    type = "n8n-nodes-base.webhook"
    versions = (1, 1.1, 2, 2.1)
    trigger = "webhook"
    credential_types = ("httpBasicAuth", "httpHeaderAuth", "jwtAuth")

    multiple_methods: bool = param(default=False)
    http_method: Dynamic[Method] = param("GET", show={"multipleMethods": [False]})
    http_methods: Dynamic[list[Method]] = param(["GET", "POST"], alias="httpMethod", show={"multipleMethods": [True]})
    path: Dynamic[str] = param("")
    authentication: Literal["basicAuth", "headerAuth", "jwtAuth", "n8nOAuth2", "none"] = param("none")
    require_execute_access: Dynamic[bool] = param(default=True, show={"authentication": ["n8nOAuth2"]})
    response_mode: Dynamic[Literal["onReceived", "lastNode", "responseNode", "streaming"]] = param("onReceived")
    response_code: Dynamic[int] = param(200, show={"@version": [1, 1.1]}, hide={"responseMode": ["responseNode"]})
    response_data: Dynamic[Literal["allEntries", "firstEntryJson", "firstEntryBinary", "noData"]] = param(
        "firstEntryJson", show={"responseMode": ["lastNode"]}
    )
    response_binary_property_name: Dynamic[str] = param(
        "data", show={"responseData": ["firstEntryBinary"]}, required=True
    )
    options: Dynamic[dict[str, Any]] = param({})

    def outputs(self, version: float) -> int:
        """One per method."""
        del version
        return len(self.http_methods) if self.multiple_methods and isinstance(self.http_methods, list) else 1

    def run(self, context: Context, items: Items) -> Outputs:
        """The request's item on the output of its method."""
        count = self.outputs(context.version)
        if count == 1:
            return [items]
        method = str(items[0].get("method", "")) if items else ""
        index = self.http_methods.index(method) if method in self.http_methods else 0
        passed: Items = [{key: value for key, value in item.items() if key != "method"} for item in items]  # type: ignore[misc]
        return [passed if output == index else [] for output in range(count)]
