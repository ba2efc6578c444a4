"""What `tempor8 dev` says about an export that changed."""

import json

from cli.verbs.dev import describe_findings
from compiler import compile_export
from runtime.catalog import CATALOG
from tests.exports import export, node


def test_a_finding_has_its_node_and_the_page_about_its_code() -> None:
    document = export("Broken", node("Start", "manualTrigger"), {**node("Odd", "thing"), "type": "community.thing"})
    text = describe_findings(compile_export(json.dumps(document).encode(), file="broken.json", catalog=CATALOG))
    assert "in 'Odd'" in text
    (page,) = {line.removeprefix("     = ") for line in text.splitlines() if "/docs/diagnostics/" in line}
    code = page.rpartition("/")[2].removesuffix(".md")
    assert page.startswith("https://")
    assert f"[{code}]" in text


def test_what_is_fine_says_nothing() -> None:
    document = export("Fine", node("Start", "manualTrigger"), node("End", "noOp"))
    assert describe_findings(compile_export(json.dumps(document).encode(), file="fine.json", catalog=CATALOG)) == ""
