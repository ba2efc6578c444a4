"""MQTT: what a broker gets from the node is what n8n 2.41.1 sent (recorded on the wire), and a broker that errs is an error."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import pytest

from cli.testing.case import run_case
from runtime.contract import NodeError
from runtime.contract.capabilities import Mqtt, MqttMessage
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.platform.egress import EgressRefused
from runtime.platform.mqtt_client import MqttError, publish
from tests.mqtt_broker import Broker, mqtt_broker
from tests.patience import PATIENCE

LOOPBACK: Final = ("127.0.0.1/32",)


class BrokerMqtt(Mqtt):
    """Messages to the broker of a test."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def publish(self, messages: Sequence[MqttMessage]) -> None:
        """Send them."""
        packets = [(each.topic, each.payload, each.qos, each.retain) for each in messages]
        try:
            await publish(LOOPBACK, self._broker.credential, packets)
        except MqttError as error:
            raise NodeError(str(error)) from error


async def run(broker: Broker, parameters: dict[str, Any]) -> dict[str, Any]:
    """Run the node with two items."""
    start = {"id": "a", "name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0]}
    node = {"id": "b", "name": "E", "type": "n8n-nodes-base.mqtt", "typeVersion": 1, "position": [200, 0]}
    workflow = {
        "name": "Case",
        "nodes": [
            {**start, "parameters": {}},
            {**node, "parameters": parameters, "credentials": {"mqtt": {"id": "1", "name": "c"}}},
        ],
        "connections": {"Start": {"main": [[{"node": "E", "type": "main", "index": 0}]]}},
        "settings": {"executionOrder": "v1", "timezone": "UTC"},
    }
    items = [{"json": {"i": 0}}, {"json": {"i": 1}}]
    question = {"workflow": workflow, "start": "Start", "mode": "trigger", "input": items}
    return await run_case(question, OfflineCapabilities(mqtt=BrokerMqtt(broker)))


@pytest.mark.parametrize(
    ("parameters", "messages"),
    [
        ({"topic": "a/b"}, [("a/b", b'{"i":0}', 0, False), ("a/b", b'{"i":1}', 0, False)]),
        (
            {
                "topic": "={{ 't/' + $json.i }}",
                "sendInputData": False,
                "message": "={{ 'm' + $json.i }}",
                "options": {"qos": 1, "retain": True},
            },
            [("t/0", b"m0", 1, True), ("t/1", b"m1", 1, True)],
        ),
        (
            {"topic": "q2", "sendInputData": False, "message": "x", "options": {"qos": 2}},
            [("q2", b"x", 2, False), ("q2", b"x", 2, False)],
        ),
        ({"topic": "a/#", "sendInputData": False, "message": "x"}, [("a/#", b"x", 0, False), ("a/#", b"x", 0, False)]),
    ],
)
async def test_what_is_published_is_what_n8n_publishes(
    parameters: dict[str, Any], messages: list[tuple[str, bytes, int, bool]]
) -> None:
    async with mqtt_broker() as broker:
        done = await run(broker, parameters)
        await asyncio.wait_for(broker.ended.wait(), PATIENCE)
    assert done["nodes"]["E"][0]["outputs"] == [[{"i": 0}, {"i": 1}]]
    assert broker.messages == messages


@pytest.mark.parametrize(
    ("message", "received"), [("={{ 5 }}", "type number (5)"), ("={{ {a: 1} }}", "an instance of Object")]
)
async def test_a_message_is_a_text(message: str, received: str) -> None:
    async with mqtt_broker() as broker:
        done = await run(broker, {"topic": "n", "sendInputData": False, "message": message})
    expected = (
        f'The "string" argument must be of type string or an instance of Buffer or ArrayBuffer. Received {received}'
    )
    assert done["error"]["message"] == expected
    assert broker.messages == []


async def test_the_login_is_that_of_version_3_1_1() -> None:
    async with mqtt_broker() as broker:
        await publish(LOOPBACK, {**broker.credential, "clientId": "cid"}, [])
        await publish(
            LOOPBACK, {**broker.credential, "clientId": "c", "clean": False, "username": "u", "password": "p"}, []
        )
    assert broker.logins == [b"\0\4MQTT\4\2\0<\0\3cid", b"\0\4MQTT\4\xc0\0<\0\1c\0\1u\0\1p"]


async def test_a_broker_that_refuses_says_why() -> None:
    async with mqtt_broker(code=5) as broker:
        with pytest.raises(MqttError, match="Connection refused: Not authorized"):
            await publish(LOOPBACK, broker.credential, [("a", b"", 0, False)])


async def test_an_acknowledgement_of_another_message_is_none() -> None:
    async with mqtt_broker(wrong_ids=True) as broker:
        with pytest.raises(MqttError, match="another message"):
            await publish(LOOPBACK, broker.credential, [("a", b"", 1, False)])


async def test_no_broker_is_reached_that_is_not_open_to_the_tenant() -> None:
    async with mqtt_broker() as broker:
        with pytest.raises(EgressRefused):
            await publish((), broker.credential, [("a", b"", 0, False)])
    assert broker.logins == []


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 no\r\n\r\n", b"\x20\xff\xff\xff\xff\x7f", b"\x20", b""])
async def test_what_is_no_mqtt_is_an_error_of_the_step(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    credential = {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]}
    with pytest.raises(MqttError):
        await publish(LOOPBACK, credential, [("a", b"", 0, False)])
    server.close()
