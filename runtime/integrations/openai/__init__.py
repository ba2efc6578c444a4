"""OpenAI: the older node, of completions, edits, moderations and images."""
