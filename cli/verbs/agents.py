"""`tempor8 agents`: the specialist agents of this build."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.support.options import verb

if TYPE_CHECKING:
    from cli.evaluation.model import Model
    from schemas.specialist import Specialist

app = verb()

MODEL_HELP: Final = "vendor:name (openai:gpt-5-mini), with the vendor's key in its environment variable; or scripted."

Slug = Annotated[str, typer.Argument(help="Slug of the specialist.")]
ModelOption = Annotated[str, typer.Option("--model", "-m", envvar="TEMPOR8_AGENT_MODEL", help=MODEL_HELP)]


class Style(StrEnum):
    """How to write the answer."""

    TEXT = "text"
    JSON = "json"


StyleOption = Annotated[Style, typer.Option("--format", "-f", help="How to write it.")]


@app.callback()
def agents() -> None:
    """List, show, evaluate and serve the specialist agents, and begin a new one.

    Exit code 0: done. 1: there is no such specialist, or a case failed. 2: usage, files, or the model cannot be asked.
    """


@app.command("list")
def list_(
    category: Annotated[str | None, typer.Option(help="Only of this category.")] = None,
    format_: StyleOption = Style.TEXT,
) -> None:
    """List the specialists by category."""
    from runtime.agents.specialists import catalog
    from schemas.specialist import CATEGORIES

    if category is not None and category not in CATEGORIES:
        raise typer.BadParameter(f"{category!r} is none of {', '.join(CATEGORIES)}")
    chosen = [each for each in catalog().values() if category in (None, each.category)]
    if format_ is Style.JSON:
        data = [
            {"slug": each.slug, "version": each.version, "category": each.category, "role": each.role}
            for each in chosen
        ]
        typer.echo(json.dumps(data, indent=1, ensure_ascii=False))
        return
    for each in sorted(chosen, key=lambda one: (CATEGORIES.index(one.category), one.slug)):
        typer.echo(f"{each.category:<11}  {each.slug:<34}  {each.role.partition('. ')[2] or each.role}")


@app.command()
def show(
    slug: Slug,
    format_: StyleOption = Style.TEXT,
    item: Annotated[str, typer.Option(help="JSON of an item, for prompts that quote one.")] = "{}",
) -> None:
    """Show a specialist: the system prompt that a model gets, and the schema of its answer; as JSON all that is declared."""
    from runtime.agents.specialists.prompt import system_prompt

    specialist = _find(slug)
    if format_ is Style.JSON:
        data = specialist.model_dump(mode="json")
        typer.echo(json.dumps(data | {"output_schema": specialist.output_schema}, indent=1, ensure_ascii=False))
        return
    try:
        value = json.loads(item)
    except ValueError as error:
        raise typer.BadParameter(f"--item is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise typer.BadParameter("--item has to be a JSON object")
    tools = "all connected" if specialist.tools is None else ", ".join(specialist.tools) or "none"
    limits = f"{specialist.limits.iterations} requests and {specialist.limits.tokens} tokens per item"
    typer.echo(
        f"{specialist.slug} {specialist.version}  {specialist.category}  {specialist.model}  tools: {tools}  {limits}\n"
    )
    typer.echo(system_prompt(specialist, "", value))
    typer.echo(f"\nAnswer: {json.dumps(specialist.output_schema, indent=1, ensure_ascii=False)}")


@app.command("eval")
def evaluate(
    slugs: Annotated[list[str] | None, typer.Argument(help="Specialists; all without.", show_default=False)] = None,
    model: ModelOption = "scripted",
    format_: StyleOption = Style.TEXT,
    out: Annotated[Path | None, typer.Option("--out", help="Write the report into this file as JSON too.")] = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Questions that are open at once.")] = 4,
) -> None:
    """Run the evaluation cases of specialists with a model, and report per specialist what passed and what it cost.

    `scripted` is no model: answers are made from the checks. It tests the cases, never the prompts, and says so.
    """
    import asyncio

    from cli.evaluation.case import cases_of
    from cli.evaluation.report import as_json, as_text
    from cli.evaluation.report import evaluate as run
    from cli.support.progress import progress_bar
    from runtime.agents.specialists import catalog

    asked = _model(model)
    chosen = [_find(slug) for slug in slugs] if slugs else list(catalog().values())
    pairs = [(each, case) for each in chosen for case in cases_of(each.slug)]
    if not pairs:
        typer.echo("there are no cases", err=True)
        raise typer.Exit(2)

    with progress_bar(len(pairs), "cases", shown=format_ is Style.TEXT) as advance:
        results = asyncio.run(run(pairs, asked, parallel=parallel, progress=lambda _: advance()))
    document = json.dumps(as_json(results, asked), indent=1, ensure_ascii=False)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(document + "\n", encoding="utf-8")
    typer.echo(document if format_ is Style.JSON else as_text(results, asked))
    if any(each.failures for each in results):
        raise typer.Exit(1)


@app.command()
def new(
    slug: Slug,
    category: Annotated[str, typer.Option(help="Its category.")],
    folder: Annotated[Path, typer.Option(help="A checkout of the repository.")] = Path(),
) -> None:
    """Write the two files that a new specialist begins with. Each TO WRITE in them has to be replaced."""
    from cli.evaluation.scaffold import CASES, SPECIALIST
    from runtime.agents.slugs import slugs
    from schemas.specialist import CATEGORIES

    if category not in CATEGORIES:
        raise typer.BadParameter(f"{category!r} is none of {', '.join(CATEGORIES)}", param_hint="--category")
    if not slug.replace("_", "a").isalnum() or not slug.islower() or not slug[0].isalpha() or not slug.isascii():
        raise typer.BadParameter(
            "a slug has small letters, digits and underscores, and begins with a letter", param_hint="SLUG"
        )
    specialists, cases = folder / "runtime/agents/specialists", folder / "cli/evaluation/cases"
    if not (specialists.is_dir() and cases.is_dir()):
        typer.echo(f"{folder} is no checkout of the repository: name one with --folder", err=True)
        raise typer.Exit(2)
    file, case_file = specialists / f"{slug}.yaml", cases / f"{slug}.yaml"
    if slug in slugs() or file.exists() or case_file.exists():
        typer.echo(f"there is a specialist {slug} already", err=True)
        raise typer.Exit(1)
    file.write_text(SPECIALIST.format(slug=slug, category=category, name=slug.replace("_", " ")), encoding="utf-8")
    case_file.write_text(CASES, encoding="utf-8")
    typer.echo(f"{file}\n{case_file}")


@app.command()
def serve(
    model: ModelOption,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at.")] = 8000,
    token: Annotated[
        str | None, typer.Option(envvar="AI_AGENTS_TOKEN", help="What callers must send; needed beyond this machine.")
    ] = None,
) -> None:
    """Serve the specialists as an agents service for `AI_AGENTS_URL`, until Ctrl-C: the reference server of the contract."""
    from api.agents_service.app import AgentsService, create_agents_service
    from cli.evaluation.server import answer_with
    from cli.support.http_server import http_server
    from runtime.catalog import CATALOG
    from runtime.platform.settings import Settings

    asked = _model(model)
    if asked.scripted:
        typer.echo("the scripted model answers evaluation cases only; name a model", err=True)
        raise typer.Exit(2)
    if token is None and host not in ("127.0.0.1", "::1", "localhost"):
        typer.echo("set AI_AGENTS_TOKEN: whoever reaches this address spends your key", err=True)
        raise typer.Exit(2)
    application = create_agents_service(AgentsService(CATALOG, answer_with(asked)), token)
    server = http_server(application, Settings.load({}))
    server.config.host, server.config.port = host, port
    typer.echo(f"agents service at http://{host}:{port} with {asked.text}", err=True)
    server.run()


def _find(slug: str) -> "Specialist":
    from runtime.agents.specialists import find
    from runtime.contract import NodeError

    try:
        return find(slug)
    except NodeError as error:
        typer.echo(f"{error.message}. {error.description}", err=True)
        raise typer.Exit(1) from None


def _model(text: str) -> "Model":
    import os

    from cli.evaluation.model import UnknownModel, parse_model

    try:
        return parse_model(text, os.environ)
    except UnknownModel as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
