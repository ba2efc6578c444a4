"""No Operation: passes its items through."""

from runtime.contract import Context, Inline, Items, Outputs


class NoOp(Inline):
    """Passes its items through unchanged."""

    type = "n8n-nodes-base.noOp"
    versions = (1,)
    exact_values = True
    one_item_each = True

    def run(self, context: Context, items: Items) -> Outputs:
        """Return the input."""
        del context
        return [items]
