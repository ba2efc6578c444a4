"""The engine's state is complete: a run that is taken apart and put together at every step ends as one that was not."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.engine.machine import Engine
from schemas.item import Items, Outputs
from schemas.outcome import Delay, Execute, Finished, Outcome
from schemas.plan import Edge, Kind, OnError, Plan, Retry, Settings, Step

LIMIT = 60
"""Steps after which a random graph counts as a loop without end."""


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Random graphs: chains, branches, merges, loops, dead ends, disabled and failing nodes."""
    count = draw(st.integers(2, 8))
    names = [f"N{i}" for i in range(count)]
    steps = []
    for i, name in enumerate(names):
        edges = tuple(
            Edge(output=draw(st.integers(0, 1)), target=draw(st.sampled_from(names[1:])), input=draw(st.integers(0, 1)))
            for _ in range(draw(st.integers(0, 3)))
        )
        steps.append(
            Step(
                name=name,
                type="test",
                version=1,
                kind=Kind.INLINE,
                trigger="manual" if i == 0 else None,
                position=(draw(st.integers(0, 3)), draw(st.integers(0, 3))),
                edges=edges,
                outputs=2,
                disabled=i > 0 and draw(st.booleans()) and draw(st.booleans()),
                always_output_data=draw(st.booleans()) and draw(st.booleans()),
                execute_once=draw(st.booleans()) and draw(st.booleans()),
                on_error=draw(st.sampled_from(list(OnError))),
                retry=Retry(tries=2, wait_ms=0) if draw(st.booleans()) else None,
                required_inputs=draw(st.sampled_from([None, 1, (0, 1)])),
            )
        )
    return Plan(name="random", steps=tuple(steps), settings=Settings(order=draw(st.sampled_from(["v0", "v1"]))))


def node(execute: Execute) -> Outcome:
    """A node whose outcome depends only on its name, run and input: it splits, drops, and fails now and then."""
    number = int(execute.step.name[1:])
    items: Items = next((each for each in execute.inputs if each), [])
    if (number + execute.run_index + execute.attempt) % 5 == 4:
        return Outcome(error={"name": "Error", "message": f"{execute.step.name} fails"})
    halves: Outputs = [
        [{"json": {**item["json"], execute.step.name: execute.run_index}} for item in items[::2]],
        [{"json": item["json"], "pairedItem": {"item": 2 * i + 1}} for i, item in enumerate(items[1::2])],
    ]
    return Outcome(outputs=halves)


def drive(plan: Plan, *, apart: bool) -> dict[str, Any]:
    """Run to the end, or to the limit; with `apart` the engine is rebuilt from its JSON before and within every step."""
    engine = Engine(plan)
    engine.start("N0", [{"json": {"i": i}} for i in range(3)])
    for _ in range(LIMIT):
        command = engine.next()
        if isinstance(command, Finished):
            break
        if not isinstance(command, Execute):
            continue
        if apart:
            engine = Engine(plan, state=json.loads(json.dumps(engine.state())))
            assert engine.current is not None
            command = engine.current
        while isinstance(engine.complete(node(command)), Delay):
            command = engine.retry()
        if apart:
            engine = Engine(plan, state=json.loads(json.dumps(engine.state())))
    return json.loads(json.dumps(engine.state()))  # type: ignore[no-any-return]


@settings(max_examples=150, deadline=None)
@given(plans())
def test_a_run_resumed_at_every_step_ends_as_one_that_was_not(plan: Plan) -> None:
    """State is plain JSON and complete."""
    assert drive(plan, apart=True) == drive(plan, apart=False)


@settings(max_examples=100, deadline=None)
@given(plans())
def test_every_scheduled_run_has_a_source_that_ran(plan: Plan) -> None:
    """Nothing runs out of nothing: each recorded source names a run that exists."""
    state = drive(plan, apart=False)
    for runs in state["runs"].values():
        for run in runs:
            for source in filter(None, run["source"]):
                assert source.get("previousNodeRun", 0) < len(state["runs"].get(source["previousNode"], ()))
