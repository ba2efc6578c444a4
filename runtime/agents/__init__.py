"""AI nodes (roots and sub-nodes), one file each. `AGENT_FILES` is the list: node type -> file in this folder."""

from typing import Final

AGENT_FILES: Final[dict[str, str]] = {
    "@n8n/n8n-nodes-langchain.agent": "agent",
    "@n8n/n8n-nodes-langchain.chainLlm": "chain_llm",
    "@n8n/n8n-nodes-langchain.chatTrigger": "chat_trigger",
    "@n8n/n8n-nodes-langchain.informationExtractor": "information_extractor",
    "@n8n/n8n-nodes-langchain.lmChatAnthropic": "lm_chat_anthropic",
    "@n8n/n8n-nodes-langchain.lmChatAzureOpenAi": "lm_chat_azure_open_ai",
    "@n8n/n8n-nodes-langchain.lmChatDeepSeek": "lm_chat_deep_seek",
    "@n8n/n8n-nodes-langchain.lmChatGoogleGemini": "lm_chat_google_gemini",
    "@n8n/n8n-nodes-langchain.lmChatGroq": "lm_chat_groq",
    "@n8n/n8n-nodes-langchain.lmChatMistralCloud": "lm_chat_mistral_cloud",
    "@n8n/n8n-nodes-langchain.lmChatOllama": "lm_chat_ollama",
    "@n8n/n8n-nodes-langchain.lmChatOpenAi": "lm_chat_open_ai",
    "@n8n/n8n-nodes-langchain.lmChatOpenRouter": "lm_chat_open_router",
    "@n8n/n8n-nodes-langchain.lmChatXAiGrok": "lm_chat_x_ai_grok",
    "@n8n/n8n-nodes-langchain.manualChatTrigger": "manual_chat_trigger",
    "@n8n/n8n-nodes-langchain.memoryBufferWindow": "memory_buffer_window",
    "@n8n/n8n-nodes-langchain.outputParserAutofixing": "output_parser_autofixing",
    "@n8n/n8n-nodes-langchain.outputParserItemList": "output_parser_item_list",
    "@n8n/n8n-nodes-langchain.outputParserStructured": "output_parser_structured",
    "@n8n/n8n-nodes-langchain.sentimentAnalysis": "sentiment_analysis",
    "@n8n/n8n-nodes-langchain.textClassifier": "text_classifier",
    "@n8n/n8n-nodes-langchain.toolCalculator": "tool_calculator",
    "@n8n/n8n-nodes-langchain.toolCode": "tool_code",
    "@n8n/n8n-nodes-langchain.toolThink": "tool_think",
    "@n8n/n8n-nodes-langchain.toolWorkflow": "tool_workflow",
}
