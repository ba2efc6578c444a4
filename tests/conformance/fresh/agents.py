"""Fresh workflows of agents and other AI roots, drawn from a seed: versions, options, tools, parsers, memory, odd items and answers."""

import json
import random
from typing import Any, Final

from tests.conformance.fresh.agent_answers import CATEGORIES, OBJECTS, SCORES, SENTIMENTS, AnswerDrawer
from tests.conformance.fresh.agent_parts import CREDENTIALS, PartDrawer

__all__ = ["draw_cases", "import_file"]

Case = dict[str, Any]
Json = dict[str, Any]
LANGCHAIN: Final = "@n8n/n8n-nodes-langchain."
KINDS: Final = (
    *["agent"] * 10, *["chainLlm"] * 4, *["informationExtractor"] * 3, *["textClassifier"] * 2, *["sentimentAnalysis"] * 2,
    *["chainSummarization"] * 2, *["chainRetrievalQa"] * 2, "guardrails", *["vectorStoreInMemory"] * 3, *["memoryManager"] * 2,
)  # fmt: skip
STORED: Final[dict[str, tuple[Any, ...]]] = {"clearStore": (True, False), "embeddingBatchSize": (1, 2)}
FOUND: Final[dict[str, tuple[Any, ...]]] = {"topK": (1, 2, 10), "includeDocumentMetadata": (False, True)}
ON_ERROR: Final[tuple[Json, ...]] = (
    {}, {}, {}, {}, {"onError": "continueRegularOutput"}, {"onError": "continueErrorOutput"}, {"continueOnFail": True},
    {"alwaysOutputData": True}, {"onError": "continueErrorOutput", "alwaysOutputData": True},
)  # fmt: skip
PROMPTS: Final[tuple[Any, ...]] = (
    "hello there",
    "what is tea?",
    "",
    None,
    5,
    {"a": [1, "x"]},
    "{curly} {{braces}}",
    "two\nlines",
    'é <b> "q"',
    True,
)
DEFINED: Final = (
    "={{ $json.chatInput }}", "=Say: {{ $json.text }}", "=fixed words {{ $itemIndex }}", "={{ $json.missing }}", "={{ $json }}",
    "={{ $json.text.toUpperCase() }}",
    "={{ $json.nope.deep }}", "=Item {{ $itemIndex }} of {{ $input.all().length }}", "=with {braces} in it {{ $itemIndex }}",
)  # fmt: skip
TEXTS: Final = [
    each
    for each in DEFINED
    if "missing" not in each and each not in ("={{ $json }}", "={{ $json.chatInput }}", "={{ $json.nope.deep }}")
]
SYSTEMS: Final = (
    "You are terse.",
    "",
    "=You are {{ $json.text }}",
    "={{ $json.missing }}",
    "=Item {{ $itemIndex }}",
    "Use {json} and {{ $json.x }}",
)
ATTRIBUTES: Final = {"attributes": [
    {"name": "state", "description": "the state", "required": True}, {"name": "n", "type": "number", "description": "how many"},
    {"name": "when", "type": "date", "description": "the day"}, {"name": "ok", "type": "boolean", "description": ""},
]}  # fmt: skip
LIKELY: Final[tuple[Any, ...]] = (
    {"state": "CA", "n": 3, "ok": True, "when": "2026-01-02"},
    *OBJECTS,
    {"output": {"state": "CA"}},
)


class CaseDrawer:
    """Draws one workflow: a start, an AI root with what is connected to it, and what follows."""

    def __init__(self, draw: random.Random, id_: str) -> None:
        self._draw, self._id = draw, id_
        self._parts = PartDrawer(draw, id_)
        self._answers = AnswerDrawer(draw)
        self.kind = draw.choice(KINDS)
        self._outputs = 1
        self._responses = True

    def case(self) -> Case:
        """Return the case without what n8n gives."""
        parameters, version = getattr(self, f"_{self.kind}")()
        root = self._parts.node("Root", self.kind, version, parameters, **self._draw.choice(ON_ERROR))
        nodes = [self._parts.node("Start", "n8n-nodes-base.manualTrigger", 1, {}), root, *self._parts.nodes]
        splits = root.get("onError") == "continueErrorOutput"
        after = [f"After {n}" for n in range(self._outputs + splits)]
        nodes += [self._parts.node(name, "n8n-nodes-base.noOp", 1, {}) for name in after]
        first = self._parts.before or "Root"
        connections = {
            "Start": {"main": [[{"node": first, "type": "main", "index": 0}]]}, **self._parts.connections,
            "Root": {"main": [[{"node": name, "type": "main", "index": 0}] for name in after]},
        }  # fmt: skip
        workflow = {
            "id": "wf1",
            "name": "Fresh",
            "nodes": nodes,
            "connections": connections,
            "settings": {"executionOrder": "v1", "timezone": "UTC"},
        }
        return {
            "group": "F", "about": "a fresh AI root", "volatile": [], "start": "Start", "mode": "trigger", "workflow": workflow,
            "input": self._items(), "subworkflows": self._parts.subworkflows, "answers": self._parts.answers, "credentials": CREDENTIALS,
        }  # fmt: skip

    # --- roots --------------------------------------------------------------------------------------------------------

    def _agent(self) -> tuple[Json, float]:
        version = self._draw.choice((1.6, 1.7, 1.8, 1.9, 2, 2.1, 2.2, 2.2, 3, 3, 3.1, 3.1))
        self._responses = version >= 3
        parameters = self._prompt()
        options = self._options({
            "systemMessage": SYSTEMS, "maxIterations": (1, 2, 3), "returnIntermediateSteps": (True, True, False),
            "passthroughBinaryImages": (False, True),
            **({"enableStreaming": (True, False), "batching": ({"batchSize": 2}, {"batchSize": 5,
            "delayBetweenBatches": 1})} if version >= 2 else {}),
        })  # fmt: skip
        parsed = self._parser(parameters, lists=False)
        tools = self._parts.tools(version) if self._draw.random() < 0.75 else []
        if self._draw.random() < 0.3:
            self._parts.memory()
        self._model(
            self._answers.calling(tools, OBJECTS if parsed else (), parsed=parsed, unknown=version < 3),
            parameters,
            fallback=version >= 2.1,
        )
        return {**parameters, "options": options}, version

    def _chainLlm(self) -> tuple[Json, float]:  # noqa: N802 - the type's name
        version = self._draw.choice((1.4, 1.5, 1.6, 1.7, 1.7, 1.8, 1.9, 1.9))
        parameters = self._prompt()
        if self._draw.random() < 0.4:
            kinds = ("SystemMessagePromptTemplate", "HumanMessagePromptTemplate", "AIMessagePromptTemplate")
            rows = [
                {"type": kinds[self._draw.randint(n > 0, 2)], "message": self._draw.choice(SYSTEMS)}
                for n in range(self._draw.randint(1, 3))
            ]
            parameters["messages"] = {"messageValues": rows}
        if version >= 1.7 and self._draw.random() < 0.4:
            parameters["batching"] = self._draw.choice(
                ({"batchSize": 1}, {"batchSize": 2, "delayBetweenBatches": 1}, {"batchSize": 100})
            )
        parsed = self._parser(parameters)
        self._model(self._answers.script(OBJECTS if parsed else ()), parameters, fallback=True)
        return parameters, version

    def _informationExtractor(self) -> tuple[Json, float]:  # noqa: N802 - the type's name
        version = self._draw.choice((1, 1.1, 1.2))
        shape = self._draw.choice(("fromAttributes", "fromAttributes", "fromJson", "manual"))
        parameters: Json = {
            "text": self._text(),
            "options": self._options({"systemPromptTemplate": ("Extract.", "", "=You are {{ $json.text }}")}),
        }
        if shape == "fromAttributes":
            parameters["attributes"] = {"attributes": ATTRIBUTES["attributes"][: self._draw.randint(1, 4)]}
        else:
            parameters |= {"schemaType": shape, **self._parts.schema(shape)}
        self._model(self._answers.script(LIKELY), parameters)
        return parameters, version

    def _textClassifier(self) -> tuple[Json, float]:  # noqa: N802 - the type's name
        version = self._draw.choice((1, 1.1))
        options = self._options({
            "multiClass": (True, True, False), "fallback": ("other", "other", "discard"), "enableAutoFixing": (True, False),
            "systemPromptTemplate": ("Sort: {categories}", "Sort it"),
        })  # fmt: skip
        categories = {
            "categories": [
                {"category": "red", "description": "warm"},
                {"category": "blue", "description": self._draw.choice(("", "cold"))},
            ]
        }
        self._outputs = 2 + (options.get("fallback") == "other")
        parameters = {"inputText": self._text(), "categories": categories, "options": options}
        self._model(self._answers.script(CATEGORIES), parameters)
        return parameters, version

    def _sentimentAnalysis(self) -> tuple[Json, float]:  # noqa: N802 - the type's name
        version = self._draw.choice((1, 1.1))
        options = self._options({
            "categories": ("Positive, Neutral, Negative", "Good,Bad", "Angry", "a, , b"), "includeDetailedResults": (True, True, False),
            "enableAutoFixing": (True, False), "systemPromptTemplate": ("Feel: {categories}",),
        })  # fmt: skip
        self._outputs = len(options.get("categories", "a,b,c").split(","))
        parameters = {"inputText": self._text(), "options": options}
        self._model(self._answers.script(SENTIMENTS), parameters)
        return parameters, version

    def _chainSummarization(self) -> tuple[Json, float]:  # noqa: N802 - the type's name
        version = self._draw.choice((2, 2.1))
        parameters: Json = self._draw.choice(
            ({}, {"chunkSize": 60, "chunkOverlap": 10}, {"chunkSize": 30, "chunkOverlap": 0})
        )
        options: Json = {}
        if self._draw.random() < 0.6:
            method = self._draw.choice(("map_reduce", "stuff", "refine"))
            values: Json = {"summarizationMethod": method}
            if self._draw.random() < 0.5:
                values |= {"map_reduce": {"combineMapPrompt": "Short: {text}", "prompt": "All: {text}"}, "stuff": {"prompt": 'Sum: "{text}"'},
                           "refine": {"refinePrompt": "So far {existing_answer} and {text}",
                           "refineQuestionPrompt": "First {text}"}}[method]  # fmt: skip
            options["summarizationMethodAndPrompts"] = {"values": values}
        if version >= 2.1 and self._draw.random() < 0.3:
            options["batching"] = {"batchSize": 1}
        if self._draw.random() < 0.3:
            self._parts.documents("Root")
            parameters = {"operationMode": "documentLoader"}
        self._model(self._answers.script(()), parameters)
        return {**parameters, "options": options}, version

    def _chainRetrievalQa(self) -> tuple[Json, float]:  # noqa: N802 - the type's name
        version = self._draw.choice((1.3, 1.4, 1.5, 1.6, 1.7))
        parameters = self._prompt()
        self._parts.retriever()
        options = self._options(
            {
                "systemPromptTemplate": ("Use {context}.", "Context: {context}", "No place"),
                "batching": ({"batchSize": 1},),
            }
        )
        self._model(self._answers.script(()), parameters)
        return {**parameters, "options": options}, version

    def _guardrails(self) -> tuple[Json, float]:
        checks = self._options({
            "keywords": ("hello, tea", "none of it"), "jailbreak": ({"value": {"threshold": 0.7}},), "nsfw": ({"value": {"threshold": 0.5}},),
            "topicalAlignment": ({"value": {"threshold": 0.5, "prompt": "tea only"}},), "secretKeys": ({"value": {"permissiveness": "balanced"}},),
        })  # fmt: skip
        self._outputs = 2
        parameters = {"text": self._text(), "guardrails": checks}
        self._model(self._answers.script(SCORES), parameters)
        return parameters, self._draw.choice((1, 2))

    def _vectorStoreInMemory(self) -> tuple[Json, float]:  # noqa: N802 - the type's name
        version = self._draw.choice((1.2, 1.3))
        self._parts.fill()
        key = self._parts.looking("")["parameters"]["memoryKey"]
        self._parts.embedded("Root")
        if self._draw.random() < 0.3:
            self._parts.documents("Root")
            return {"mode": "insert", "memoryKey": key, **self._options(STORED)}, version
        asked = {"prompt": self._text() or "tea"}
        return {"mode": "load", "memoryKey": key, **asked, **self._options(FOUND)}, version

    def _memoryManager(self) -> tuple[Json, float]:  # noqa: N802 - the type's name
        self._parts.remembered()
        mode = self._draw.choice(("load", "load", "insert", "delete"))
        parameters: Json = {"mode": mode}
        if mode == "load":
            parameters |= self._options(
                {"simplifyOutput": (False, True), "options": ({"groupMessages": False}, {"groupMessages": True})}
            )
        elif mode == "insert":
            rows = [{"type": "user", "message": "={{ $json.text }}"}, {"type": "ai", "message": "fine"}]
            parameters |= {"messages": {"messageValues": rows[: self._draw.randint(0, 2)]}}
            parameters |= self._options({"insertMode": ("override", "insert")})
        else:
            parameters |= self._options({"deleteMode": ("all", "lastN"), "lastMessagesCount": (1, 3, 10)})
        return parameters, self._draw.choice((1, 1.1))

    # --- what they share ----------------------------------------------------------------------------------------------

    def _prompt(self) -> Json:
        return {} if self._draw.random() < 0.4 else {"promptType": "define", "text": self._draw.choice(DEFINED)}

    def _text(self) -> str:
        return self._draw.choice(("={{ $json.text }}", "={{ $json.text }}", "=Say: {{ $json.chatInput }}", "", *TEXTS))

    def _options(self, choices: dict[str, tuple[Any, ...]]) -> Json:
        return {name: self._draw.choice(values) for name, values in choices.items() if self._draw.random() < 0.35}

    def _parser(self, parameters: Json, *, lists: bool = True) -> bool:
        """Connect a parser now and then; return whether it is one of JSON, and used."""
        if self._draw.random() < 0.6:
            return False
        parameters["hasOutputParser"] = True
        return self._parts.parser(self._answers.script(OBJECTS, length=1), lists=lists)

    def _model(self, answers: list[Json], parameters: Json, *, fallback: bool = False) -> None:
        if self._draw.random() < 0.02:
            return
        self._parts.model("Model", "Root", answers, responses=self._responses)
        if fallback and self._draw.random() < 0.15:
            parameters["needsFallback"] = True
            self._parts.model("Second", "Root", self._answers.script(OBJECTS), place=1, responses=self._responses)

    def _items(self) -> list[Json]:
        items = []
        for n in range(self._draw.choice((1, 1, 1, 2, 3))):
            prompt = self._draw.choice(PROMPTS[:2]) if self._draw.random() < 0.7 else self._draw.choice(PROMPTS)
            if isinstance(prompt, str) and prompt:
                prompt = f"{prompt} {n}"
            json_: Json = {"sessionId": self._id, "text": f"text {n}: tea is hot. coffee is black, and milk is white."}
            if self._draw.random() < 0.93:
                json_["chatInput"] = prompt
            item: Json = {"json": json_}
            if self._draw.random() < 0.15:
                type_ = self._draw.choice(("image/png", "text/plain"))
                item["binary"] = {
                    "data": {
                        "data": "aGVsbG8=",
                        "mimeType": type_,
                        "fileName": "f",
                        "fileExtension": "x",
                        "fileSize": "5 B",
                    }
                }
            items.append(item)
        return items


def draw_cases(seed: int, count: int) -> list[Case]:
    """Return so many cases without what n8n gives."""
    draw = random.Random(seed)  # noqa: S311 - cases, no secrets
    cases = []
    for i in range(count):
        drawer = CaseDrawer(draw, f"{seed}-{i}")
        cases.append({"name": f"agents-{seed}-{i}-{drawer.kind}", **drawer.case()})
    return cases


def import_file() -> list[Json]:
    """Return the credentials as `n8n import:credentials` takes them."""
    hosts = {"allowedHttpRequestDomains": "all"}
    return [
        {"id": type_, "name": type_, "type": type_, "data": json.loads(json.dumps(data)) | hosts}
        for type_, data in CREDENTIALS.items()
    ]
