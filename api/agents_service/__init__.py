"""The contract of an agents service (`AI_AGENTS_URL`), and a reference server for it."""
