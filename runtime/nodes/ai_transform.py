"""AI Transform: JavaScript that n8n's assistant wrote, once for all items."""

from typing import ClassVar, Literal

from runtime.contract import ActivityContext, Items, NodeError, Outputs, param
from runtime.nodes.code import Code


class AiTransform(Code):
    """Runs the code that was generated; nothing is generated here."""

    type = "n8n-nodes-base.aiTransform"
    versions: ClassVar[tuple[float, ...]] = (1,)

    mode: Literal["runOnceForAllItems"] = param("runOnceForAllItems")
    language: Literal["javaScript"] = param("javaScript")
    js_code: str = param("", code="javascript")
    python_code: str = param("", show={"language": ["none"]})
    instructions: str = param("")
    code_generated_for_prompt: str = param("")
    hint: str = param("")

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return what the code returns. Raise NodeError when none was generated."""
        if not self.js_code:
            advice = "Enter your prompt in the 'Instructions' parameter and click 'Generate code'"
            raise NodeError("Missing instructions to generate code", description=advice)
        return await super().run(context, items)
