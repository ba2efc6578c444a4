"""The state machine of one execution: n8n's stack, waiting inputs, run data and their rules. It decides and never acts.

Hosts call `start` once, then `next` and `complete` in turn until `Finished`. `state` is plain JSON at every step boundary.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

from runtime.engine import legacy
from runtime.engine.forgetting import Forgetting
from runtime.engine.graph import Graph
from runtime.engine.node_runs import SparseRuns, from_json, to_json
from runtime.engine.outputs import finish, stamp
from runtime.engine.pairing import PairingError, Trail, paired_input
from runtime.engine.pinned import pinned_of, share_pairings
from runtime.engine.waiting import Entry, WaitingNodes
from schemas.errors import LIMIT_REACHED
from schemas.item import Item, Items, NodeRun, Outputs, Source
from schemas.outcome import Delay, Execute, Finished, Idle, Outcome
from schemas.plan import OnError, Plan, Step

TAKES_ITEMS: Final = ("workflow", "error")
"""Triggers that hand on what another run gave them. Without items they do not run, and neither does anything else."""
INPUT_AFTER_ERROR: Final = "whole input after an error of executeOnce"
"""Patch: runs that began before pass on the first item alone."""


class Engine:
    """One execution of a plan.

    Args:
        plan: what is executed.
        state: to continue with, see the method; None: from the beginning.
        pinned: use the plan's pinned items.
        graph: the plan's, where its runs share one.
        patched: whether a decision is made as this code makes it, by the name of the change; None: every one is.
    """

    def __init__(
        self, plan: Plan, *, state: dict[str, Any] | None = None, pinned: bool = False, graph: Graph | None = None,
        patched: Callable[[str], bool] | None = None,
    ) -> None:  # fmt: skip
        self.patched = patched or (lambda _change: True)
        self.plan = plan
        self.graph = graph or Graph(plan)
        self.v1 = plan.settings.order == "v1"
        state = state or {}
        self.stack: list[Entry] = state.get("stack", [])
        self._waiting = WaitingNodes(plan, self.graph, state.get("waiting", {}))
        self.runs: dict[str, list[NodeRun] | SparseRuns] = {
            name: from_json(runs) for name, runs in state.get("runs", {}).items()
        }
        self.pinned = pinned_of(plan.pin_data if pinned else {}, self.runs)
        self._trail = Trail(self.graph, self.runs)
        self.order: list[list[Any]] = state.get("order", [])
        """What ran, in order: [node, run], and its number among all as a third once some are forgotten."""
        self.forgetting = Forgetting(plan, self.graph, self.runs, self.order, state)
        self.keeps_all = False
        """Set by hosts that read every run at the end of the execution."""
        self.memory: dict[str, dict[str, Any]] = state.get("memory", {})
        self.last: str | None = state.get("last")
        self.error: dict[str, Any] | None = state.get("error")
        self.deadline: float | None = state.get("deadline")
        self.status: str = state.get("status", "running")
        self.parked: dict[int, Entry] = {}
        """Entries of steps that wait while other steps run, by number."""
        self.progress: dict[int | None, Any] = {}
        """How far the steps are in the middle of which the execution continues: of parked ones by number, of the current one
        under None. What takes such a step up takes it out.
        """
        self._number = 0
        self.current: Execute | None = None
        self.entry: Entry | None = None
        self._deferred = 0
        for each in state.get("parked", ()):
            self._number += 1
            self.parked[self._number], self.progress[self._number] = each["entry"], each["progress"]
        if (running := state.get("current")) is not None:
            self._resume(running)

    # --- state -------------------------------------------------------------------------------------------------------

    def state(self, progress: Mapping[int | None, Any] | None = None) -> dict[str, Any]:
        """Return the whole state as plain JSON; `Engine(plan, state=...)` continues from it.

        With `progress` (see the attribute) it continues in the middle of the steps that are open; without, parked steps are to
        run again from their beginning.
        """
        current: dict[str, Any] | None = None
        if self.current is not None:
            current = {"entry": self.entry, "attempt": self.current.attempt}
        if current is not None and progress and None in progress:
            current["progress"] = progress[None]
        state = {
            "stack": self.stack if progress is not None else [*self.parked.values(), *self.stack],
            "waiting": self._waiting.entries,
            "runs": {name: to_json(runs) for name, runs in self.runs.items()},
            "order": self.order,
            "memory": self.memory,
            "last": self.last,
            "error": self.error,
            "deadline": self.deadline,
            "status": self.status,
            "current": current,
            **self.forgetting.state(),
        }
        if progress is not None and self.parked:
            parked = [{"entry": entry, "progress": progress.get(number)} for number, entry in self.parked.items()]
            state["parked"] = parked
        return state

    def _resume(self, running: dict[str, Any]) -> None:
        self.entry = running["entry"]
        self.current = self._execute(self.entry or {}, running["attempt"])
        if "progress" in running:
            self.progress[None] = running["progress"]

    # --- driving -----------------------------------------------------------------------------------------------------

    def start(self, node: str, items: Items, *, now: float = 0.0) -> None:
        """Put the start node on the stack with its items. `now` (ms since the epoch) starts the execution time-out."""
        self.stack.append({"node": node, "inputs": [[dict(item) for item in items]], "source": []})
        if self.plan.settings.timeout_s:
            self.deadline = now + self.plan.settings.timeout_s * 1000

    def next(self, now: float = 0.0) -> Execute | Finished | Idle | Step:
        """Return what to do now: run a step (`Execute`), wait for a parked one (`Idle`), or stop (`Finished`).

        A Step means that it was settled without running its node (disabled, pinned, no input): call `next` again.
        `now` is in ms since the epoch.
        """
        if self.status != "running":
            return Finished(self.status, self.last, self.error)
        if self.deadline is not None and now > self.deadline:
            return self._end("canceled")
        if self.forgetting.due:
            self._trail.forget()
            self.forgetting.forget(self._entries(), self.memory, keeps_all=self.keeps_all)
        if not self.stack and self.parked:
            return Idle()
        if not self.stack and (released := self._waiting.release()) is not None:
            self.stack.append(released)
        if not self.stack:
            return self._end("error" if self.error else "success")
        self.entry = self.stack.pop(0)
        step = self.plan.step[self.entry["node"]]
        if not self.v1 and legacy.must_defer(self, self.entry):
            self._deferred += 1
            if self._deferred > len(self.stack) + 1:
                return self._endless(self.entry)
            self.stack.append(self.entry)
            return step
        self._deferred = 0
        self.current = self._execute(self.entry, 1)
        settled, outputs = self._settle(self.current)
        if not settled:
            return self.current
        self.error = None
        final = self._final(self.current, outputs, ran=False)
        self._advance(self.current, final, Outcome(outputs=outputs, started=now, finished=now))
        return step

    def complete(self, outcome: Outcome) -> Delay | None:
        """Record how the current attempt ended. A Delay means: wait that long, then run `retry()`; None: call `next`.

        Outputs that are no items raise before anything has changed: call it again with the error.
        """
        execute = self.current
        assert execute is not None
        step = execute.step
        tries = step.retry.tries if step.retry else 1
        if (
            execute.attempt < tries
            and not _limited(outcome)
            and (outcome.error is not None or _returned_error(outcome.outputs))
        ):
            return Delay((step.retry.wait_ms if step.retry else 0) / 1000)
        if outcome.error is not None:
            self._fail(execute, outcome)
            return None
        final = self._final(execute, outcome.outputs)
        self.error = None
        self._advance(execute, final, outcome)
        return None

    def park(self) -> int:
        """Let other steps run while the current one waits. Return the number to `unpark` it with."""
        assert self.entry is not None
        self._number += 1
        self.parked[self._number] = self.entry
        self.current = self.entry = None
        return self._number

    def unpark(self, number: int) -> Execute:
        """Make a parked step the current one again and return it; call `complete` with its outcome next."""
        self.entry = self.parked.pop(number)
        self.current = self._execute(self.entry, 1)
        return self.current

    def execute_parked(self, number: int) -> Execute:
        """Return the run of a parked step, which stays parked."""
        return self._execute(self.parked[number], 1)

    def retry(self) -> Execute:
        """Return the current step for its next attempt."""
        assert self.current is not None
        assert self.entry is not None
        self.current = self._execute(self.entry, self.current.attempt + 1)
        return self.current

    def cancel(self) -> Finished:
        """End the execution as canceled."""
        return self._end("canceled")

    def withdraw(self, node: str) -> Finished:
        """End the execution as one whose node gave nothing: what it gave is another execution's."""
        run = self.runs[node][-1]
        run["outputs"] = [[] for _ in run["outputs"]]
        self.stack.clear()
        return self._end("success")

    def abort(self, error: dict[str, Any]) -> Finished:
        """End the execution by an error outside its steps."""
        self.error = error
        return self._end("error")

    def _endless(self, entry: Entry) -> Finished:
        """End the execution: in order v0, everything that is left waits for something else that is left."""
        message = "Stopped execution because it seems to be in an endless loop"
        self.error = {"name": "WorkflowOperationError", "message": message, "node": entry["node"]}
        return self._end("error")

    def _end(self, status: str) -> Finished:
        self.status = status
        self.current = self.entry = None
        return Finished(status, self.last, self.error)

    # --- one step ----------------------------------------------------------------------------------------------------

    def _execute(self, entry: Entry, attempt: int) -> Execute:
        step = self.plan.step[entry["node"]]
        uncut = stamp(entry["inputs"][: step.own_inputs])
        cut = [items[:1] if items else items for items in uncut] if step.execute_once else uncut
        return Execute(
            step=step,
            run_index=len(self.runs.get(step.name, ())),
            attempt=attempt,
            inputs=cut,
            uncut_inputs=uncut,
            items=self._effective(step.name, uncut) or [],
            source=entry["source"],
        )

    def _effective(self, node: str, inputs: list[Items | None]) -> Items | None:
        if self.v1 or (len(inputs) > 1 and node in self.graph.ancestors(node)):  # v0: by the first input, but in a loop
            return next((items for items in inputs if items), None)
        return inputs[0] if inputs else None

    def _settle(self, execute: Execute) -> tuple[bool, Outputs | None]:
        """Return (True, outputs) when no node has to run, else (False, None)."""
        step = execute.step
        if step.disabled:
            first = execute.uncut_inputs[0] if execute.uncut_inputs else None  # executeOnce is not looked at
            return True, None if first is None else [first]
        if step.name in self.pinned:
            return True, [copy.deepcopy(self.pinned[step.name])]
        if not execute.items and step.trigger in TAKES_ITEMS and not step.always_output_data:
            return True, None
        if not execute.items and step.trigger is None and execute.source:
            surplus = (self.entry or {}).get("inputs", ())[step.own_inputs :] if step.own_inputs is not None else ()
            if not self.v1 and step.always_output_data:
                return True, [[]]
            # with data at an input that it has not, it runs without items
            return not (any(surplus) and (self.v1 or legacy.runs_by_surplus(self.graph, step.name))), None
        return False, None

    def _final(self, execute: Execute, outputs: Outputs | None, *, ran: bool = True) -> Outputs | None:
        if outputs is None:
            return None
        name = execute.step.name
        given: list[Items | None] = (self.entry or {}).get("inputs", [])
        # order v0: of a node that nothing came to, n8n has no output that it could look for errors in
        whole = name in self.pinned or (not ran and not self.v1 and outputs == [[]])
        original = None if whole else lambda item: paired_input(execute.inputs, item)
        final = finish(execute.step, outputs, given, execute.uncut_inputs, original)
        if name in self.pinned and share_pairings(self.pinned[name], final, self.runs.get(name, ())):
            self._trail.forget()
        return final

    def _advance(self, execute: Execute, final: Outputs | None, outcome: Outcome) -> None:
        self.current = None
        if final is None:
            if not self.stack:  # n8n looks at the waiting nodes after a run, and this was none
                self._waiting.entries.clear()
            return
        step = execute.step
        self.last = step.name
        self._record(execute, final, outcome)
        self._schedule(step, final, execute.run_index)

    def _fail(self, execute: Execute, outcome: Outcome) -> None:
        step, error = execute.step, {**(outcome.error or {}), "node": execute.step.name}
        self.last, self.error, self.current = step.name, error, None
        if step.on_error is OnError.STOP or _limited(outcome):
            self._record(execute, None, outcome)
            self.stack.insert(0, self.entry or {})
            self.status = "error"
            return
        first, uncut = (each[0] if each else None for each in (execute.inputs, execute.uncut_inputs))
        if step.execute_once and first != uncut and self.patched(INPUT_AFTER_ERROR):
            first = uncut  # executeOnce is not looked at
        outputs: Outputs = [first]
        self._record(execute, outputs, outcome)
        self._schedule(step, outputs, execute.run_index)

    def _record(self, execute: Execute, outputs: Outputs | None, outcome: Outcome) -> None:
        run: NodeRun = {
            "outputs": outputs if outputs is not None else [],
            "source": execute.source,
            "status": "error" if outcome.error else "success",
            "started": outcome.started,
            "finished": outcome.finished,
            "tries": execute.attempt,
            "inputs": [len(items or ()) for items in execute.inputs],
        }
        if outcome.error:
            run["error"] = outcome.error
        if outputs is None:
            run["failed"] = True
        self.runs.setdefault(execute.step.name, []).append(run)
        place = [self.run_count] if self.forgetting.totals else []
        self.order.append([execute.step.name, execute.run_index, *place])
        self.forgetting.note(run)

    @property
    def run_count(self) -> int:
        """Number of node runs so far, forgotten ones included."""
        return len(self.order) + sum(each["runs"] for each in self.forgetting.totals.values())

    def _entries(self) -> list[Entry]:
        """Return all that is still to run."""
        waiting = (entry for entries in self._waiting.entries.values() for entry in entries)
        return [*self.parked.values(), *self.stack, *waiting]

    # --- what comes next ---------------------------------------------------------------------------------------------

    def _schedule(self, step: Step, outputs: Outputs, run_index: int) -> None:
        deliveries = []
        for edge in self.graph.delivery_order(step, by_position=self.v1):
            items = outputs[edge.output] if edge.output < len(outputs) else None
            if items is None or not (items or (not self.v1 and edge.input > 0)):
                continue
            if edge.target not in self.plan.step:
                self.error = {"name": "Error", "message": "Destination node not found", "node": step.name}
                self.status = "error"
                return
            deliveries.append((edge, items))
        for edge, items in deliveries:
            source: Source = {"previousNode": step.name}
            if edge.output:
                source["previousNodeOutput"] = edge.output
            if run_index:
                source["previousNodeRun"] = run_index
            if self._deliver(edge.target, edge.input, items, source) and not self.v1:
                legacy.run_other_parents(self, step, edge.target, outputs, edge.output, source)

    def _deliver(self, target: str, slot: int, items: Items, source: Source) -> bool:
        """Hand items to a node. Return True when it began to wait for its other inputs with them."""
        slots = len(self.graph.incoming[target])
        if slots <= 1:
            inputs: list[Items | None] = [None] * slot + [items]
            self._push({"node": target, "inputs": inputs, "source": [None] * slot + [source]})
            return False
        entry, began = self._waiting.take(target, slot, items, source)
        if entry is not None:
            self._push(entry)
        return began

    def _push(self, entry: Entry) -> None:
        if self.v1:
            self.stack.insert(0, entry)
        else:
            self.stack.append(entry)

    # --- reading -----------------------------------------------------------------------------------------------------

    def paired(self, execute: Execute, target: str, i: int) -> Item | None:
        """Return `$('target').item` for input item `i`; None when its trail does not pass there. Raise PairingError."""
        item = execute.items[i] if i < len(execute.items) else None
        if item is None:
            raise PairingError("Invalid expression")
        return self._trail.find(execute.step.name, item, execute.source, target)

    def result(self) -> Outputs:
        """Return the workflow's result: the outputs of the last run of the node that ran last."""
        if self.last is None or not self.runs.get(self.last):
            return []
        return self.runs[self.last][-1]["outputs"]


def _limited(outcome: Outcome) -> bool:
    return outcome.error is not None and outcome.error.get("name") == LIMIT_REACHED


def _returned_error(outputs: Outputs | None) -> bool:
    first = outputs[0][0] if outputs and outputs[0] else None
    json: Any = first["json"] if first is not None else None
    return isinstance(json, dict) and json.get("error") is not None
