"""What crosses a border: export, plan, expression, item, node contract, diagnostic. No I/O, only pydantic."""
