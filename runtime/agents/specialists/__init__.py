"""The specialist agents, chosen by a node whose notes say `agent: <slug>`: one YAML file each. Inside activities only.

`files.py` reads them, `prompt.py` composes what they say to a model, `service.py` sends their work to the operator's service.
"""

from runtime.agents.specialists.files import catalog, find
from runtime.agents.specialists.service import brief, enlist

__all__ = ["brief", "catalog", "enlist", "find"]
