"""What an agents service is asked, and what it answers."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["RunAnswer", "RunRequest", "Usage"]


class RunRequest(BaseModel):
    """A task for an agent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "request_id": "acme:ai_lead_qualification:0197/Qualify lead/0/0",
                    "agent": "lead_qualification_specialist",
                    "prompt": "Qualify this lead.",
                    "input": {"email": "ada@example.com", "message": "We need this by May."},
                    "output_schema": None,
                }
            ]
        }
    )

    request_id: str = Field(max_length=1000, description="Which item of which run this is; the same on every attempt")
    agent: str = Field(max_length=64, description="The slug in the path")
    prompt: str = Field(description="The task in words, as the node has it")
    input: dict[str, Any] = Field(description="The item's json")
    output_schema: dict[str, Any] | None = Field(
        default=None, description="JSON Schema that `output` should fit; null: the service chooses"
    )


class Usage(BaseModel):
    """What the answer took. It goes into the run's usage and into `/metrics`."""

    model: str = Field(description="Name of the model")
    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    duration_ms: int = Field(ge=0)
    cost_usd: float | None = Field(
        default=None,
        ge=0,
        description="null: the model's list price counts, where it is known",
    )


class RunAnswer(BaseModel):
    """The agent's answer."""

    output: Any = Field(description="Any JSON; of `output_schema` when the request has one")
    usage: Usage | None = None
