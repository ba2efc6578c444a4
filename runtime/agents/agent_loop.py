"""The agent loop: a model that calls tools until it has an answer. Each model request and each tool call is a step."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from runtime.agents import output_parser, toolbox
from runtime.agents.memory import Memory
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
from runtime.agents.output_parser import Parser, unfit
from runtime.agents.output_schema import FORMAT_TOOL, FORMAT_TOOL_ORDER, FORMAT_TOOL_TEXT, OutputSchema
from runtime.agents.root import NO_MODEL, NO_PROMPT, NO_PROMPT_HINT, Answer, Batching, Go, Question, Reply, Root, Talk
from runtime.contract import ActivityContext, Call, Command, DurableContext, Dynamic, NodeError, param
from schemas.item import Item, Json

STOPPED = "Agent stopped due to max iterations."
DIFFERS = (
    "intermediateSteps leave out `messageLog`; the answer is not streamed; "
    "a busy model is asked again after a durable pause"
)


class Agent(Root):
    """What the agents of all versions share.

    A talk keeps `iteration`, `steps`, `pending` calls and the specialist's `brief`.
    """

    speaks = True

    differs = DIFFERS
    takes_specialist = True
    fails_when_stopped: ClassVar[bool] = False
    """From version 3 on it is an error when the iterations run out; before, an answer that says so."""

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

    def begin(self, context: DurableContext, talk: Talk) -> Go | Answer:
        """Gather what the first request needs: the specialist's brief and what the memory holds."""
        i = talk["i"]
        if not context.subnodes("ai_languageModel"):
            raise NodeError(NO_MODEL)
        prompt = self._at(context, i).prompt(context, context.items[i])
        if prompt is None:
            raise NodeError(NO_PROMPT, description=NO_PROMPT_HINT)
        talk |= {"prompt": as_text(prompt), "iteration": 0, "steps": [], "agent": context.agent}
        commands: list[Command] = []
        if context.agent is not None:
            given = {
                "slug": context.agent,
                "prompt": talk["prompt"],
                "item": context.items[i]["json"],
                "id": self.identity(context, talk),
            }
            commands.append(Call("specialist", cast(Json, given), item=i))
        if (memory := self._memory(context, i)) is not None:
            name, key, limit = memory
            commands.append(Call("load", {"key": key, "limit": limit}, step=name, item=i))
        return Go("prepare", commands) if commands else self.after_prepare(context, talk, [])

    async def specialist(self, context: ActivityContext, payload: Json) -> Json:
        """The brief of the specialist that the notes name, or its answer when an agents service has it."""
        from runtime.agents import specialists  # noqa: PLC0415 - YAML and jinja2 have no business in workflow code

        return cast(Json, await specialists.enlist(context, cast(dict[str, Any], payload)))

    def after_prepare(self, context: DurableContext, talk: Talk, replies: list[Reply]) -> Go | Answer:
        """The conversation so far, then the first request."""
        values = [reply.get() for reply in replies]
        brief = values.pop(0) if context.agent is not None else None
        if brief is not None and "output" in brief:
            return self._finish(context, talk, brief["output"])
        talk["brief"] = brief
        history: list[Message] = values[0] if values else []
        instructions = self._system(context, talk)
        talk["messages"] = [*([system(instructions)] if instructions else []), *history, *self._asking(context, talk)]
        return self._request(context, talk)

    def _system(self, context: DurableContext, talk: Talk) -> str:
        own = self._options(context, talk).get("systemMessage", self.default_system(context.version))
        brief = talk.get("brief") or {}
        parts = [brief.get("system"), own]
        parser = self._parser(context, talk)
        if self._wanted(context, talk) is not None:
            parts.append(FORMAT_TOOL_ORDER)
        elif parser is not None:
            parts.append(parser.instructions)
        return "\n\n".join(as_text(part) for part in parts if part)

    def _asking(self, context: DurableContext, talk: Talk) -> list[Message]:
        files = []
        if self._options(context, talk).get("passthroughBinaryImages", True):
            binary = context.items[talk["i"]].get("binary") or {}
            files = [ref for ref in binary.values() if str(ref.get("mimeType", "")).startswith("image/")]
        if not files:
            return [user(talk["prompt"])]
        return [user(talk["prompt"]), {"role": "user", "content": [{"type": "file", "ref": ref} for ref in files]}]

    def _options(self, context: DurableContext, talk: Talk) -> Mapping[str, Any]:
        return self._at(context, talk["i"]).options or {}

    # --- asking ------------------------------------------------------------------------------------------------------

    def _request(self, context: DurableContext, talk: Talk) -> Go:
        wanted, tools = self._wanted(context, talk), self._tools(context, talk)
        brief = talk.get("brief") or {}
        question = Question(
            talk["messages"],
            [*tools, *([_format_tool(wanted)] if wanted else [])],
            schema=wanted.schema if wanted else None,
            via=FORMAT_TOOL if wanted else None,
            unwrap=wanted.unwrap if wanted else None,
            settings=brief.get("settings") or {},
        )
        return self.ask(context, talk, "model", question)

    def _tools(self, context: DurableContext, talk: Talk) -> list[ToolSpec]:
        found = toolbox.specs(context, talk["i"])
        allowed = (talk.get("brief") or {}).get("tools")
        return (
            found
            if allowed is None
            else [each for each in found if each["name"] in allowed or each.get("step") in allowed]
        )

    def _parser(self, context: DurableContext, talk: Talk) -> Parser | None:
        return output_parser.connected(context, talk["i"]) if self.parses(context.version) else None

    def _wanted(self, context: DurableContext, talk: Talk) -> OutputSchema | None:
        """The connected parser's schema, else the specialist's."""
        parser = self._parser(context, talk)
        if parser is not None:
            return parser.output_schema
        brief = talk.get("brief") or {}
        return OutputSchema(brief["schema"], "output") if brief.get("schema") else None

    def after_model(self, context: DurableContext, talk: Talk, replies: list[Reply]) -> Go | Answer:
        """Final answer, or tools to run."""
        said = replies[0].get()
        message: Message = said["message"]
        read = said.get("read")
        calls = [call for call in message.get("tool_calls") or [] if call["name"] != FORMAT_TOOL]
        if read is not None:
            return self._handed(context, talk, read)
        if not calls:
            return self._text(context, talk, text_of(message))
        talk["pending"], talk["said"] = calls, text_of(message)
        tools, i, turn = self._tools(context, talk), talk["i"], talk["iteration"]
        commands = [(call, toolbox.run(context, tools, call, i, turn)) for call in calls]
        talk["refused"] = {call["id"]: text for call, text in commands if isinstance(text, str)}
        open_ = [command for _, command in commands if not isinstance(command, str)]
        return Go("tools", open_) if open_ else self.after_tools(context, talk, [])

    def after_tools(self, context: DurableContext, talk: Talk, replies: list[Reply]) -> Go | Answer:
        """Tell the model what its tools gave, unless it has had its last turn."""
        waiting, tools = iter(replies), self._tools(context, talk)
        refused, said = talk.pop("refused"), talk.pop("said")
        for n, call in enumerate(talk.pop("pending")):
            text = (
                refused[call["id"]]
                if call["id"] in refused
                else self._result(context, talk, tools, call, next(waiting))
            )
            talk["messages"].append(answered(call, text))
            talk["steps"].append(_step(call, text, said if n == 0 else ""))
        talk["iteration"] += 1
        limit = int(self._options(context, talk).get("maxIterations") or 10)
        if talk["iteration"] < limit:
            return self._request(context, talk)
        if self.fails_when_stopped:
            raise NodeError(
                f"Max iterations ({limit}) reached. "
                "The agent could not complete the task within the allowed number of iterations."
            )
        return self._text(context, talk, STOPPED, stopped=True)

    def _result(self, context: DurableContext, talk: Talk, tools: list[ToolSpec], call: ToolCall, reply: Reply) -> str:
        if reply.error is not None:
            return dumps([{"error": reply.error.get("message")}])
        wrapped = self.fails_when_stopped
        return toolbox.answer_text(context, tools, call, talk["i"], reply.value, wrapped=wrapped)

    # --- the end -----------------------------------------------------------------------------------------------------

    def _handed(self, context: DurableContext, talk: Talk, read: Mapping[str, Any]) -> Go | Answer:
        """JSON that fits is the answer; what does not fit goes to the parser's own model once, if it has one."""
        if "value" in read:
            return self._finish(context, talk, read["value"])
        parser = self._parser(context, talk)
        if parser is None or parser.fixer is None or parser.output_schema is None or "problem" not in read:
            raise unfit(read)
        talk["messages"] = []
        talk.pop("earlier", None)
        prompt = parser.fix(str(read.get("text", "")), str(read["problem"]))
        question = Question(
            [user(prompt)], schema=parser.output_schema.schema, unwrap=parser.output_schema.unwrap, model=parser.fixer
        )
        return self.ask(context, talk, "fix", question)

    def after_fix(self, context: DurableContext, talk: Talk, replies: list[Reply]) -> Go | Answer:
        """One try."""
        read = replies[0].get().get("read") or {}
        if "value" not in read:
            raise unfit(read)
        return self._finish(context, talk, read["value"])

    def _text(self, context: DurableContext, talk: Talk, text: str, *, stopped: bool = False) -> Go | Answer:
        parser = self._parser(context, talk)
        if parser is None or stopped:
            return self._finish(context, talk, text)
        return self._finish(context, talk, parser.node.split(text))

    def _finish(self, context: DurableContext, talk: Talk, output: Any) -> Go | Answer:
        talk["output"] = output
        memory = self._memory(context, talk["i"])
        if memory is None:
            return self.after_save(context, talk, [])
        said = output if isinstance(output, str) else dumps({"output": output})
        id_ = self.identity(context, talk)
        messages = [user(talk["prompt"]) | {"id": f"{id_}/question"}, assistant(said) | {"id": f"{id_}/answer"}]
        return Go(
            "save", [Call("save", cast(Json, {"key": memory[1], "messages": messages}), step=memory[0], item=talk["i"])]
        )

    def after_save(self, context: DurableContext, talk: Talk, replies: list[Reply]) -> Answer:
        """The output item. n8n spreads a list over the fields 0, 1, 2..."""
        for reply in replies:
            reply.get()
        output = talk["output"]
        json: dict[str, Any] = {"output": output}
        if isinstance(output, list) and self._lists(context, talk):
            json = {str(n): each for n, each in enumerate(output)}
        if self._options(context, talk).get("returnIntermediateSteps"):
            json["intermediateSteps"] = talk["steps"]
        return Answer([(0, {"json": json, "pairedItem": {"item": talk["i"]}})])

    def _lists(self, context: DurableContext, talk: Talk) -> bool:
        parser = self._parser(context, talk)
        return parser is not None and parser.output_schema is None

    def _memory(self, context: DurableContext, i: int) -> tuple[str, str, int] | None:
        """Name, key and window of the connected memory. Sessions are shared by all nodes of a workflow (n8n)."""
        names = context.subnodes("ai_memory")
        if not names:
            return None
        node, version = context.subnode(names[0], i)
        if not isinstance(node, Memory):
            raise NodeError(f"'{names[0]}' is not a chat memory that tempor8 knows")
        session = node.session(names[0], version, context.items[i]["json"])
        return names[0], f"{context.workflow['id'] or context.workflow['name']}__{session}", node.window()


def _format_tool(wanted: OutputSchema) -> ToolSpec:
    return {"name": FORMAT_TOOL, "description": FORMAT_TOOL_TEXT, "schema": wanted.schema}


def _step(call: ToolCall, observation: str, said: str) -> dict[str, Any]:
    """n8n's intermediate step."""
    log = f'Invoking "{call["name"]}" with {dumps(call["arguments"])}\n{said}'
    action = {
        "tool": call["name"],
        "toolInput": call["arguments"],
        "toolCallId": call["id"],
        "log": log,
        "messageLog": [],
    }
    return {"action": action, "observation": observation}
