"""The workflows of a storm: one for each way in which a run can be met by a fault."""

from typing import Any, Final

from tests.exports import export, node, set_

__all__ = ["FILE_BYTES", "LONG_ITEMS", "workflows"]

FILE_BYTES: Final = 300_000
LONG_ITEMS: Final = 12
"""Turns of the loop: with a worker of a storm, its run continues as new at least once."""
BODY: Final = "$('Hook').first().json.body"
MODEL: Final = {"__rl": True, "mode": "id", "value": "m"}


def workflows(vendor: str) -> dict[str, dict[str, Any]]:
    """By template key; a vendor's URL is where their effects go."""
    return {
        "webhook": _webhook(vendor),
        "sub": _sub(vendor),
        "tick": _tick(vendor),
        "reply": _reply(vendor),
        "respond": _respond(vendor),
        "form": _form(vendor),
        "resume": _resume(vendor),
        "agent": _agent(vendor),
        "file": _file(vendor),
        "long": _long(vendor),
        "retry": _retry(vendor),
        "once": _once(vendor),
        "quiet": _quiet(),
    }


def _hook(path: str, mode: str = "onReceived") -> dict[str, Any]:
    return node("Hook", "webhook", 2, path=path, httpMethod="POST", responseMode=mode, options={})


def _effect(vendor: str, kind: str, name: str = "Send", *, of: str = BODY, **members: str) -> dict[str, Any]:
    """A request that says which delivery it belongs to. `of`: expression of the object that has `tenant` and `id`."""
    fields = {"tenant": f"{of}.tenant", "id": f"{of}.id"} | members
    body = ", ".join(f"{member}: {expression}" for member, expression in fields.items())
    return node(
        name, "httpRequest", 4.2, method="POST", url=f"{vendor}/effect/{kind}", sendBody=True, specifyBody="json", options={},
        jsonBody=f"={{{{ JSON.stringify({{ {body} }}) }}}}",
    )  # fmt: skip


def _webhook(vendor: str) -> dict[str, Any]:
    """An effect per item, a wait, a sub-workflow; items too large for a history, and others in each run."""
    code = "return [0, 1].map(part => ({ json: { ...$json.body, part, bulk: String($json.body.id + 1000).repeat(25000) } }))"
    return export(
        "Webhook",
        _hook("webhook"),
        node("Items", "code", 2, jsCode=code),
        _effect(vendor, "item", of="$json", part="$json.part"),
        node("Wait", "wait", 1.1, amount=0.5),
        set_("Pass", tenant=f"={{{{ {BODY}.tenant }}}}", id=f"={{{{ {BODY}.id }}}}"),
        node("Call", "executeWorkflow", 1.2, workflowId={"__rl": True, "mode": "id", "value": "sub"}, options={},
             mode="once"),
        set_("Done", done="yes"),
    )  # fmt: skip


def _sub(vendor: str) -> dict[str, Any]:
    """A model is asked, and an effect follows."""
    made = export(
        "Sub",
        node("Called", "executeWorkflowTrigger", 1.1, inputSource="passthrough"),
        _root("Go on?"),
        _effect(vendor, "sub", of="$('Called').first().json") | {"executeOnce": True},
    )
    return _with_part(made, _model(), "ai_languageModel")


def _tick(vendor: str) -> dict[str, Any]:
    """A schedule."""
    return export(
        "Tick",
        node("Every", "scheduleTrigger", 1.2, rule={"interval": [{"field": "seconds", "secondsInterval": 2}]}),
        _effect(vendor, "tick", of="$json", tenant="''", id="$execution.id"),
    )


def _reply(vendor: str) -> dict[str, Any]:
    """The caller waits for the last node."""
    done = set_("Done", id=f"={{{{ {BODY}.id }}}}")
    return export("Reply", _hook("reply", "lastNode"), _effect(vendor, "reply"), done)


def _respond(vendor: str) -> dict[str, Any]:
    """The caller waits for a node that replies, and the run goes on afterwards."""
    reply = node(
        "Reply", "respondToWebhook", 1.1, respondWith="json", responseBody=f"={{{{ {{ id: {BODY}.id }} }}}}", options={}
    )
    return export("Respond", _hook("respond", "responseNode"), reply, _effect(vendor, "respond"))


def _form(vendor: str) -> dict[str, Any]:
    """What is filled in starts a run."""
    fields = {"values": [{"fieldLabel": "tenant"}, {"fieldLabel": "id"}]}
    form = node("Form", "formTrigger", 2.2, formTitle="Storm", formFields=fields, options={"path": "form"})
    return export("Form", form, _effect(vendor, "form", of="$('Form').first().json"))


def _resume(vendor: str) -> dict[str, Any]:
    """A link goes out, and whoever has it resumes the run."""
    return export(
        "Resume",
        _hook("resume"),
        _effect(vendor, "link", "Ask", url="$execution.resumeUrl"),
        node("Wait", "wait", 1.1, resume="webhook", httpMethod="POST", options={}),
        _effect(vendor, "resumed"),
    )


def _agent(vendor: str) -> dict[str, Any]:
    """A model orders a tool, which has an effect, and sees its answer."""
    tool = _effect(vendor, "tool", "Tool")
    tool["type"] = "n8n-nodes-base.httpRequestTool"
    made = _with_part(export("Agent", _hook("agent"), _root("Use the tool.")), _model(), "ai_languageModel")
    return _with_part(made, tool, "ai_tool")


def _file(vendor: str) -> dict[str, Any]:
    """A file is made, waits, and is read again."""
    return export(
        "File",
        _hook("file"),
        node("Text", "code", 2, jsCode=f"return [{{ json: {{ text: 'x'.repeat({FILE_BYTES}) }} }}]"),
        node("Make", "convertToFile", 1.1, operation="toText", sourceProperty="text", binaryPropertyName="data", options={}),
        node("Wait", "wait", 1.1, amount=0.5),
        node("Read", "extractFromFile", 1, operation="text", binaryPropertyName="data", destinationKey="text", options={}),
        _effect(vendor, "file", bytes="$json.text.length"),
    )  # fmt: skip


def _long(vendor: str) -> dict[str, Any]:
    """A loop that is too long for one run."""
    numbers = ", ".join(str(part) for part in range(LONG_ITEMS))
    made = export(
        "Long",
        _hook("long"),
        node("Items", "code", 2, jsCode=f"return [{numbers}].map(part => ({{ json: {{ ...$json.body, part }} }}))"),
        node("Loop", "splitInBatches", 3, options={}),
    )
    made["nodes"].append(_effect(vendor, "long", of="$json", part="$json.part"))
    made["connections"]["Loop"] = {"main": [[], [{"node": "Send", "type": "main", "index": 0}]]}
    made["connections"]["Send"] = {"main": [[{"node": "Loop", "type": "main", "index": 0}]]}
    return made


def _retry(vendor: str) -> dict[str, Any]:
    """The vendor refuses at first, and n8n's own retries get it done."""
    retries = {"retryOnFail": True, "maxTries": 3, "waitBetweenTries": 300}
    return export("Retry", _hook("retry"), _effect(vendor, "flaky") | retries)


def _once(vendor: str) -> dict[str, Any]:
    """Twice would be worse than not at all."""
    return export("Once", _hook("once"), _effect(vendor, "once") | {"notes": "delivery: at-most-once"})


def _quiet() -> dict[str, Any]:
    """No effect, items too large for a history, and a wait of as many seconds as the input says."""
    code = "return [{ json: { bulk: $execution.id.repeat(5000) } }]"
    wait = node("Wait", "wait", 1.1, amount="={{ $('Start').first().json.seconds }}")
    return export("Quiet", node("Start", "manualTrigger"), node("Bulk", "code", 2, jsCode=code), wait)


def _root(text: str) -> dict[str, Any]:
    agent = node("Think", "agent", 2.2, promptType="define", text=text, options={})
    return agent | {"type": "@n8n/n8n-nodes-langchain.agent", "executeOnce": True}


def _model() -> dict[str, Any]:
    return node("Model", "lmChatOpenAi", 1.2, model=MODEL, options={}) | {
        "type": "@n8n/n8n-nodes-langchain.lmChatOpenAi",
        "credentials": {"openAiApi": {"id": "1", "name": "vendor"}},
    }


def _with_part(made: dict[str, Any], part: dict[str, Any], wire: str) -> dict[str, Any]:
    """The workflow with a model or tool of its agent."""
    made["nodes"].append(part)
    made["connections"][part["name"]] = {wire: [[{"node": "Think", "type": wire, "index": 0}]]}
    return made
