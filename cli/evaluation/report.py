"""Evaluate specialists with a model, and report per specialist what passed, what it used and what it cost."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cli.evaluation.case import EvaluationCase
from cli.evaluation.model import Model
from cli.evaluation.runner import Answer, ask
from cli.evaluation.scripted import ScriptedTransport
from schemas.specialist import Specialist

__all__ = ["CaseResult", "as_json", "as_text", "evaluate"]

NOTICE = "scripted: no model was asked; answers are made from the checks, so this tests the cases and not the prompts"


@dataclass(frozen=True)
class CaseResult:
    """How one case went; passed when there are no failures."""

    agent: str
    version: int
    case: EvaluationCase
    answer: Answer
    failures: Sequence[str]


async def evaluate(
    pairs: Iterable[tuple[Specialist, EvaluationCase]],
    model: Model,
    *,
    parallel: int = 4,
    progress: Callable[[CaseResult], None] = lambda _: None,
) -> list[CaseResult]:
    """Return the results of cases, in their order. `parallel`: questions that are open at once."""
    slots = asyncio.Semaphore(parallel)

    async def one(specialist: Specialist, case: EvaluationCase) -> CaseResult:
        transport = ScriptedTransport(specialist.output_schema, case) if model.scripted else None
        async with slots:
            answer = await ask(specialist.slug, case.prompt, case.input, model, transport=transport, id_=case.name)
        failures = [answer.error] if answer.error else case.failures(answer.output)
        result = CaseResult(specialist.slug, specialist.version, case, answer, failures)
        progress(result)
        return result

    return list(await asyncio.gather(*(one(*pair) for pair in pairs)))


def _figures(results: Sequence[CaseResult]) -> dict[str, Any]:
    """Return sums; the cost of cases without a known price is not in `cost_usd`, and their number is `unpriced`."""
    prices = [each.answer.cost_usd for each in results]
    known = [each for each in prices if each is not None]
    return {
        "cases": len(results),
        "passed": sum(not each.failures for each in results),
        "requests": sum(each.answer.requests for each in results),
        "input_tokens": sum(each.answer.input_tokens for each in results),
        "output_tokens": sum(each.answer.output_tokens for each in results),
        "cost_usd": round(sum(known), 6) if known else None,
        "unpriced": len(prices) - len(known),
        "duration_ms": sum(each.answer.duration_ms for each in results),
    }


def as_json(results: Sequence[CaseResult], model: Model) -> dict[str, Any]:
    """Return the report as a JSON document."""
    return {
        "model": model.text,
        "scripted": model.scripted,
        **_figures(results),
        "agents": [
            {
                "agent": slug,
                "version": of[0].version,
                **_figures(of),
                "failed": [
                    {
                        "case": each.case.name,
                        "kind": each.case.kind,
                        "failures": list(each.failures),
                        **asdict(each.answer),
                    }
                    for each in of
                    if each.failures
                ],
            }
            for slug, of in _by_agent(results)
        ],
    }


def as_text(results: Sequence[CaseResult], model: Model) -> str:
    """Return the report as a table, with the failures below."""
    head = f"{'agent':<36} {'passed':>7} {'requests':>8} {'tokens':>9} {'cost USD':>10} {'seconds':>8}"
    rows = [_row(slug, _figures(of)) for slug, of in _by_agent(results)]
    lines = [
        f"model: {model.text}",
        *([NOTICE] if model.scripted else []),
        "",
        head,
        *rows,
        _row("all", _figures(results)),
    ]
    for each in results:
        if each.failures:
            lines += [
                "",
                f"FAIL {each.agent}: {each.case.name} ({each.case.kind})",
                *(f"  {line}" for line in each.failures),
            ]
    return "\n".join(lines)


def _row(name: str, figures: dict[str, Any]) -> str:
    cost = "unknown" if figures["cost_usd"] is None else f"{figures['cost_usd']:.4f}"
    tokens = figures["input_tokens"] + figures["output_tokens"]
    return (
        f"{name:<36} {figures['passed']:>3}/{figures['cases']:<3} {figures['requests']:>8} {tokens:>9} "
        f"{cost + ('+' if figures['cost_usd'] is not None and figures['unpriced'] else ''):>10} "
        f"{figures['duration_ms'] / 1000:>8.1f}"
    )


def _by_agent(results: Sequence[CaseResult]) -> list[tuple[str, list[CaseResult]]]:
    slugs = dict.fromkeys(each.agent for each in results)
    return [(slug, [each for each in results if each.agent == slug]) for slug in slugs]
