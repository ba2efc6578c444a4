"""MQTT: publish a message per item."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Activity, ActivityContext, Dynamic, Items, NodeError, Outputs, paired, param
from runtime.contract.capabilities import MqttMessage
from runtime.values.javascript import describe_received, js_string, json_stringify, truthy
from schemas.facts import CredentialUse

_QUALITIES: Final = (0, 1, 2)
_BYTES: Final = "string or an instance of Buffer or ArrayBuffer"


class Mqtt(Activity):
    """All items in one session. Returns its items."""

    type = "n8n-nodes-base.mqtt"
    versions = (1,)
    usable_as_tool = True
    credential_uses = (CredentialUse("mqtt"),)

    topic: Dynamic[str] = param("", required=True)
    send_input_data: Dynamic[bool] = param(True)
    message: Dynamic[str] = param("", show={"sendInputData": [False]}, required=True)
    options: Dynamic[dict[str, Any]] = param({})

    def mutation(self, version: float) -> str | None:
        """Return what it changes."""
        del version
        return "its messages"

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Publish, and pass the items on. Raise NodeError."""
        messages = [context.resolve(self, i).to_send(item["json"]) for i, item in enumerate(items)]
        await context.mqtt.publish(messages)
        return [[{**item, "pairedItem": paired(i)} for i, item in enumerate(items)]]

    def to_send(self, json: Mapping[str, Any]) -> MqttMessage:
        """Return the message of an item. Raise NodeError."""
        if truthy(self.send_input_data):
            payload = json_stringify(json) or ""
        elif isinstance(self.message, str):
            payload = self.message
        else:
            received = describe_received(self.message)
            raise NodeError(f'The "string" argument must be of type {_BYTES}. Received {received}')
        given: Any = self.options  # an expression gives anything
        options = given if isinstance(given, Mapping) else {}
        qos = options.get("qos") or 0
        if qos not in _QUALITIES:
            raise NodeError(f"The quality of service is 0, 1 or 2, not {js_string(qos)[:100]}")
        return MqttMessage(
            js_string(self.topic), payload.encode("utf-8", "replace"), int(qos), truthy(options.get("retain"))
        )
