"""Scenes of retrieval, tools of agents that are durable themselves, and MCP servers."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote

from bench.exports import START, chain, node
from schemas import names
from tests.replay.scenes import Stage

__all__ = ["AGENT_SCENES"]

Export = dict[str, Any]
LANGCHAIN: Final = "@n8n/n8n-nodes-langchain."
ITEM: Final[list[Any]] = [{"json": {"id": 1, "city": "Oslo"}}]
CREDENTIALS: Final = {
    "vectorStorePinecone": "pineconeApi", "vectorStoreQdrant": "qdrantApi", "vectorStoreSupabase": "supabaseApi",
    "vectorStorePGVector": "postgres",
    "embeddingsOpenAi": "openAiApi", "lmChatOpenAi": "openAiApi",
}  # fmt: skip
STORES: Final[dict[str, Export]] = {
    "vectorStoreInMemory": {"memoryKey": "scene"},
    "vectorStorePinecone": {"pineconeIndex": {"__rl": True, "mode": "id", "value": "index"}},
    "vectorStoreQdrant": {"qdrantCollection": {"__rl": True, "mode": "id", "value": "cities"}},
    "vectorStoreSupabase": {"tableName": {"__rl": True, "mode": "id", "value": "cities"}},
}


class Scene:
    """An export in the making: every node in the main flow follows the start."""

    def __init__(self) -> None:
        self.export = chain(START)
        self.flow: list[str] = []

    def add(self, name: str, type_: str, version: float, parameters: Export, *serves: tuple[str, str]) -> str:
        """Add an AI node: in the main flow, or as a part on (port, of whom). Return its name."""
        made = node(name, f"{LANGCHAIN}{type_}", version, parameters, 1)
        made["type"] = f"{LANGCHAIN}{type_}"
        if (credential := CREDENTIALS.get(type_)) is not None:
            made["credentials"] = {credential: {"id": "1", "name": "c"}}
        self.export["nodes"].append(made)
        for port, whom in serves:
            targets = self.export["connections"].setdefault(name, {}).setdefault(port, [[]])[0]
            targets.append({"node": whom, "type": port, "index": 0})
        if not serves:
            self.flow.append(name)
            targets = [{"node": each, "type": "main", "index": 0} for each in self.flow]
            self.export["connections"]["Start"] = {"main": [targets]}
        return name

    def model(self, whom: str, says: str | None) -> None:
        """Give a chat model that says this, or (None) calls the first tool."""
        place = "tools" if says is None else f"says/{quote(says, safe='')}"
        locator = {"__rl": True, "value": "m", "mode": "list"}
        parameters = {"model": locator, "options": {"baseURL": f"https://example.org/{place}"}}
        self.add(f"Model of {whom}", "lmChatOpenAi", 1.2, parameters, ("ai_languageModel", whom))

    def embeddings(self, whom: str) -> None:
        """Give an embeddings model."""
        self.add(f"Vectors of {whom}", "embeddingsOpenAi", 1.1, {"options": {}}, ("ai_embedding", whom))


async def a_run_of_each_part_of_retrieval(stage: Stage) -> None:
    """Stores that are written, changed and read; a question, a summary, a message and a memory."""
    scene = Scene()
    for type_, given in STORES.items():
        modes: dict[str, Export] = {"insert": {}, "load": {"prompt": "={{ $json.city }}", "topK": 1}}
        if type_ in ("vectorStorePinecone", "vectorStoreSupabase"):
            modes["update"] = {"id": "7"}
        for mode, more in modes.items():
            name = scene.add(f"{type_} {mode}", type_, 1.1, given | {"mode": mode} | more)
            scene.embeddings(name)
            if mode == "insert":
                scene.add(f"Loader of {name}", "documentDefaultDataLoader", 1.1, {}, ("ai_document", name))
    chain_ = scene.add("Question", "chainRetrievalQa", 1.7, {"promptType": "define", "text": "={{ $json.city }}"})
    scene.model(chain_, "It is in Norway.")
    scene.add("Retriever", "retrieverVectorStore", 1, {}, ("ai_retriever", chain_))
    scene.add("Store", "vectorStorePinecone", 1.1, STORES["vectorStorePinecone"], ("ai_vectorStore", "Retriever"))
    scene.embeddings("Store")
    scene.model(scene.add("Summary", "chainSummarization", 2, {"options": {}}), "A city.")
    scene.add("Say", "chat", 1.1, {"message": "={{ $json.city }}"})
    scene.add("Messages", "memoryManager", 1.1, {"options": {}})
    memory = {"sessionIdType": "customKey", "sessionKey": "s"}
    scene.add("Memory", "memoryBufferWindow", 1.3, memory, ("ai_memory", "Messages"))
    await (await stage.start(scene.export, ITEM)).result()


async def a_run_of_each_durable_tool(stage: Stage) -> None:
    """An agent for each tool, which it calls once."""
    scene = Scene()
    tools: dict[str, tuple[str, float, Export]] = {
        f"{type_} tool": (
            type_,
            1.1,
            given | {"mode": "retrieve-as-tool", "toolName": "find", "toolDescription": "finds"},
        )
        for type_, given in STORES.items()
    } | {
        "Helper 2": ("agentTool", 2.2, {"text": "={{ $fromAI('input') }}", "options": {}}),
        "Helper 3": ("agentTool", 3, {"text": "={{ $fromAI('input') }}", "options": {}}),
        "Knowledge": ("toolVectorStore", 1.1, {"description": "cities"}),
    }
    for name, (type_, version, parameters) in tools.items():
        agent = scene.add(f"Agent of {name}", "agent", 2.2, {"promptType": "define", "text": "go", "options": {}})
        scene.model(agent, None)
        scene.add(name, type_, version, parameters, ("ai_tool", agent))
        if type_ in STORES:
            scene.embeddings(name)
        else:
            scene.model(name, "It is in Norway.")
    pinecone = STORES["vectorStorePinecone"]
    scene.add("Store", "vectorStorePinecone", 1.1, pinecone, ("ai_vectorStore", "Knowledge"))
    scene.embeddings("Store")
    await (await stage.start(scene.export, ITEM)).result()


async def a_run_of_vectors_in_postgres(stage: Stage) -> None:
    """A table that is written and read, an update, which it does not have, and an agent that looks up in it."""
    scene = Scene()
    table: Export = {"tableName": "cities"}
    modes: dict[str, Export] = {"insert": {}, "load": {"prompt": "={{ $json.city }}", "topK": 1}, "update": {"id": "7"}}
    for mode, more in modes.items():
        name = scene.add(f"Postgres {mode}", "vectorStorePGVector", 1.3, table | {"mode": mode} | more)
        scene.export["nodes"][-1]["onError"] = "continueRegularOutput" if mode == "update" else "stopWorkflow"
        scene.embeddings(name)
        if mode == "insert":
            scene.add(f"Loader of {name}", "documentDefaultDataLoader", 1.1, {}, ("ai_document", name))
    agent = scene.add("Agent", "agent", 2.2, {"promptType": "define", "text": "go", "options": {}})
    scene.model(agent, None)
    tool = table | {"mode": "retrieve-as-tool", "toolDescription": "finds"}
    scene.embeddings(scene.add("Postgres tool", "vectorStorePGVector", 1.3, tool, ("ai_tool", agent)))
    await (await stage.start(scene.export, ITEM)).result()


async def a_run_of_an_mcp_server(stage: Stage) -> None:
    """A list of the tools, and a call of one."""
    for request in (
        {"method": "tools/list", "params": {}},
        {"method": "tools/call", "params": {"name": "Calc", "arguments": {"input": "2+3"}}},
    ):
        scene = Scene()
        scene.export["nodes"].clear()
        scene.add("Server", "mcpTrigger", 2, {"path": "tools"})
        scene.add("Calc", "toolCalculator", 1, {}, ("ai_tool", "Server"))
        scene.export["connections"].pop("Start")
        await (await stage.start(scene.export, [{"json": request}], start="Server")).result()


async def a_run_of_guardrails(stage: Stage) -> None:
    """A text that is masked, one that patterns let pass, and one that a model judges."""
    scene = Scene()
    checks = {"keywords": "rain", "pii": {"value": {"type": "all"}}}
    scene.add("Mask", "guardrails", 1, {"operation": "sanitize", "text": "={{ $json.city }}", "guardrails": checks})
    judged = {"text": "={{ $json.city }}", "guardrails": {**checks, "jailbreak": {"value": {"threshold": 0.7}}}}
    name = scene.add("Judge", "guardrails", 1, judged)
    scene.model(name, '{"confidenceScore": 0.1, "flagged": false}')
    await (await stage.start(scene.export, ITEM)).result()


async def a_person_approves_a_call_and_replies_in_a_chat(stage: Stage) -> None:
    """An agent whose tool waits for an approval, then a question in a chat."""
    scene = Scene()
    agent = scene.add("Agent", "agent", 2.2, {"promptType": "define", "text": "go", "options": {}})
    scene.model(agent, None)
    fields = {"fromEmail": "a@x.org", "toEmail": "b@x.org", "subject": "s"}
    gate = node("Gate", "emailSendHitlTool", 2.1, fields, 1) | {"credentials": {"smtp": {"id": "1", "name": "c"}}}
    scene.export["nodes"].append(gate)
    scene.export["connections"]["Gate"] = {"ai_tool": [[{"node": agent, "type": "ai_tool", "index": 0}]]}
    scene.add("Calc", "toolCalculator", 1, {}, ("ai_tool", "Gate"))
    scene.add("Ask", "chat", 1.1, {"operation": "sendAndWait", "message": "And now?"})
    scene.export["connections"]["Start"] = {"main": [[{"node": agent, "type": "main", "index": 0}]]}
    scene.export["connections"][agent] = {"main": [[{"node": "Ask", "type": "main", "index": 0}]]}
    run = await stage.start(scene.export, ITEM)
    for json in ({"approved": True}, {"body": {"chatInput": "Rest."}}):
        args = [await stage.waits(run), [{"json": json}], "onReceived"]
        await run.execute_update(names.UPDATE_RESUME, args=args)
    await run.result()


async def a_run_of_pure_tools(stage: Stage) -> None:
    """Agents whose tools are local activities: sub-nodes of their own, and ordinary nodes that compute."""
    scene = Scene()
    for type_, version in (("toolCalculator", 1), ("toolThink", 1.1)):
        agent = scene.add(f"Agent of {type_}", "agent", 2.2, {"promptType": "define", "text": "go", "options": {}})
        scene.model(agent, None)
        scene.add(f"The {type_}", type_, version, {}, ("ai_tool", agent))
    agent = scene.add("Agent of a node", "agent", 2.2, {"promptType": "define", "text": "go", "options": {}})
    scene.model(agent, None)
    hashed = {"action": "hash", "type": "SHA256", "value": "={{ $fromAI('input') }}", "dataPropertyName": "hash"}
    scene.export["nodes"].append(node("Hash", "cryptoTool", 1, hashed, 1))
    scene.export["connections"]["Hash"] = {"ai_tool": [[{"node": agent, "type": "ai_tool", "index": 0}]]}
    await (await stage.start(scene.export, ITEM)).result()


async def a_run_of_tools_by_version(stage: Stage) -> None:
    """What a tool gets: the arguments, or of version 3 of the agent, which remembers its calls, the item with the arguments."""
    scene = Scene()
    for version in (2.2, 3.1):
        parameters = {"promptType": "define", "text": "go", "options": {"returnIntermediateSteps": True}}
        agent = scene.add(f"Agent {version}", "agent", version, parameters)
        scene.model(agent, None)
        session = {"sessionIdType": "customKey", "sessionKey": f"session {version}"}
        scene.add(f"Memory {version}", "memoryBufferWindow", 1.3, session, ("ai_memory", agent))
        value = "={{ $json.city }} {{ $fromAI('input') }}"
        hashed = {
            "action": "hash",
            "type": "SHA256",
            "value": value,
            "dataPropertyName": "hash",
            "toolDescription": "Hashes",
        }
        scene.export["nodes"].append(node(f"Hash {version}", "cryptoTool", 1, hashed, 1))
        scene.export["connections"][f"Hash {version}"] = {"ai_tool": [[{"node": agent, "type": "ai_tool", "index": 0}]]}
    await (await stage.start(scene.export, ITEM)).result()


async def a_run_of_a_vendor_s_node_with_tools(stage: Stage) -> None:
    """Two items, for each of which a vendor's model calls its tool once; and an operation that has no use for tools."""
    scene = Scene()
    model = {"__rl": True, "mode": "id", "value": "calls-its-tool"}
    asked = {"modelId": model, "messages": {"values": [{"content": "={{ $json.city }}"}]}, "options": {}}
    nodes: dict[str, Export] = {"Ask": asked, "List": {"resource": "file", "operation": "list", "options": {}}}
    for name, parameters in nodes.items():
        scene.add(name, "openAi", 1.8, parameters)
        scene.export["nodes"][-1]["credentials"] = {"openAiApi": {"id": "1", "name": "c"}}
        scene.add(f"Calculator of {name}", "toolCalculator", 1, {}, ("ai_tool", name))
    await (await stage.start(scene.export, [*ITEM, *ITEM])).result()


async def a_run_of_each_vendor_s_node_with_tools(stage: Stage) -> None:
    """Anthropic, Google Gemini, and OpenAI's responses: each model calls its tool once."""
    scene = Scene()
    model = {"__rl": True, "mode": "id", "value": "models/takes-turns"}
    asked = {"values": [{"content": "={{ $json.city }}"}]}
    nodes: list[tuple[str, float, str, str]] = [
        ("anthropic", 1, "messages", "anthropicApi"),
        ("googleGemini", 1.2, "messages", "googlePalmApi"),
        ("openAi", 2.2, "responses", "openAiApi"),
    ]
    for type_, version, member, credential in nodes:
        scene.add(type_, type_, version, {"modelId": model, member: asked, "options": {}})
        scene.export["nodes"][-1]["credentials"] = {credential: {"id": "1", "name": "c"}}
        scene.add(f"Calculator of {type_}", "toolCalculator", 1, {}, ("ai_tool", type_))
    await (await stage.start(scene.export, ITEM)).result()


async def a_run_of_a_sql_agent(stage: Stage) -> None:
    """A question about a database, for which the model lists its tables; and a summary of version 1."""
    scene = Scene()
    asked = {"agent": "sqlAgent", "promptType": "define", "text": "={{ $json.city }}", "options": {}}
    agent = scene.add("Agent", "agent", 1.7, asked)
    scene.export["nodes"][-1]["credentials"] = {"postgres": {"id": "1", "name": "c"}}
    scene.model(agent, None)
    summary = scene.add("Summary", "chainSummarization", 1, {"options": {}})
    scene.model(summary, "A city.")
    scene.add("Loader", "documentDefaultDataLoader", 1, {}, ("ai_document", summary))
    await (await stage.start(scene.export, ITEM)).result()


AGENT_SCENES: Final[dict[str, Callable[[Stage], Awaitable[None]]]] = {
    "a-run-of-each-part-of-retrieval": a_run_of_each_part_of_retrieval,
    "a-run-of-each-durable-tool": a_run_of_each_durable_tool,
    "a-run-of-vectors-in-postgres": a_run_of_vectors_in_postgres,
    "a-run-of-an-mcp-server": a_run_of_an_mcp_server,
    "a-run-of-guardrails": a_run_of_guardrails,
    "a-run-of-pure-tools": a_run_of_pure_tools,
    "a-run-of-tools-by-version": a_run_of_tools_by_version,
    "a-run-of-a-vendor-s-node-with-tools": a_run_of_a_vendor_s_node_with_tools,
    "a-run-of-each-vendor-s-node-with-tools": a_run_of_each_vendor_s_node_with_tools,
    "a-run-of-a-sql-agent": a_run_of_a_sql_agent,
    "a-person-approves-a-call-and-replies-in-a-chat": a_person_approves_a_call_and_replies_in_a_chat,
}
