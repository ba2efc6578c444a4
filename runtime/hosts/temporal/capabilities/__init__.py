"""The capabilities of a worker's tasks: one file per capability, with `provide(resources, task)`."""
