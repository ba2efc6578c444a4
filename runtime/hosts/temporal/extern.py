"""What a worker hands into workflow code from outside the sandbox, as the SDK's extern functions: the script evaluator, the clock
by which its limits are measured, the plans that its data converter has loaded, and who wants to know of ends of runs.
"""

import time
from collections.abc import Callable

from temporalio.worker import Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput

from runtime.expressions import ScriptEvaluator
from runtime.hosts.temporal.host import EVALUATOR
from runtime.hosts.temporal.plans import PLANS
from runtime.hosts.temporal.run_end import ENDED
from runtime.hosts.temporal.script_limits import MONOTONIC
from runtime.platform.plan_cache import PlanCache
from schemas.run_end import RunEnd

__all__ = ["ScriptInterceptor"]


class ScriptInterceptor(Interceptor):
    """Gives workflow code its script evaluator and its plans. Every worker and every replayer of `TemplateWorkflow` needs one.

    Args:
        evaluator_of: gives the evaluator of a tenant's scripts.
        plans: the cache that the client's data converter fills; None: every plan is part of its run's input.
        ended: called with the end of each run that succeeds, from the workflow's thread; None: nobody is told.
    """

    def __init__(
        self,
        evaluator_of: Callable[[str], ScriptEvaluator],
        plans: PlanCache | None = None,
        ended: Callable[[RunEnd], None] | None = None,
    ) -> None:
        self._evaluator_of, self._plans, self._ended = evaluator_of, plans, ended

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor] | None:
        """Put them among the extern functions; no call is intercepted."""
        input.unsafe_extern_functions[EVALUATOR] = self._evaluator_of
        input.unsafe_extern_functions[MONOTONIC] = time.monotonic
        if self._plans is not None:
            input.unsafe_extern_functions[PLANS] = self._plans.get
        if self._ended is not None:
            input.unsafe_extern_functions[ENDED] = self._ended
        return None
