"""The specialist agents that nodes can name: list and show."""
