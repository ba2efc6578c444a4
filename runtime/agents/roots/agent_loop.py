"""The agent loop: a model that calls tools until it has an answer. Each model request and each tool call is a step."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

from runtime.agents.attached_files import is_picture, is_text
from runtime.agents.memory import chat_memory
from runtime.agents.messages import (
    Message,
    ToolCall,
    ToolSpec,
    answered,
    as_text,
    assistant,
    dumps,
    system,
    text_of,
    user,
)
from runtime.agents.models.chat_model import ChatModel
from runtime.agents.parsers import output_parser
from runtime.agents.parsers.output_parser import Parser, fixed_in_parts, unfit
from runtime.agents.parsers.output_schema import FORMAT_TOOL, FORMAT_TOOL_ORDER, OutputSchema
from runtime.agents.roots.agent_steps import calls_and_answers, executed, format_tool, intermediate_step, not_json
from runtime.agents.roots.root import (
    NO_CHAT_MODEL,
    NO_DEFINED_PROMPT_HINT,
    NO_PROMPT,
    NO_PROMPT_HINT,
    Batching,
    CommandResult,
    Continue,
    Finish,
    ItemState,
    Question,
)
from runtime.agents.roots.specialist_task import SpecialistTask, check_tokens, count_tokens, iterations
from runtime.agents.roots.tool_calls import ask_sets, orders, reply_text, take_sets
from runtime.agents.tools import toolbox
from runtime.agents.tools.durable_tool import DurableTool
from runtime.contract import Call, Command, DurableContext, Dynamic, NodeError, param
from schemas.item import Item, Json

STOPPED = "Agent stopped due to max iterations."
KEPT_AS_JSON = "an agent that stops without the JSON of its parser fails where a memory keeps what it says"
TRIMMED = "an answer in parts loses the spaces around it"
NOTHING_KEPT = "a memory keeps an empty object of an answer whose value was left out"
NAMED_IN_INPUT = "what an agent tells of a call to a set of tools names the tool in its input"
REMEMBERED = "an agent that stops without the JSON of its parser is remembered before it fails"
DIFFERS = (
    "intermediateSteps leave out `messageLog`; a busy model is asked again after a durable pause; items do not wait for the tools of others; "
    "each item has the conversation of its own session, in n8n that of the first item; JSON in a code block may lack the wrapper `output`"
)


class Agent(SpecialistTask):
    """What the agents of all versions share.

    A item_state keeps `iteration`, `steps`, `pending` calls and the specialist's `brief`.
    """

    speaks = True

    differs = DIFFERS
    reads_files: ClassVar[bool] = True
    """Whether the model gets the pictures and texts among the item's files. An agent that is a tool gets its prompt alone."""
    fails_when_stopped: ClassVar[bool] = False
    """From version 3 on it is an error when the iterations run out; before, an answer that says so."""

    asks_for_streams: ClassVar[bool] = False
    """Whether n8n's agent asks models for streams, whoever reads the answer."""

    options: Dynamic[dict[str, Any]] = param({})
    has_output_parser: bool = param(False)

    # --- the beginning -----------------------------------------------------------------------------------------------

    def prompt(self, context: DurableContext, item: Item) -> Any:
        """The prompt as the parameters give it; None when there is none."""
        raise NotImplementedError

    def parses(self, version: float) -> bool:
        """Whether a connected output parser is used."""
        del version
        return self.has_output_parser

    def default_system(self, version: float) -> str | None:
        """The system message of a node that has none of its own."""
        del version
        return None

    def batching(self, context: DurableContext) -> Batching:
        """Options of the node (versions 2 and up have them)."""
        wanted = (self._at(context, 0).options or {}).get("batching") or {}
        return Batching(int(wanted.get("batchSize") or 1), float(wanted.get("delayBetweenBatches") or 0))

    def _at(self, context: DurableContext, i: int) -> "Agent":
        return context.resolve(self, i) if context.items else self

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """Gather what the first request needs: the specialist's brief and what the memory holds."""
        i = item_state["i"]
        if not context.subnodes("ai_languageModel"):
            raise NodeError(NO_CHAT_MODEL)
        memory = chat_memory.connected(context, i)
        prompt = self._at(context, i).prompt(context, context.items[i])
        if prompt is None:
            defined = getattr(self, "prompt_type", "") == "define"
            raise NodeError(NO_PROMPT, description=NO_DEFINED_PROMPT_HINT if defined else NO_PROMPT_HINT)
        item_state |= {"prompt": as_text(prompt), "iteration": 0, "steps": [], "agent": context.agent}
        commands: list[Command] = []
        if context.agent is not None:
            commands.append(self.specialist_call(context, item_state))
        if memory is not None:
            name, key, limit = memory
            commands.append(Call("load", {"key": key, "limit": limit}, step=name, item=i))
        return Continue("prepare", commands) if commands else self.after_prepare(context, item_state, [])

    def prepared(
        self, context: DurableContext, item_state: ItemState, brief: Any, loaded: list[Any]
    ) -> Continue | Finish:
        """The conversation so far, then the first request."""
        if brief is not None and "output" in brief:
            return self._finish(context, item_state, brief["output"])
        item_state["brief"] = brief
        history: list[Message] = loaded[0] if loaded else []
        instructions = self._system(context, item_state)
        item_state["messages"] = [
            *([system(instructions)] if instructions else []),
            *history,
            *self._asking(context, item_state),
        ]
        calls = ask_sets(context, item_state)
        return Continue("listed", calls) if calls else self._request(context, item_state)

    def after_listed(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """The first request, with the tools that the connected sets have."""
        take_sets(item_state, replies)
        return self._request(context, item_state)

    def _system(self, context: DurableContext, item_state: ItemState) -> str:
        own = self._options(context, item_state).get("systemMessage", self.default_system(context.version))
        brief = item_state.get("brief") or {}
        parts = [brief.get("system"), own]
        parser = self._parser(context, item_state)
        if self._wanted(context, item_state) is not None:
            parts.append(FORMAT_TOOL_ORDER)
        elif parser is not None:
            parts.append(parser.instructions)
        return "\n\n".join(as_text(part) for part in parts if part)

    def _asking(self, context: DurableContext, item_state: ItemState) -> list[Message]:
        files = []
        if self.reads_files and self._options(context, item_state).get("passthroughBinaryImages", True):
            binary = context.items[item_state["i"]].get("binary") or {}
            files = [ref for ref in binary.values() if is_picture(ref) or is_text(ref)]
        if not files:
            return [user(item_state["prompt"])]
        return [
            user(item_state["prompt"]),
            {"role": "user", "content": [{"type": "file", "ref": ref} for ref in files]},
        ]

    def _options(self, context: DurableContext, item_state: ItemState) -> Mapping[str, Any]:
        return self._at(context, item_state["i"]).options or {}

    # --- asking ------------------------------------------------------------------------------------------------------

    def _request(self, context: DurableContext, item_state: ItemState) -> Continue:
        check_tokens(item_state)
        wanted, tools = self._wanted(context, item_state), self._tools(context, item_state)
        brief = item_state.get("brief") or {}
        question = Question(
            item_state["messages"],
            [*tools, *([format_tool(wanted)] if wanted else [])],
            schema=wanted.schema if wanted else None,
            via=FORMAT_TOOL if wanted else None,
            unwrap=wanted.unwrap if wanted else None,
            settings=brief.get("settings") or {},
            stream=self._streams(context, item_state),
        )
        return self.ask(context, item_state, "model", question)

    def _streams(self, context: DurableContext, item_state: ItemState) -> bool:
        """Return whether the caller reads the answer while it is said: text, of an agent that is no tool."""
        if not (self.speaks and context.streams):
            return False
        text = self._wanted(context, item_state) is None and self._parser(context, item_state) is None
        return text and bool(self._options(context, item_state).get("enableStreaming", True))

    def _tools(self, context: DurableContext, item_state: ItemState) -> list[ToolSpec]:
        found = toolbox.specs(context, item_state["i"], item_state.get("listed"))
        allowed = (item_state.get("brief") or {}).get("tools")
        return (
            found
            if allowed is None
            else [each for each in found if each["name"] in allowed or each.get("step") in allowed]
        )

    def _parser(self, context: DurableContext, item_state: ItemState) -> Parser | None:
        return output_parser.connected(context, item_state["i"]) if self.parses(context.version) else None

    def _wanted(self, context: DurableContext, item_state: ItemState) -> OutputSchema | None:
        """The connected parser's schema, else the specialist's."""
        parser = self._parser(context, item_state)
        if parser is not None:
            return parser.output_schema
        brief = item_state.get("brief") or {}
        return OutputSchema(brief["schema"], "output") if brief.get("schema") else None

    def after_model(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """Final answer, or tools to run."""
        said = replies[0].get()
        count_tokens(item_state, said["tokens"])
        message: Message = said["message"]
        read = said.get("read")
        calls = list(message.get("tool_calls") or [])
        if read is not None:
            return self._handed(context, item_state, read)
        if not calls:
            return self._text(context, item_state, self._final_text(context, item_state, message))
        item_state["pending"], item_state["said"] = calls, text_of(message)
        commands = self._orders(context, item_state, calls, said.get("unfit") or {})
        told = zip(calls, commands, strict=True)
        item_state["refused"] = {call["id"]: text for call, text in told if isinstance(text, str)}
        open_ = [each for each in commands if not isinstance(each, str)]
        return Continue("tools", open_) if open_ else self.after_tools(context, item_state, [])

    def _orders(
        self, context: DurableContext, item_state: ItemState, calls: Sequence[ToolCall], unfit: dict[str, str]
    ) -> list[Command | DurableTool | str]:
        """Return for each call what makes it, or what the model is told instead."""
        tools = self._tools(context, item_state)
        return orders(context, tools, calls, unfit, item_state["i"], item_state["iteration"])

    def _final_text(self, context: DurableContext, item_state: ItemState, message: Message) -> str:
        """Return the text of an answer; one that n8n has in parts loses the spaces around it."""
        text = text_of(message)
        trimmed = text.strip()
        if text == trimmed or not context.patched(TRIMMED):
            return text
        models = context.subnodes("ai_languageModel")
        model, version = context.subnode(models[0], item_state["i"]) if models else (None, 0.0)
        parted = isinstance(model, ChatModel) and model.answers_in_parts(version, streamed=self.asks_for_streams)
        return trimmed if parted or isinstance(message["content"], list) else text

    def after_tools(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """Tell the model what its tools gave, unless it has had its last turn."""
        waiting, tools = iter(replies), self._tools(context, item_state)
        refused, said = item_state.pop("refused"), item_state.pop("said")
        before = len(item_state["steps"])
        as_n8n = self.fails_when_stopped and context.patched(toolbox.AS_N8N)
        for n, call in enumerate(item_state.pop("pending")):
            text = (
                refused[call["id"]]
                if call["id"] in refused
                else reply_text(context, tools, call, item_state["i"], next(waiting), wrapped=self.fails_when_stopped)
            )
            item_state["messages"].append(answered(call, text))
            item_state["steps"].append(intermediate_step(call, text, said if n == 0 else ""))
            if as_n8n:
                item_state["steps"][-1]["action"] |= executed(call, tools, named=context.patched(NAMED_IN_INPUT))
        item_state["iteration"] += 1
        if as_n8n:
            item_state["turn_steps"] = len(item_state["steps"]) - before
        own = int(self._options(context, item_state).get("maxIterations") or 10)
        limit = iterations(item_state.get("brief") or {}, own)
        if item_state["iteration"] < limit:
            return self._request(context, item_state)
        if self.fails_when_stopped:
            raise NodeError(
                f"Max iterations ({limit}) reached. "
                "The agent could not complete the task within the allowed number of iterations."
            )
        return self._text(context, item_state, STOPPED, stopped=True)

    # --- the end -----------------------------------------------------------------------------------------------------

    def _handed(self, context: DurableContext, item_state: ItemState, read: Mapping[str, Any]) -> Continue | Finish:
        """JSON that fits is the answer; what does not fit goes to the parser's own model once, if it has one."""
        if "value" in read:
            item_state["absent"] = bool(read.get("absent"))
            return self._finish(context, item_state, read["value"])
        parser = self._parser(context, item_state)
        if parser is None or parser.fixer is None or parser.output_schema is None or "problem" not in read:
            raise unfit(read)
        item_state["messages"] = []
        item_state.pop("earlier", None)
        prompt = parser.fix(str(read.get("text", "")), str(read["problem"]))
        question = Question(
            [user(prompt)], schema=parser.output_schema.schema, unwrap=parser.output_schema.unwrap, model=parser.fixer
        )
        return self.ask(context, item_state, "fix", question)

    def after_fix(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """One try."""
        read = replies[0].get().get("read") or {}
        if "value" not in read:
            raise unfit(read, in_parts=fixed_in_parts(self._parser(context, item_state), context, item_state["i"]))
        item_state["absent"] = bool(read.get("absent"))
        return self._finish(context, item_state, read["value"])

    def _text(
        self, context: DurableContext, item_state: ItemState, text: str, *, stopped: bool = False
    ) -> Continue | Finish:
        parser = self._parser(context, item_state)
        if stopped and parser is not None and parser.output_schema is not None and self._remembers(context, item_state):
            if not context.patched(REMEMBERED):
                raise not_json()
            item_state["without_json"] = True
        if parser is None or stopped:
            return self._finish(context, item_state, text)
        return self._finish(context, item_state, parser.node.split(text))

    @staticmethod
    def _remembers(context: DurableContext, item_state: ItemState) -> bool:
        """Return whether what is said is kept, for which n8n reads the JSON of a parser again (runs of older builds kept any text)."""
        return chat_memory.connected(context, item_state["i"]) is not None and context.patched(KEPT_AS_JSON)

    def _finish(self, context: DurableContext, item_state: ItemState, output: Any) -> Continue | Finish:
        item_state["output"] = output
        memory = chat_memory.connected(context, item_state["i"])
        if memory is None:
            return self.after_save(context, item_state, [])
        said = output if isinstance(output, str) else dumps({"output": output})
        if item_state.get("absent") and context.patched(NOTHING_KEPT):
            said = dumps({})
        id_ = self.identity(context, item_state)
        messages = [
            user(item_state["prompt"]) | {"id": f"{id_}/question"},
            *calls_and_answers(item_state, id_),
            assistant(said) | {"id": f"{id_}/answer"},
        ]
        return Continue(
            "save",
            [Call("save", cast(Json, {"key": memory[1], "messages": messages}), step=memory[0], item=item_state["i"])],
        )

    def after_save(self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]) -> Finish:
        """The output item. n8n spreads a list over the fields 0, 1, 2..."""
        for reply in replies:
            reply.get()
        if item_state.get("without_json"):
            raise not_json()
        output = item_state["output"]
        json: dict[str, Any] = {"output": output}
        if item_state.get("absent"):  # n8n, which reads it again from what a memory keeps
            json = {"output": {}} if replies else {}
        if isinstance(output, list) and self._lists(context, item_state):
            json = {str(n): each for n, each in enumerate(output)}
        if self._options(context, item_state).get("returnIntermediateSteps"):
            json["intermediateSteps"] = item_state["steps"]
        return Finish([(0, {"json": json, "pairedItem": {"item": item_state["i"]}})])

    def _lists(self, context: DurableContext, item_state: ItemState) -> bool:
        parser = self._parser(context, item_state)
        return parser is not None and parser.output_schema is None
