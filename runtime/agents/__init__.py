"""AI nodes (roots and sub-nodes), one file each. `AGENT_FILES` is the list: node type -> module below this folder."""

from typing import Final

AGENT_FILES: Final[dict[str, str]] = {
    "@n8n/n8n-nodes-langchain.agent": "roots.agent",
    "@n8n/n8n-nodes-langchain.chainLlm": "roots.chain_llm",
    "@n8n/n8n-nodes-langchain.chatTrigger": "triggers.chat_trigger",
    "@n8n/n8n-nodes-langchain.informationExtractor": "roots.information_extractor",
    "@n8n/n8n-nodes-langchain.lmChatAnthropic": "models.lm_chat_anthropic",
    "@n8n/n8n-nodes-langchain.lmChatAzureOpenAi": "models.lm_chat_azure_open_ai",
    "@n8n/n8n-nodes-langchain.lmChatDeepSeek": "models.lm_chat_deep_seek",
    "@n8n/n8n-nodes-langchain.lmChatGoogleGemini": "models.lm_chat_google_gemini",
    "@n8n/n8n-nodes-langchain.lmChatGroq": "models.lm_chat_groq",
    "@n8n/n8n-nodes-langchain.lmChatMistralCloud": "models.lm_chat_mistral_cloud",
    "@n8n/n8n-nodes-langchain.lmChatOllama": "models.lm_chat_ollama",
    "@n8n/n8n-nodes-langchain.lmChatOpenAi": "models.lm_chat_open_ai",
    "@n8n/n8n-nodes-langchain.lmChatOpenRouter": "models.lm_chat_open_router",
    "@n8n/n8n-nodes-langchain.lmChatXAiGrok": "models.lm_chat_x_ai_grok",
    "@n8n/n8n-nodes-langchain.manualChatTrigger": "triggers.manual_chat_trigger",
    "@n8n/n8n-nodes-langchain.memoryBufferWindow": "memory.memory_buffer_window",
    "@n8n/n8n-nodes-langchain.outputParserAutofixing": "parsers.output_parser_autofixing",
    "@n8n/n8n-nodes-langchain.outputParserItemList": "parsers.output_parser_item_list",
    "@n8n/n8n-nodes-langchain.outputParserStructured": "parsers.output_parser_structured",
    "@n8n/n8n-nodes-langchain.sentimentAnalysis": "roots.sentiment_analysis",
    "@n8n/n8n-nodes-langchain.textClassifier": "roots.text_classifier",
    "@n8n/n8n-nodes-langchain.toolCalculator": "tools.tool_calculator",
    "@n8n/n8n-nodes-langchain.toolCode": "tools.tool_code",
    "@n8n/n8n-nodes-langchain.toolThink": "tools.tool_think",
    "@n8n/n8n-nodes-langchain.toolWorkflow": "tools.tool_workflow",
}
