"""Manual Chat Trigger: the chat of n8n's editor, before the Chat Trigger."""

from runtime.contract import Trigger


class ManualChatTrigger(Trigger):
    """Passes on what started the run."""

    type = "@n8n/n8n-nodes-langchain.manualChatTrigger"
    versions = (1, 1.1)
    trigger = "chat"
