"""Values that JSON does not know come out of a task as they went in, so that both hosts give a node the same."""

import json

from runtime.expressions.scope import ExpressionError
from runtime.interpreter.task_codec import decode, encode
from runtime.values.javascript import DateTimeText
from schemas.item import UNDEFINED


def test_what_json_does_not_know_survives_the_wire() -> None:
    """Undefined, a failed expression, a date that knows its zone, and data that looks like our own tags."""
    column = [UNDEFINED, DateTimeText("2024-02-03T00:00:00.000Z"), {"$tempor8": "undefined"}, ExpressionError("no")]
    back = decode(json.loads(json.dumps(encode([column]))))[0]
    assert back is not None
    assert back[0] is UNDEFINED
    assert isinstance(back[1], DateTimeText)
    assert back[2] == {"$tempor8": "undefined"}
    assert isinstance(back[3], ExpressionError)
    assert back[3].message == "no"
