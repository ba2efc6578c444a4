"""Chat Trigger: a message in a chat starts a run."""

from typing import Any

from runtime.contract import Dynamic, Trigger, param
from schemas.facts import CredentialUse, NodeIdentity
from schemas.names import CHAT
from schemas.plan import Route

PUBLIC: dict[str, list[Any]] = {"public": [True]}
IN_CHAT: dict[str, list[Any]] = {"availableInChat": [True], "@version": [{"_cnd": {"gte": 1.2}}]}


class ChatTrigger(Trigger):
    """Its item: `sessionId`, `action`, `chatInput`, and the files of the message."""

    type = "@n8n/n8n-nodes-langchain.chatTrigger"
    versions = (1, 1.1, 1.2, 1.3, 1.4, 1.5)
    trigger = "chat"
    has_caller = True
    credential_uses = (CredentialUse("httpBasicAuth", PUBLIC | {"authentication": ["basicAuth"]}),)

    public: bool = param(False)
    mode: str = param("hostedChat", show=PUBLIC)
    authentication: str = param("none", show=PUBLIC)
    require_execute_access: bool = param(
        False, show=PUBLIC | {"mode": ["hostedChat"], "authentication": ["n8nUserAuth"]}
    )
    include_user_in_output: bool = param(False, since={1.5: True}, show=PUBLIC | {"authentication": ["n8nUserAuth"]})
    initial_messages: Dynamic[str] = param("", show=PUBLIC | {"mode": ["hostedChat"]})
    available_in_chat: bool = param(False)
    agent_icon: Any = param(None, show=IN_CHAT)
    agent_name: Dynamic[str] = param("", show=IN_CHAT)
    agent_description: Dynamic[str] = param("", show=IN_CHAT)
    suggested_prompts: Dynamic[dict[str, Any]] = param({}, show=IN_CHAT)
    options: Dynamic[dict[str, Any]] = param({})

    def routes(self, identity: NodeIdentity) -> list[Route]:
        """Return the chat's address, when it is public."""
        if self.public is not True:
            return []
        path = f"{identity.webhook_id or identity.id or identity.name}/chat"
        return [Route(method=CHAT, path=path, node=identity.name, response_mode="lastNode")]
