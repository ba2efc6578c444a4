"""The shapes of specialist agents."""

from typing import Any

from pydantic import BaseModel, Field

from schemas.specialist import Category, ModelClass, Specialist

__all__ = ["AgentAnswer", "AgentList", "AgentSummary", "agent_answer", "summary_of"]


class AgentSummary(BaseModel):
    """A specialist agent, as lists show it."""

    slug: str = Field(description="As notes name it: `agent: <slug>`")
    version: int = Field(description="Rises with each change that can change an answer")
    category: Category
    role: str
    model: ModelClass = Field(description="Class of model that it needs")


class AgentList(BaseModel):
    """All specialist agents, by slug."""

    items: list[AgentSummary]


class AgentLimits(BaseModel):
    """What one item may use."""

    iterations: int = Field(description="Model requests")
    tokens: int = Field(description="Of all requests together")


class AgentAnswer(AgentSummary):
    """A specialist agent with what it takes, does and answers."""

    input_schema: dict[str, Any] = Field(description="JSON Schema of the data that it works from")
    output_schema: dict[str, Any] = Field(description="JSON Schema of its answer")
    rules: list[str] = Field(description="Hard rules and disqualifiers of its trade")
    prompt: str = Field(description="How the work is done; jinja2 over `item` and `prompt`")
    evidence: str = Field(description="What counts as evidence")
    absent: str = Field(description="What it does when data is missing")
    tools: list[str] | None = Field(description="Connected tools that it may call, by name; null: all of them")
    limits: AgentLimits
    example: dict[str, Any] = Field(description="`input` and the `output` that it should give")


def summary_of(specialist: Specialist) -> AgentSummary:
    """Return a specialist as lists show it."""
    return AgentSummary(**_summary(specialist))


def agent_answer(specialist: Specialist) -> AgentAnswer:
    """Return a whole specialist."""
    return AgentAnswer(
        **_summary(specialist),
        input_schema=specialist.input_schema,
        output_schema=specialist.output_schema,
        rules=[each.strip() for each in specialist.rules],
        prompt=specialist.prompt.strip(),
        evidence=specialist.evidence.strip(),
        absent=specialist.absent.strip(),
        tools=list(specialist.tools) if specialist.tools is not None else None,
        limits=AgentLimits(**specialist.limits.model_dump()),
        example={"input": specialist.example.input, "output": specialist.example.answer},
    )


def _summary(specialist: Specialist) -> dict[str, Any]:
    return {
        "slug": specialist.slug,
        "version": specialist.version,
        "category": specialist.category,
        "role": specialist.role.strip(),
        "model": specialist.model,
    }
