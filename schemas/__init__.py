"""Types shared by compiler, runtime, service and API: export, plan, expression, item, node, diagnostic. No I/O."""
