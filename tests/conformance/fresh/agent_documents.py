"""What is connected to the roots of fresh agents that look things up: documents, stores, retrievers, and what a memory holds."""

import random
from typing import Any, Final

__all__ = ["BASE", "PORT", "DocumentDrawer", "credential"]

Json = dict[str, Any]
PORT: Final = 18441
"""Fixed: it stands in the credentials that n8n has."""
BASE: Final = f"http://127.0.0.1:{PORT}"
SAID: Final = ("hello", "=you are {{ $json.text }}", "two\nlines", "{curly}", "é 😀", "")
SPLITTERS: Final = ("textSplitterRecursiveCharacterTextSplitter", "textSplitterCharacterTextSplitter")


class DocumentDrawer:
    """Draws documents and what finds them: `nodes`, `connections`, `subworkflows`, and `answers` by the name of the model."""

    def __init__(self, draw: random.Random, id_: str) -> None:
        self._draw, self._id = draw, id_
        self.nodes: list[Json] = []
        self.connections: dict[str, Any] = {}
        self.subworkflows: dict[str, Any] = {}
        self.answers: dict[str, list[Json]] = {}
        self._version = 0.0
        self.before: str | None = None
        """The node that runs before the root and fills its store."""

    @staticmethod
    def node(name: str, type_: str, version: float, parameters: Json, **rest: Any) -> Json:
        """Return a node; a type without a package is one of n8n's AI nodes."""
        full = type_ if "." in type_ else f"@n8n/n8n-nodes-langchain.{type_}"
        return {
            "id": name,
            "name": name,
            "type": full,
            "typeVersion": version,
            "position": [0, 0],
            "parameters": parameters,
            **rest,
        }

    def _connect(self, node: Json, connection: str, to: str = "Root") -> str:
        self.nodes.append(node)
        self._wire(node["name"], connection, to)
        return str(node["name"])

    def _wire(self, name: str, connection: str, to: str, place: int = 0) -> None:
        wires = self.connections.setdefault(name, {}).setdefault(connection, [[]])
        wires[0].append({"node": to, "type": connection, "index": place})

    # --- documents ----------------------------------------------------------------------------------------------------

    def _key(self) -> Json:
        return {"__rl": True, "mode": "id", "value": f"store-{self._id}"}

    def documents(self, to: str) -> None:
        """Connect a loader of documents, some with a splitter."""
        own = self._draw.random() < 0.5
        options = self._draw.choice(
            ({}, {"metadata": {"metadataValues": [{"name": "m", "value": "={{ $json.sessionId }}"}]}})
        )
        parameters: Json = {"options": options, **({"textSplittingMode": "custom"} if own else {})}
        if self._draw.random() < 0.5:
            parameters |= {"jsonMode": "expressionData", "jsonData": "={{ $json.text }}"}
        self._connect(self.node("Loader", "documentDefaultDataLoader", 1.1, parameters), "ai_document", to)
        if own:
            type_ = self._draw.choice(
                ("textSplitterRecursiveCharacterTextSplitter", "textSplitterCharacterTextSplitter")
            )
            self._connect(
                self.node(
                    "Splitter",
                    type_,
                    1,
                    {"chunkSize": self._draw.choice((20, 50)), "chunkOverlap": self._draw.choice((0, 5))},
                ),
                "ai_textSplitter",
                "Loader",
            )

    def fill(self) -> None:
        """Put a node before the root that fills the case's store with the items, after which the first of them goes on."""
        if self.before:
            return
        self.before = "Fill"
        self.nodes.append(self.node("Fill", "vectorStoreInMemory", 1.3, {"mode": "insert", "memoryKey": self._key()}))
        self.documents("Fill")
        self._connect(
            self.node("Embeddings", "embeddingsOpenAi", 1.2, {"options": {}}, credentials=credential("openAiApi")),
            "ai_embedding",
            "Fill",
        )
        restored = self.node("Restored", "n8n-nodes-base.code", 2, {"jsCode": "return $('Start').all()"})
        self.nodes.append(restored)
        self._wire("Fill", "main", "Restored")
        self._wire("Restored", "main", "Root")

    def retriever(self) -> None:
        """Connect a retriever of a store that is filled before."""
        self.fill()
        self._connect(
            self.node("Retriever", "retrieverVectorStore", 1, {"topK": self._draw.choice((1, 2, 4))}), "ai_retriever"
        )
        self._connect(self.looking("Look"), "ai_vectorStore", "Retriever")
        self._wire("Embeddings", "ai_embedding", "Look")

    def embedded(self, name: str) -> None:
        """Connect the model of vectors to a further node."""
        self._wire("Embeddings", "ai_embedding", name)

    def looking(self, name: str, **parameters: Any) -> Json:
        """Return a node that looks into the store."""
        version = self._draw.choice((1.2, 1.3))
        located = {"mode": "retrieve", "memoryKey": self._key(), **parameters}
        return self.node(name, "vectorStoreInMemory", version, located)

    def remembered(self) -> None:
        """Connect a memory, and put a node before the root that fills it."""
        rows = [
            {"type": self._draw.choice(("user", "ai", "system")), "message": self._draw.choice(SAID)}
            for _ in range(self._draw.randint(0, 4))
        ]
        self.before = "Put"
        parameters = {"mode": "insert", "messages": {"messageValues": rows}}
        self.nodes.append(self.node("Put", "memoryManager", 1.1, parameters))
        window = {"sessionIdType": "customKey", "sessionKey": f"m-{self._id}", "contextWindowLength": 20}
        self._connect(self.node("Memory", "memoryBufferWindow", 1.3, window), "ai_memory")
        self._wire("Memory", "ai_memory", "Put")
        self.nodes.append(self.node("Restored", "n8n-nodes-base.code", 2, {"jsCode": "return $('Start').all()"}))
        self._wire("Put", "main", "Restored")
        self._wire("Restored", "main", "Root")


def credential(type_: str) -> Json:
    """Return the credential of a node."""
    return {type_: {"id": type_, "name": type_}}
