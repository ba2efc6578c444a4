"""An upload becomes a plan, or the problem that says why it does not."""

from typing import Final

from api.dependencies import Dependencies
from api.problems import CodeSwitchedOff, DoesNotCompile, internal
from schemas.plan import Plan
from schemas.plan_facts import has_program
from service.compiling import CompileLimit, CompilerCrash, Upload

__all__ = ["compile_upload", "refuse_programs"]

CRASHED: Final = "The compiler crashed; nothing was published. The log of the service has the cause under the incident."


async def compile_upload(
    tenant: str, body: bytes, key: str, dependencies: Dependencies, *, allow_unsupported: bool
) -> tuple[Upload, Plan]:
    """Return an export compiled, and its plan.

    Raises:
        DoesNotCompile: with every diagnostic, or with none where it takes too long or too much memory.
        Internal: the compiler crashed.
    """
    try:
        compilation = await dependencies.compiler.compile(
            tenant, body, file=f"{key}.json", allow_unsupported=allow_unsupported
        )
    except CompileLimit as limit:
        raise DoesNotCompile(f"{limit}; nothing was published. Split the export.", diagnostics=[]) from limit
    except CompilerCrash as crash:
        raise internal(crash, CRASHED) from crash
    if compilation.plan is None or not (compilation.runnable or allow_unsupported):
        diagnostics = list(compilation.diagnostics)
        errors = [each for each in diagnostics if each["severity"] == "error"]
        raise DoesNotCompile(f"The export has {len(errors)} error(s); nothing was published.", diagnostics=diagnostics)
    return compilation, compilation.plan


def refuse_programs(plan: Plan, tenant: str, dependencies: Dependencies) -> None:
    """Raise CodeSwitchedOff when the plan has programs of an author and the tenant may run none."""
    if dependencies.settings.may_run_code(tenant):
        return
    if nodes := [step.name for step in plan.steps if not step.disabled and has_program(step, dependencies.catalog)]:
        raise CodeSwitchedOff("The operator has switched Code nodes off for this tenant.", nodes=nodes)
