"""AI Agent: the parameters of its versions."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from runtime.agents.memory import chat_memory
from runtime.agents.roots.agent_loop import DIFFERS, Agent
from runtime.agents.roots.root import NO_CHAT_MODEL, Continue, Finish, ItemState, defined_prompt, input_prompt
from runtime.agents.roots.sql_agent import SqlAgent
from runtime.agents.tools import toolbox
from runtime.contract import DurableContext, Dynamic, NodeError, param
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import UnsupportedChoice
from schemas.item import Item
from schemas.node import Conditions

__all__ = ["AgentV1", "AgentV2", "AgentV3", "SqlAgentV1", "refused_options"]

HELPFUL = "You are a helpful assistant"
UNSUPPORTED_KINDS = frozenset({"planAndExecuteAgent"})
NEWER_OPTIONS = {
    "passthroughBinaryPdfs": "PDF files do not go to the model here: read their text with Extract from File before the agent",
    "forceToolCallOnFirstIteration": "say in the system message that a tool must be called first",
}
"""Options that change what is sent to the model and are not built -> what to do instead."""
GUARDRAILS = "={{ $json.guardrailsInput }}"
CHAT = "={{ $json.chatInput }}"


class AgentV1(Agent):
    """Versions 1 to 1.9. The kinds of agent before the tools agent run as tools agents."""

    type = "@n8n/n8n-nodes-langchain.agent"
    versions: ClassVar[tuple[float, ...]] = (1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9)
    when: ClassVar[Conditions] = {"agent": [{"_cnd": {"not": "sqlAgent"}}]}
    differs = f"The conversational and the ReAct agent call tools as the Tools Agent does; {DIFFERS}"

    asks_for_streams = True

    kind_of_agent: str = param("conversationalAgent", alias="agent", since={1.6: "toolsAgent"})
    prompt_type: str = param("auto", hide={"@version": [{"_cnd": {"lte": 1.2}}]})
    text_1: Dynamic[Any] = param("={{ $json.input }}", alias="text", show={"@version": [1]})
    text_1_1: Dynamic[Any] = param("={{ $json.chat_input }}", alias="text", show={"@version": [1.1]})
    text_1_2: Dynamic[Any] = param(CHAT, alias="text", show={"@version": [1.2]})
    text_guarded: Dynamic[Any] = param(
        GUARDRAILS, alias="text", show={"promptType": ["guardrails"], "@version": [{"_cnd": {"gte": 1.7}}]}
    )
    text_auto: Dynamic[Any] = param(
        CHAT, alias="text", show={"promptType": ["auto"], "@version": [{"_cnd": {"gte": 1.7}}]}
    )
    text_defined: Dynamic[Any] = param("", alias="text", show={"promptType": ["define"]}, required=True)
    has_output_parser: bool = param(False, hide={"@version": [{"_cnd": {"lte": 1.2}}]})
    options: Dynamic[dict[str, Any]] = param({})

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report the kinds of agent that have no equivalent among tools agents."""
        del version
        if self.kind_of_agent in UNSUPPORTED_KINDS:
            yield UnsupportedChoice(
                at=at.within("parameters", "agent"), type="agent", name="agent", value=self.kind_of_agent
            )

    def ready(self, context: DurableContext) -> None:
        """Raise NodeError: a parser or a tool that is not valid."""
        self._parser(context, {"i": 0})
        toolbox.specs(context, 0, defaultdict(list))  # what servers list is not known yet

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """Refuse the kinds without an equivalent (in an export that was compiled with `--allow-unsupported`)."""
        if self.kind_of_agent in UNSUPPORTED_KINDS:
            raise NodeError(f"The agent kind '{self.kind_of_agent}' is not supported")
        return super().begin(context, item_state)

    def prompt(self, context: DurableContext, item: Item) -> Any:
        """Return the value of the prompt, whose parameter differs between versions."""
        if context.version <= 1.2:
            return {1: self.text_1, 1.1: self.text_1_1, 1.2: self.text_1_2}[context.version]
        return (
            defined_prompt(self, "text_defined")
            if self.prompt_type == "define"
            else input_prompt(self.prompt_type, item)
        )

    def parses(self, version: float) -> bool:
        """Return whether an output parser is used: before 1.3 a connected one always is."""
        return version <= 1.2 or self.has_output_parser

    def default_system(self, version: float) -> str | None:
        """Return the default system prompt; from 1.9 on there is none."""
        return HELPFUL if version < 1.9 else None


class SqlAgentV1(SqlAgent):
    """The kind of agent of these versions that answers questions about a database."""

    type = "@n8n/n8n-nodes-langchain.agent"
    versions = AgentV1.versions
    when: ClassVar[Conditions] = {"agent": ["sqlAgent"]}


class AgentV2(Agent):
    """Versions 2 to 2.2: batches, and a fallback model."""

    type = "@n8n/n8n-nodes-langchain.agent"
    versions: ClassVar[tuple[float, ...]] = (2, 2.1, 2.2)

    prompt_type: str = param("auto")
    text_guarded: Dynamic[Any] = param(GUARDRAILS, alias="text", show={"promptType": ["guardrails"]})
    text_auto: Dynamic[Any] = param(CHAT, alias="text", show={"promptType": ["auto"]})
    text_defined: Dynamic[Any] = param(
        "", alias="text", show={"promptType": ["define"]}, required=True, label="Prompt (User Message)"
    )
    has_output_parser: bool = param(False)
    needs_fallback: bool = param(False, show={"@version": [{"_cnd": {"gte": 2.1}}]})
    options: Dynamic[dict[str, Any]] = param({})

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report options that are not built, which would be ignored in silence."""
        del version
        yield from refused_options(self.options, self.type, at)

    def ready(self, context: DurableContext) -> None:
        """Raise NodeError: no model, or a memory or a parser that is not valid."""
        if not context.subnodes("ai_languageModel"):
            raise NodeError(NO_CHAT_MODEL)
        chat_memory.connected(context, 0)
        self._parser(context, {"i": 0})

    def prompt(self, context: DurableContext, item: Item) -> Any:
        """Return the value of the prompt by `promptType`."""
        del context
        return (
            defined_prompt(self, "text_defined")
            if self.prompt_type == "define"
            else input_prompt(self.prompt_type, item)
        )


class AgentV3(AgentV2):
    """Versions 3 and 3.1: running out of iterations is an error."""

    versions = (3, 3.1)
    fails_when_stopped = True

    needs_fallback: bool = param(False)


def refused_options(options: Any, type_: str, at: Location) -> Iterator[Diagnostic]:
    """Yield a finding for each option of an agent that is on, or may be, and is not built."""
    for name, advice in NEWER_OPTIONS.items():
        value = options.get(name) if isinstance(options, Mapping) else None
        if value not in (None, False):
            place = at.within("parameters", "options", name)
            yield UnsupportedChoice(
                at=place, type=type_, name=name, value="true" if value is True else "an expression", advice=advice
            )
