"""What a worker hands into workflow code from outside the sandbox: the script evaluator, as one of the SDK's extern functions."""

from temporalio.worker import Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput

from runtime.expressions import ScriptEvaluator
from runtime.hosts.temporal.host import EVALUATOR

__all__ = ["ScriptInterceptor"]


class ScriptInterceptor(Interceptor):
    """Gives workflow code its script evaluator. Every worker and every replayer of `TemplateWorkflow` needs one."""

    def __init__(self, evaluator: ScriptEvaluator) -> None:
        self._evaluator = evaluator

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor] | None:
        """Put the evaluator among the extern functions; no call is intercepted."""
        input.unsafe_extern_functions[EVALUATOR] = self._evaluator
        return None
