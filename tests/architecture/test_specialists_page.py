"""`docs/specialists.md` is made from the files of the specialists. `python -m tests.architecture.test_specialists_page` writes it."""

from collections.abc import Iterator
from pathlib import Path

from cli.evaluation.case import cases_of
from runtime.agents.specialists import catalog
from schemas.specialist import CATEGORIES, SHARED_OUTPUT, Specialist

PAGE = Path(__file__).parents[2] / "docs" / "specialists.md"

HEAD = """# Specialists

What each specialist decides, needs, answers and never does. A node whose notes contain `agent: <slug>` acts as one; put what it needs
into the node's prompt ([agents](agents.md#specialists)). All answers also have `missing`, `confidence` and `instruction_in_data`.
`tempor8 agents show <slug>` prints the whole prompt and schema. This page is made from the files; `make generate` writes it.
"""


def page() -> str:
    """The page of today."""
    everyone = catalog().values()
    parts = [HEAD.strip(), "| category | specialists |\n|---|---|"]
    for category in CATEGORIES:
        links = ", ".join(f"[{each.slug}](#{each.slug})" for each in everyone if each.category == category)
        parts[-1] += f"\n| {category} | {links} |"
    for category in CATEGORIES:
        parts.append(f"## {category[0].upper()}{category[1:]}")
        parts += ["\n".join(section(each)) for each in everyone if each.category == category]
    return "\n\n".join(parts) + "\n"


def section(specialist: Specialist) -> Iterator[str]:
    """One specialist."""
    yield f"### {specialist.slug}\n"
    yield f"{one_line(specialist.role)}\n"
    yield "| | |\n|---|---|"
    yield f"| needs | {', '.join(f'`{name}` ({cell(specialist.inputs[name])})' for name in specialist.required)} |"
    optional = [f"`{name}`" for name in specialist.inputs if name not in specialist.required]
    if optional:
        yield f"| uses | {', '.join(optional)} |"
    answers = [f"`{name}`" for name in specialist.output_schema["properties"] if name not in SHARED_OUTPUT]
    yield f"| answers | {', '.join(answers)} |"
    yield f"| evidence | {cell(specialist.evidence)} |"
    yield f"| without data | {cell(specialist.absent)} |"
    yield f"| rules | {' '.join(cell(each) for each in specialist.rules)} |"
    tools = (
        "all that are connected" if specialist.tools is None else ", ".join(f"`{each}`" for each in specialist.tools)
    )
    limits = f"{specialist.limits.iterations} requests, {specialist.limits.tokens:,} tokens per item"
    yield f"| model | {specialist.model}; tools: {tools or 'none'}; {limits}; version {specialist.version} |"
    yield f"| cases | {'; '.join(cell(each.name) for each in cases_of(specialist.slug))} |"


def one_line(text: str) -> str:
    return " ".join(text.split())


def cell(text: str) -> str:
    """Text for a table."""
    return one_line(text).replace("|", "\\|").replace("<", "&lt;")


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
