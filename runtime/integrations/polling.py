"""Jobs that a vendor works on for a while: asked for until they are done."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["poll"]


async def poll(
    ask: Callable[[], Awaitable[Any]],
    is_done: Callable[[Any], bool],
    *,
    every: float,
    timeout: float,  # seconds between the first and the last question, not of one
) -> Any:
    """Return the first answer that is done; None when there is none in time.

    Args:
        ask: asks the vendor for the job.
        is_done: whether an answer is the last.
        every: seconds between two questions.
        timeout: seconds after which no further question is asked.
    """
    for _ in range(max(1, int(timeout / every))):
        answer = await ask()
        if is_done(answer):
            return answer
        await asyncio.sleep(every)
    return None
