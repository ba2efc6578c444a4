"""Text files in a conversation, and conversations of offline runs."""

from typing import Any, cast

from cli.testing.case import run_case
from runtime.agents.attached_files import MAX_CHARACTERS, read_texts
from runtime.agents.messages import Message
from runtime.contract import ActivityContext
from tests.conformance.fresh.agent_world import AgentWorld
from tests.unit.agents.world import LANGCHAIN, model, node, workflow


class Files:
    """Storage with one file of so many bytes."""

    def __init__(self, data: bytes) -> None:
        self.blobs, self.data = self, data

    async def read(self, ref: Any) -> bytes:
        del ref
        return self.data


def attached(mime_type: str) -> list[Message]:
    ref: Any = {"mimeType": mime_type, "fileName": "list.csv"}
    return [{"role": "user", "content": "hi"}, {"role": "user", "content": [{"type": "file", "ref": ref}]}]


async def told(data: bytes, mime_type: str = "text/csv") -> Any:
    messages = await read_texts(cast(ActivityContext, Files(data)), attached(mime_type))
    assert messages[0]["content"] == "hi"
    return messages[1]["content"]


async def test_a_text_file_that_is_too_long_is_cut_and_the_model_is_told() -> None:
    (part,) = await told(b"x" * (MAX_CHARACTERS + 5))
    assert part["text"].startswith("File: list.csv\nContent:\nxxx")
    assert part["text"].endswith(
        f"[Cut: these are the first {MAX_CHARACTERS} characters of {MAX_CHARACTERS + 5} bytes.]"
    )


async def test_bytes_that_are_no_text_are_told_as_what_can_be_read() -> None:
    assert (await told(b"caf\xe9"))[0]["text"] == "File: list.csv\nContent:\ncaf\ufffd"


async def test_a_picture_stays_a_file() -> None:
    assert (await told(b"", "image/png"))[0]["type"] == "file"


async def test_an_offline_run_remembers_its_conversation_and_no_other_run_does() -> None:
    agent = node("A", "agent", 2.2, {"options": {}})
    memory = node("M", "memoryBufferWindow", 1.3, {"sessionIdType": "customKey", "sessionKey": "k"})
    export = workflow(agent, (model(), "ai_languageModel"), (memory, "ai_memory"))
    case = {
        "workflow": export, "start": "Start", "mode": "trigger", "input": [{"chatInput": "one"}, {"chatInput": "two"}],
        "answers": {"gpt-4o-mini": [{"content": "said"}]}, "credentials": {"openAiApi": {"apiKey": "k", "url": "http://127.0.0.1:1/v1"}},
    }  # fmt: skip
    assert agent["type"] == LANGCHAIN + "agent"
    for _ in range(2):
        world = AgentWorld(case)
        result = await run_case({key: each for key, each in case.items() if key != "credentials"}, world)
        assert result["status"] == "success", result["error"]
        asked = [[each["content"] for each in request["body"]["messages"]] for request in world.services.requests]
        assert asked == [["one"], ["one", "said", "two"]]
