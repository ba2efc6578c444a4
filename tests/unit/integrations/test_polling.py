"""A job is asked for until it is done, and no longer than it may take."""

from runtime.integrations.polling import poll
from tests.patience import PATIENCE


async def test_the_first_answer_that_is_done_ends_the_questions() -> None:
    answers = iter(["queued", "running", "done", "done"])

    async def ask() -> str:
        return next(answers)

    assert await poll(ask, lambda answer: answer == "done", every=0.001, timeout=PATIENCE) == "done"
    assert next(answers) == "done", "no question after the last"


async def test_a_job_that_is_never_done_gives_nothing() -> None:
    asked = 0

    async def ask() -> str:
        nonlocal asked
        asked += 1
        return "running"

    limit = 0.005
    assert await poll(ask, lambda answer: answer == "done", every=0.001, timeout=limit) is None
    assert asked == 5
