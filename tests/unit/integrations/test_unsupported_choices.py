"""What a descriptor cannot honour is told when the workflow is compiled: a parameter, and one choice of several."""

from typing import Any

import pytest

from compiler import compile_export
from runtime.catalog import CATALOG
from schemas.diagnostic.nodes import UnsupportedChoice
from tests.exports import export, node, set_

EXPLORIUM = "@exploriumai/n8n-nodes-explorium-ai.exploriumApiNode"


def told(**parameters: Any) -> list[str]:
    ask = node("Ask", "", 1, **parameters) | {"type": EXPLORIUM}
    compilation = compile_export(export("W", set_("Start", a="b"), ask), file="w.json", catalog=CATALOG)
    return [each.message for each in compilation.diagnostics if isinstance(each, UnsupportedChoice)]


@pytest.mark.parametrize("choice", ["website_traffic", "business_intent_topics"])
def test_an_enrichment_that_is_not_built_is_told_among_others(choice: str) -> None:
    assert [choice in each for each in told(operation="enrich", enrichment=["firmographics", choice])] == [True]


def test_enrichments_that_are_built_are_not_told() -> None:
    assert told(operation="enrich", enrichment=["firmographics", "website_keywords"]) == []
    assert told(operation="enrich") == []


def test_a_choice_of_another_operation_is_not_told() -> None:
    assert told(operation="match", enrichment=["website_traffic"]) == []


def test_a_filter_that_is_not_built_is_told() -> None:
    topics = {"business_intent_topics": [{"topic": "crm: crm management"}]}
    assert ["business_intent_topics" in each for each in told(operation="fetch", business_intent_topics=topics)] == [
        True
    ]
    assert told(operation="fetch", business_intent_topics_topic_intent_level="high_intent") == []
