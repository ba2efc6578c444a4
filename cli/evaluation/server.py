"""Answer tasks of the agents contract with a model, for `tempor8 agents serve`."""

from api.agents_service.app import Run
from api.agents_service.models import RunAnswer, RunRequest, Usage
from api.problems import Unavailable
from cli.evaluation.model import Model
from cli.evaluation.runner import ask

__all__ = ["answer_with"]


def answer_with(model: Model) -> Run:
    """Return what answers a task by asking the model."""

    async def run(slug: str, request: RunRequest) -> RunAnswer:
        answer = await ask(slug, request.prompt, request.input, model, id_=request.request_id)
        if answer.error:
            raise Unavailable("model", f"{model.text} gave no answer: {answer.error}")
        usage = Usage(
            model=answer.model,
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            duration_ms=answer.duration_ms,
            cost_usd=answer.cost_usd,
        )
        return RunAnswer(output=answer.output, usage=usage)

    return run
