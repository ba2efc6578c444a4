"""What is connected to the roots of fresh agents: models, tools, parsers, memory, documents and stores."""

import json
from typing import Any, Final

from tests.conformance.fresh.agent_answers import AnswerDrawer
from tests.conformance.fresh.agent_documents import BASE, PORT, DocumentDrawer, credential

__all__ = ["BASE", "CREDENTIALS", "PORT", "PartDrawer", "credential"]

Json = dict[str, Any]
CREDENTIALS: Final[dict[str, Json]] = {
    "openAiApi": {"apiKey": "KEY_o", "url": f"{BASE}/v1"}, "anthropicApi": {"apiKey": "KEY_a", "url": BASE},
    "googlePalmApi": {"apiKey": "KEY_g", "host": BASE}, "ollamaApi": {"baseUrl": BASE},
}  # fmt: skip
MODELS: Final = ("openai", "openai", "openai", "openai", "responses", "responses", "anthropic", "gemini", "ollama")
EXAMPLE: Final = json.dumps({"state": "CA", "n": 3})
SCHEMAS: Final = (
    {"type": "object", "properties": {"state": {"type": "string"}, "n": {"type": "number"}}, "required": ["state"]},
    {"type": "object", "properties": {"state": {"type": ["string", "null"]}, "n": {"type": "integer", "minimum": 1}}},
    {"type": "array", "items": {"type": "object", "properties": {"state": {"type": "string"}}}},
    {"type": "object", "properties": {"state": {"enum": ["CA", "NY"]}, "n": {"type": "number"}}, "required": ["state", "n"]},
)  # fmt: skip
FROM_AI: Final = "$fromAI('q', 'what to look for', 'string')"
TOOLS: Final = (
    "calculator",
    "code",
    "code",
    "think",
    "workflow",
    "workflow",
    "request",
    "request_tool",
    "store",
    "agent",
    "mcp",
    "date",
    "answers",
)
CODES: Final = (
    "return query.toUpperCase()", "return 'x'.repeat(3)", "throw new Error('it broke')", "return 5", "return {a: 1}", "return",
    "return JSON.stringify(query)",
    "return [1]", "return ''",
)  # fmt: skip


class PartDrawer(DocumentDrawer):
    """Draws sub-nodes of the node `Root`."""

    # --- models -------------------------------------------------------------------------------------------------------

    def model(self, name: str, to: str, answers: list[Json], *, place: int = 0, responses: bool = True) -> None:
        """Connect a model of some vendor that gives these answers."""
        vendor = self._draw.choice([each for each in MODELS if responses or each != "responses"])
        wire_name = f"{{}}-{self._id}-{name.lower().replace(' ', '')}"
        retries = {"maxRetries": self._draw.choice((0, 0, 0, 1))} if vendor in ("openai", "responses") else {}
        sampling = self._draw.choice(({}, {}, {"temperature": 0.2}, {"temperature": 0}, {"topP": 0.5}))
        options = {**retries, **sampling}
        if vendor in ("openai", "responses"):
            wire_name = wire_name.format("gpt-4o-mini")
            options |= self._draw.choice(({}, {}, {"maxTokens": 50}, {"timeout": 9000}))
            if vendor == "openai":
                chosen: tuple[Json, ...] = ({}, {}, {}, {"responseFormat": "json_object"}, {"frequencyPenalty": 0.5})
                options |= self._draw.choice(chosen)
            version = 1.3 if vendor == "responses" else self._draw.choice((1.1, 1.2, 1.3))
            located: Any = (
                {"__rl": True, "mode": self._draw.choice(("list", "id")), "value": wire_name}
                if version >= 1.2
                else wire_name
            )
            parameters = {
                "model": located,
                "options": options,
                **({"responsesApiEnabled": vendor == "responses"} if version == 1.3 else {}),
            }
            node = self.node(name, "lmChatOpenAi", version, parameters, credentials=credential("openAiApi"))
        elif vendor == "anthropic":
            wire_name = wire_name.format("claude-sonnet-4-5")
            options |= self._draw.choice(({}, {"maxTokensToSample": 100}))
            node = self.node(name, "lmChatAnthropic", 1.3, {"model": {"__rl": True, "mode": "id", "value": wire_name}, "options": options},
                             credentials=credential("anthropicApi"))  # fmt: skip
        elif vendor == "gemini":
            wire_name = f"models/{wire_name.format('gemini-2.0-flash')}"
            options |= self._draw.choice(({}, {"maxOutputTokens": 100}))
            node = self.node(
                name,
                "lmChatGoogleGemini",
                1,
                {"modelName": wire_name, "options": options},
                credentials=credential("googlePalmApi"),
            )
        else:
            wire_name = wire_name.format("llama3.2")
            node = self.node(
                name, "lmChatOllama", 1, {"model": wire_name, "options": options}, credentials=credential("ollamaApi")
            )
        if vendor in (
            "anthropic",
            "gemini",
            "ollama",
        ):  # here a busy model is asked again, n8n's clients of these do not
            answers = [each for each in answers if each.get("status", 0) < 429 or each["status"] == 422] or [{"content": "ok"}]  # fmt: skip
        self.answers[wire_name.removeprefix("models/")] = answers
        self.nodes.append(node)
        self._wire(name, "ai_languageModel", to, place)

    # --- parsers and memory -------------------------------------------------------------------------------------------

    def schema(self, shape: str) -> Json:
        """Return the parameters of a schema: from an example, or by hand."""
        return (
            {"jsonSchemaExample": EXAMPLE}
            if shape == "fromJson"
            else {"inputSchema": json.dumps(self._draw.choice(SCHEMAS))}
        )

    def parser(self, repairs: list[Json], *, lists: bool) -> bool:
        """Connect a parser (`lists`: one of lists too); `repairs`: what a model says that repairs. Return whether it is one of JSON."""
        kind = self._draw.choice(("structured", "structured", "structured", "fixing", *["list"] * lists))
        if kind == "list":
            options = self._draw.choice(
                ({}, {"numberOfItems": 2}, {"separator": ","}, {"numberOfItems": 5, "separator": "\\n"})
            )
            self._connect(self.node("Parser", "outputParserItemList", 1, {"options": options}), "ai_outputParser")
            return False
        shape = self._draw.choice(("fromJson", "manual"))
        parameters: Json = {"schemaType": shape, **self.schema(shape)}
        fixes = kind == "fixing" and self._draw.random() < 0.5
        if fixes:
            parameters["autoFix"] = True
        parser = self.node("Parser", "outputParserStructured", self._draw.choice((1.2, 1.3)), parameters)
        if kind == "fixing" and not fixes:
            self._connect(self.node("Fixing", "outputParserAutofixing", 1, {"options": {}}), "ai_outputParser")
            self._connect(parser, "ai_outputParser", "Fixing")
        else:
            self._connect(parser, "ai_outputParser")
        if kind == "fixing":
            self.model("Fixer", "Parser" if fixes else "Fixing", repairs, responses=False)
        return True

    def memory(self) -> None:
        """Connect a window of some turns."""
        parameters = self._draw.choice((
            {}, {}, {"contextWindowLength": 1}, {"sessionIdType": "customKey", "sessionKey": f"k-{self._id}"},
            {"sessionIdType": "customKey", "sessionKey": "={{ $json.sessionId }}"}, {"sessionIdType": "customKey",
            "sessionKey": "={{ $json.missing }}"},
        ))  # fmt: skip
        self._connect(self.node("Memory", "memoryBufferWindow", 1.3, parameters), "ai_memory")

    # --- tools --------------------------------------------------------------------------------------------------------

    def tools(self, version: float) -> list[Json]:
        """Connect one to three tools and return what a model may call: names and likely arguments."""
        self._version = version
        possible = set(TOOLS) - ({"request"} if version >= 3 else set())  # n8n's engine cannot run that one
        kinds = self._draw.sample(sorted(possible), self._draw.choice((1, 1, 2, 3)))
        return [getattr(self, f"_tool_{kind}")() for kind in kinds]

    def _tool(self, name: str, type_: str, version: float, parameters: Json, arguments: Json, **rest: Any) -> Json:
        self._connect(self.node(name, type_, version, parameters, **rest), "ai_tool")
        return {"name": name.replace(" ", "_"), "arguments": arguments}

    def _tool_calculator(self) -> Json:
        sums = ("2+3*4", "pow(2, 3)", "1/0", "two plus", "", "2^10", "round(2.567, 1)")
        return self._tool("Calculator", "toolCalculator", 1, {}, {"input": self._draw.choice(sums)})

    def _tool_code(self) -> Json:
        version = self._draw.choice((1.1, 1.2, 1.3))
        parameters: Json = {
            "description": "shouts",
            "jsCode": self._draw.choice(CODES),
            **({"name": "my_code"} if version < 1.2 else {}),
        }
        arguments: Json = {"input": "tea"}
        if self._draw.random() < 0.4:
            parameters |= {"specifyInputSchema": True, "jsonSchemaExample": EXAMPLE}
            arguments = {"state": "CA", "n": 3}
        tool = self._tool("my code", "toolCode", version, parameters, arguments)
        return {**tool, "name": "my_code"}

    def _tool_think(self) -> Json:
        return self._tool("Think", "toolThink", 1.1, {}, {"input": "hm"})

    def _tool_workflow(self) -> Json:
        code = self._draw.choice((
            "return [{json: {response: 'from below'}}]", "return [{json: {a: 1}}, {json: {b: 2}}]", "return $input.all()", "return []",
            "throw new Error('below broke')",
        ))  # fmt: skip
        trigger = self.node("In", "n8n-nodes-base.executeWorkflowTrigger", 1.1, {
            "workflowInputs": {"values": [{"name": "q"}, {"name": "n", "type": "number"}]},
        })  # fmt: skip
        below = {"nodes": [trigger, self.node("Do", "n8n-nodes-base.code", 2, {"jsCode": code})], "settings": {"executionOrder": "v1"},
                 "connections": {"In": {"main": [[{"node": "Do", "type": "main", "index": 0}]]}}}  # fmt: skip
        self.subworkflows["below"] = {"id": "below", "name": "below", **below}
        shown = {"display": True, "required": False, "defaultMatch": False, "canBeUsedToMatch": True}
        given = self._draw.choice((5, "={{ $fromAI('n', '', 'number') }}", "={{ $json.text.length }}"))
        mapping = {
            "mappingMode": "defineBelow",
            "value": {"q": f"={{{{ {FROM_AI} }}}}", "n": given},
            "schema": [
                {"id": name, "displayName": name, "type": type_, **shown}
                for name, type_ in (("q", "string"), ("n", "number"))
            ],
        }
        parameters = {
            "description": "asks below",
            "workflowId": {"__rl": True, "mode": "id", "value": "below"},
            "workflowInputs": mapping,
        }
        version = self._draw.choice((2, 2.1, 2.2))
        named = {"name": "ask_below"} if version < 2.2 else {}
        return self._tool("ask below", "toolWorkflow", version, parameters | named, {"q": "tea", "n": 2})

    def _tool_request(self) -> Json:
        parameters: Json = {"toolDescription": "looks up", "method": "GET", "url": f"{BASE}/echo/{{place}}", "placeholderDefinitions": {"values": [
            {"name": "place", "description": "where", "type": "string"}]}}  # fmt: skip
        if self._draw.random() < 0.4:
            parameters |= {
                "sendQuery": True,
                "parametersQuery": {
                    "values": [{"name": "q"}, {"name": "k", "valueProvider": "fieldValue", "value": "v"}]
                },
            }
        if self._draw.random() < 0.2:
            parameters["url"] = f"{BASE}/fail/{{place}}"
        return self._tool("look up", "toolHttpRequest", 1.1, parameters, {"place": "x", "q": "tea"})

    def _tool_request_tool(self) -> Json:
        path = self._draw.choice(("echo/a", "echo/b", "list", "fail/a", "text"))
        parameters = {"toolDescription": "fetches", "url": f"={BASE}/{path}?q={{{{ {FROM_AI} }}}}", "options": {}}
        return self._tool("fetch it", "n8n-nodes-base.httpRequestTool", 4.2, parameters, {"q": "tea"})

    def _tool_date(self) -> Json:
        parameters = {
            "operation": "formatDate",
            "date": "={{ $fromAI('d', 'a day', 'string') }}",
            "format": "yyyy/MM/dd",
            "options": {},
        }
        return self._tool("Date & Time", "n8n-nodes-base.dateTimeTool", 2, parameters, {"d": "2026-01-02"}) | {
            "name": "Date_Time"
        }

    def _tool_store(self) -> Json:
        self.fill()
        parameters = {"mode": "retrieve-as-tool", "toolDescription": "drinks", "memoryKey": self._key(), "topK": self._draw.choice((1, 2)),
                      "includeDocumentMetadata": self._version >= 3 or self._draw.random() < 0.5}  # fmt: skip
        tool = self._tool("drinks", "vectorStoreInMemory", 1.3, parameters, {"input": "tea"})
        self._wire("Embeddings", "ai_embedding", "drinks")
        return tool

    def _tool_answers(self) -> Json:
        self.fill()
        version = self._draw.choice((1, 1.1))
        named = {"name": "the_drinks"} if version == 1 else {}
        parameters = {"description": "all that one can drink", "topK": self._draw.choice((1, 4))}
        tool = self._tool("ask drinks", "toolVectorStore", version, parameters | named, {"input": "what is tea?"})
        self._connect(self.looking("Searched"), "ai_vectorStore", "ask drinks")
        self._wire("Embeddings", "ai_embedding", "Searched")
        answers = AnswerDrawer(self._draw).script(())
        self.model("Answering", "ask drinks", answers, responses=self._version >= 3)
        return {**tool, "name": named.get("name", "ask_drinks")}

    def _tool_agent(self) -> Json:
        parameters = {
            "toolDescription": "an expert",
            "text": f"={{{{ {FROM_AI} }}}}",
            "options": self._draw.choice(({}, {"systemMessage": "inner"}, {"maxIterations": 1})),
        }
        version = self._draw.choice((2.2, 3))
        tool = self._tool("expert", "agentTool", version, parameters, {"q": "tea"})
        answers = AnswerDrawer(self._draw).script(())
        if self._draw.random() < 0.4:
            self._connect(
                self.node("inner code", "toolCode", 1.3, {"description": "shouts", "jsCode": self._draw.choice(CODES)}),
                "ai_tool",
                "expert",
            )
            answers = [{"calls": [["inner_code", {"input": "x"}]], "content": ""}, *answers]
        self.model("Inner model", "expert", answers, responses=version >= 3)
        return tool

    def _tool_mcp(self) -> Json:
        version = self._draw.choice((1, 1.1, 1.2, 1.3, 1.4))
        transport = self._draw.choice(("sse", "httpStreamable")) if version > 1 else "sse"
        url = f"{BASE}/{'mcp-events' if transport == 'sse' else 'mcp'}"
        chosen = self._draw.choice(
            ({}, {"include": "selected", "includeTools": ["add"]}, {"include": "except", "excludeTools": ["del-it"]})
        )
        parameters: Json = {"sseEndpoint": url} if version == 1 else {"endpointUrl": url, "serverTransport": transport}
        tool = self._tool("server", "mcpClientTool", version, parameters | chosen, {"a": 1, "b": 2})
        return {**tool, "name": "server_add"}
