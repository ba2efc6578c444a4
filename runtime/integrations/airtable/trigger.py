"""Airtable Trigger: records whose field of a time is later than the last poll."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import Items, NodeError
from runtime.integrations.answers import member_of_answer
from runtime.integrations.template import Template
from runtime.integrations.triggers.poll_trigger import PollRun
from runtime.integrations.triggers.times import Interval
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED


async def poll(poll: PollRun) -> Items:
    """Return the records that are new or changed."""
    time, parameters = Interval(poll.state, poll.now), poll.scope.parameters
    fields = parameters.get("additionalFields") or {}
    query: dict[str, Any] = {"view": fields.get("viewId") or None}
    if fields.get("fields"):
        query |= {f"fields[][{i}]": each for i, each in enumerate(js_string(fields["fields"]).split(","))}
    if poll.manual:
        query["maxRecords"] = 1
    else:
        later = f'IS_AFTER({{{parameters.get("triggerField")}}}, DATETIME_PARSE("{time.start}", "YYYY-MM-DD HH:mm:ss"))'
        query["filterByFormula"] = f"AND({later}, {fields['formula']})" if fields.get("formula") else later
    query = {name: each for name, each in query.items() if each is not None} | {"pageSize": 100}
    records = await poll.pages(
        path=Template("/{$base|quote}/{$table|quote}"),
        query=query,
        page={
            "when": True,
            "items": Template("{$response.records}"),
            "next": {"query": {"offset": Template("{$response.offset}")}},
        },
    )
    time.close()
    if poll.manual and records and parameters.get("triggerField") not in member_of_answer(records[0], "fields"):
        raise NodeError(f'The Field "{parameters.get("triggerField")}" does not exist.')
    if not parameters.get("downloadAttachments"):
        return [{"json": each} for each in records]
    names = [each.strip() for each in js_string(parameters.get("downloadFieldNames") or "").split(",")]
    return [await _with_files(poll, each, names) for each in records]


async def _with_files(poll: PollRun, record: Mapping[str, Any], names: list[str]) -> Any:
    binary, fields = {}, record.get("fields", UNDEFINED)
    for name in names:
        found = member_of_answer(fields, name)
        for number, each in enumerate(() if found is UNDEFINED else found or ()):
            file = await poll.request(
                url=each["url"], response="file", filename=each.get("filename"),
                mime=each.get("type"), sign=False,
            )  # fmt: skip
            binary[f"{name}_{number}"] = file
    return {"json": dict(record), **({"binary": binary} if binary else {})}
