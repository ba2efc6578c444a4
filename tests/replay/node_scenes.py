"""Runs that hold the node types which no other history has: all that workflow code runs, each class once."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from bench.exports import START, chain, condition, node, set_node
from tests.replay.scenes import Stage

__all__ = ["NODE_SCENES"]

Export = dict[str, Any]
LANGCHAIN = "@n8n/n8n-nodes-langchain."
ITEMS: list[Any] = [{"json": {"id": 1, "city": "Oslo", "n": 3}}, {"json": {"id": 2, "city": "Rome", "n": 5}}]
NUMBER_RULE = {"number": [{"value1": "={{ $json.n }}", "operation": "larger", "value2": 0}]}
"""A condition of the first versions that holds for every item."""


async def nodes_that_reshape_items(stage: Stage) -> None:
    """One after the other, each on what the one before gave."""
    aggregate = {"aggregate": "aggregateAllItemData", "destinationFieldName": "rows", "options": {}}
    sums = {"values": [{"aggregation": "sum", "field": "n"}]}
    marks = {"values": [{"key": "order", "value": "={{ $json.id }}"}]}
    export = chain(
        START,
        node(
            "Set 2",
            "set",
            2,
            {"values": {"string": [{"name": "tag", "value": "={{ $json.city }}!"}]}, "options": {}},
            1,
        ),
        node("Aggregate", "aggregate", 1, aggregate, 2),
        node("Split Out", "splitOut", 1, {"fieldToSplitOut": "rows", "options": {}}, 3),
        node("Rename", "renameKeys", 1, {"keys": {"key": [{"currentKey": "city", "newKey": "town"}]}}, 4),
        node("Once 1", "removeDuplicates", 1, {"compare": "selectedFields", "fieldsToCompare": "id", "options": {}}, 5),
        node("Once 2", "removeDuplicates", 2, {"compare": "selectedFields", "fieldsToCompare": "id", "options": {}}, 6),
        node("Note", "executionData", 1, {"dataToSave": marks}, 7),
        node("Limit", "limit", 1, {"maxItems": 2}, 8),
        node("Sum", "summarize", 1.1, {"fieldsToSummarize": sums, "options": {}}, 9),
    )
    await (await stage.start(export, ITEMS)).result()


async def nodes_that_choose_and_join(stage: Stage) -> None:
    """Filters, switches and batches in a row; then the ways in which two inputs meet."""
    old_switch = {
        "dataType": "number",
        "value1": "={{ $json.n }}",
        "rules": {"rules": [{"operation": "larger", "value2": 0}]},
    }
    rules = {"rules": {"values": [{"conditions": condition("={{ $json.n }}", "gt", 0)}]}, "options": {}}
    export = chain(
        START,
        node("Filter 1", "filter", 1, {"conditions": NUMBER_RULE}, 1),
        node("Filter 2", "filter", 2.2, {"conditions": condition("={{ $json.n }}", "gt", 0), "options": {}}, 2),
        node("If 1", "if", 1, {"conditions": NUMBER_RULE}, 3),
        node("Switch 1", "switch", 1, old_switch, 4),
        node("Switch 2", "switch", 2, {"mode": "expression", "output": "={{ 0 }}"}, 5),
        node("Switch 3", "switch", 3.2, rules, 6),
        node("Batch 1", "splitInBatches", 1, {"batchSize": 10, "options": {}}, 7),
        node("Batch 2", "splitInBatches", 2, {"batchSize": 10, "options": {}}, 8),
        node("Compare", "compareDatasets", 2.3, {"mergeByFields": {"values": [{"field1": "id", "field2": "id"}]}, "options": {}}, 9),
        node("Merge 1", "merge", 1, {"mode": "append"}, 10),
        node("Merge 2", "merge", 2.1, {"mode": "append"}, 11),
    )  # fmt: skip
    links = export["connections"]
    links["Batch 2"] = _to(("Compare", 0), ("Compare", 1))
    links["Compare"] = {"main": [[], _to(("Merge 1", 0), ("Merge 1", 1))["main"][0]]}
    links["Merge 1"] = _to(("Merge 2", 0), ("Merge 2", 1))
    await (await stage.start(export, ITEMS)).result()


async def a_run_of_each_trigger(stage: Stage) -> None:
    """Those with which no other history starts."""
    triggers: dict[str, Export] = {
        "cron": {"triggerTimes": {"item": [{"hour": 9}]}}, "interval": {"interval": 5}, "errorTrigger": {}, "start": {},
        f"{LANGCHAIN}chatTrigger": {"options": {}}, f"{LANGCHAIN}manualChatTrigger": {},
    }  # fmt: skip
    for type_, parameters in triggers.items():
        trigger = _of_any_package(node("In", type_, 1, parameters, 0))
        export = chain(trigger, set_node("Done", 1, {"n": "1"}))
        await (await stage.start(export, ITEMS, start="In")).result()


async def a_run_of_each_trigger_at_a_vendor(stage: Stage) -> None:
    """Deliveries that begin a run of each, with the items that were made of them."""
    named = {"__rl": True, "mode": "name", "value": "n"}
    triggers: list[tuple[str, float, Export]] = [
        ("calTrigger", 2, {"events": ["BOOKING_CREATED"]}), ("calTrigger", 3, {"events": ["BOOKING_CREATED"]}),
        ("calendlyTrigger", 1, {"events": ["invitee.created"]}), ("calendlyTrigger", 2, {"events": ["invitee.created"]}),
        ("clickUpTrigger", 1, {"team": "1", "events": ["*"]}),
        ("githubTrigger", 1, {"owner": named, "repository": named, "events": ["push"]}),
        ("hubspotTrigger", 1, {"eventsUi": {"eventValues": [{"name": "contact.creation"}]}}),
        ("jiraTrigger", 1.1, {"events": ["*"]}), ("linearTrigger", 1, {"teamId": "1", "resources": ["issue"]}),
        ("pipedriveTrigger", 1.1, {}), ("shopifyTrigger", 1, {"topic": "orders/create"}),
        ("stripeTrigger", 1, {"events": ["*"]}), ("twilioTrigger", 1, {"updates": ["com.twilio.messaging.inbound-message.received"]}),
        ("typeformTrigger", 1.1, {"formId": "1"}), ("webflowTrigger", 1, {"site": "1"}), ("webflowTrigger", 2, {"site": "1"}),
        ("whatsAppTrigger", 1, {"updates": ["messages"]}), ("wooCommerceTrigger", 1, {"event": "order.created"}),
    ]  # fmt: skip
    for type_, version, parameters in triggers:
        export = chain(node("In", type_, version, parameters, 0), set_node("Done", 1, {"n": "1"}))
        await (await stage.start(export, ITEMS, start="In")).result()


async def a_run_of_gitlabs_and_mailchimps_trigger(stage: Stage) -> None:
    """Deliveries that begin a run of both, with the items that were made of them."""
    triggers: list[tuple[str, float, Export]] = [
        ("gitlabTrigger", 1, {"owner": "o", "repository": "r", "events": ["push"]}),
        ("mailchimpTrigger", 1, {"list": "1", "events": ["subscribe"], "sources": ["user"]}),
    ]
    for type_, version, parameters in triggers:
        export = chain(node("In", type_, version, parameters, 0), set_node("Done", 1, {"n": "1"}))
        await (await stage.start(export, ITEMS, start="In")).result()


async def a_run_of_each_way_to_ask_a_model(stage: Stage) -> None:
    """One root after the other; each has a model that answers with the JSON that it is asked for."""
    text = "={{ $('Start').first().json.city }}"
    feelings = {"categories": "Positive, Negative"}
    roots: dict[str, tuple[float, Export, Any]] = {
        "agent": (3, {"promptType": "define", "text": text, "options": {}}, "It is sunny."),
        "chainLlm": (1.7, {"promptType": "define", "text": text}, "It is sunny."),
        "informationExtractor": (
            1.2, {"text": text, "attributes": {"attributes": [{"name": "city", "description": "a city"}]}, "options": {}},
            {"output": {"city": "Oslo"}},
        ),
        "sentimentAnalysis": (
            1.1, {"inputText": text, "options": feelings}, {"sentiment": "Positive", "strength": 1, "confidence": 1}
        ),
        "textClassifier": (
            1.1, {"inputText": text, "categories": {"categories": [{"category": "a city"}]}, "options": {}},
            {"a city": True, "fallback": False},
        ),
    }  # fmt: skip
    nodes = [
        _of_any_package(node(type_, f"{LANGCHAIN}{type_}", version, given, 1))
        for type_, (version, given, _) in roots.items()
    ]
    export = chain(START, *nodes)
    for type_, (_, _, answer) in roots.items():
        export["nodes"].append(_model(f"Model of {type_}", answer))
        export["connections"][f"Model of {type_}"] = {
            "ai_languageModel": [[{"node": type_, "type": "ai_languageModel", "index": 0}]]
        }
    await (await stage.start(export, ITEMS[:1])).result()


def _model(name: str, answer: Any) -> Export:
    """A chat model that answers with this text or JSON; see `World.http` of `tests.replay`."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    parameters = {
        "model": {"__rl": True, "value": "m", "mode": "list"},
        "options": {"baseURL": f"https://example.org/says/{quote(text, safe='')}"},
    }
    made = _of_any_package(node(name, f"{LANGCHAIN}lmChatOpenAi", 1.2, parameters, 2))
    return made | {"credentials": {"openAiApi": {"id": "1", "name": "o"}}}


def _of_any_package(made: Mapping[str, Any]) -> Export:
    return {**made, "type": made["type"].removeprefix("n8n-nodes-base.")} if "@n8n/" in made["type"] else dict(made)


def _to(*targets: tuple[str, int]) -> dict[str, Any]:
    return {"main": [[{"node": name, "type": "main", "index": slot} for name, slot in targets]]}


NODE_SCENES: Final[dict[str, Callable[[Stage], Awaitable[None]]]] = {
    "nodes-that-reshape-items": nodes_that_reshape_items,
    "nodes-that-choose-and-join": nodes_that_choose_and_join,
    "a-run-of-each-trigger": a_run_of_each_trigger,
    "a-run-of-each-trigger-at-a-vendor": a_run_of_each_trigger_at_a_vendor,
    "a-run-of-gitlabs-and-mailchimps-trigger": a_run_of_gitlabs_and_mailchimps_trigger,
    "a-run-of-each-way-to-ask-a-model": a_run_of_each_way_to_ask_a_model,
}
