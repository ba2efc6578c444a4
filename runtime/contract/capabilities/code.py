"""Capability: sandboxes for the code of an author."""

from typing import Any, Final, Protocol

from runtime.contract.capabilities.blobs import Blobs
from runtime.contract.capabilities.http import Http
from schemas.item import Items

__all__ = ["LIBRARY", "Code", "Helpers"]


class Helpers(Protocol):
    """What `this.helpers` of JavaScript reaches."""

    @property
    def blobs(self) -> Blobs:
        """For `prepareBinaryData` and `getBinaryDataBuffer`."""

    @property
    def http(self) -> Http:
        """For `httpRequest`."""


LIBRARY: Final = "library"
"""The mode of programs that are ours and read what an author's file holds: they run where authors may run none."""


class Code(Protocol):
    """Code of an author in a child process with limits of time and memory. Nodes call it through
    `ActivityContext.run_javascript` and `run_python`, which keep what the code changed.
    """

    async def run(
        self,
        language: str,
        code: str,
        mode: str,
        *,
        items: Items | None = None,
        continue_on_fail: bool = False,
        helpers: Helpers | None = None,
    ) -> dict[str, Any]:
        """Run `code` and return {'value', 'static_data', 'custom_data', 'logs'}.

        Args:
            language: 'javascript' or 'python'.
            code: the body of a function.
            mode: 'all', 'each', 'function', 'functionItem', 'sort' or LIBRARY; Python knows the first two.
            items: the input; None: all that the step's snapshot has.
            continue_on_fail: an error of one item does not end the run of the others.
            helpers: what JavaScript reaches through `this.helpers`; None: nothing. Python has none.

        Raises:
            NodeError: a limit is reached, or the child process died.
        """
