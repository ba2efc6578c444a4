"""OpenAI: the node of n8n's AI package."""
