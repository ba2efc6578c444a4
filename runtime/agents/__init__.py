"""AI nodes (roots and sub-nodes), one file each. `AGENT_FILES` is the list: node type -> file in this folder."""

from typing import Final

AGENT_FILES: Final[dict[str, str]] = {
    "@n8n/n8n-nodes-langchain.agent": "agent",
    "@n8n/n8n-nodes-langchain.lmChatOpenAi": "lm_chat_open_ai",
    "@n8n/n8n-nodes-langchain.memoryBufferWindow": "memory_buffer_window",
    "@n8n/n8n-nodes-langchain.outputParserAutofixing": "output_parser_autofixing",
    "@n8n/n8n-nodes-langchain.outputParserItemList": "output_parser_item_list",
    "@n8n/n8n-nodes-langchain.outputParserStructured": "output_parser_structured",
    "@n8n/n8n-nodes-langchain.toolCalculator": "tool_calculator",
    "@n8n/n8n-nodes-langchain.toolThink": "tool_think",
}
