"""Item List Output Parser: a list, one item per separator."""

from typing import Any

from runtime.agents.parsers.output_parser import UNFIT, UNFIT_HINT, OutputParser
from runtime.contract import Dynamic, NodeError, param

DEFAULT_NUMBER = 3
"""n8n's, where the author does not say: fewer are an error, more are cut. -1 is any number."""


class OutputParserItemList(OutputParser):
    """Reads text; nothing is validated but the number of items."""

    type = "@n8n/n8n-nodes-langchain.outputParserItemList"
    versions = (1,)

    options: Dynamic[dict[str, Any]] = param({})

    def output_schema(self, version: float) -> None:
        """Return None: the answer is text."""
        del version

    @property
    def _number(self) -> int:
        return int((self.options or {}).get("numberOfItems", DEFAULT_NUMBER))

    @property
    def _separator(self) -> str:
        return str((self.options or {}).get("separator", "\\n")).replace("\\n", "\n")

    def instructions(self, version: float) -> str:
        """Return a prompt with the number of items and their separator."""
        del version
        number = self._number if self._number > 0 else 3
        example = self._separator.join(f"item{n + 1}" for n in range(number))
        count = f"{self._number} items" if self._number > 0 else "items"
        between = f'with "{self._separator}" between them'
        return f'Answer with a list of {count} {between} and no other text (for example: "{example}")'

    def split(self, text: str) -> list[str]:
        """Return the trimmed items without empty ones. Items beyond the number are cut; raise NodeError for too few."""
        items = [each.strip() for each in text.split(self._separator) if each.strip()]
        if self._number > 0 and len(items) < self._number:
            raise NodeError(UNFIT, description=UNFIT_HINT)
        return items[: self._number] if self._number > 0 else items
