"""Answers of services that are none: they fail, so that no empty text stands for what a model never said."""

from runtime.contract import NodeApiError

__all__ = ["broken", "no_answer"]

NO_ANSWER = "The model's service gave no answer"


def no_answer(reason: str | None = None) -> NodeApiError:
    """Return the error for an answer without any; `reason` is the service's word for why."""
    return NodeApiError(NO_ANSWER, description=f"Its reason: {reason}" if reason else None)


def broken(reason: str) -> NodeApiError:
    """Return the error for an answer that the service itself says it could not finish. A later attempt may succeed."""
    return NodeApiError(f"The model's service could not finish its answer ({reason})", data={"retryable": True})
