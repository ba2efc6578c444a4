"""AI nodes (roots and sub-nodes), one file each. `AGENT_FILES` is the list: node type -> file in this folder."""

from typing import Final

AGENT_FILES: Final[dict[str, str]] = {}
