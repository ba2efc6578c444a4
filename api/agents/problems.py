"""Problems of agents."""

from api.problems import Problem

__all__ = ["UnknownAgent"]


class UnknownAgent(Problem):
    """There is no specialist agent of that slug. `similar` lists those with the nearest names; `GET /agents` lists all."""

    slug, status, title = "unknown-agent", 404, "No such agent"
