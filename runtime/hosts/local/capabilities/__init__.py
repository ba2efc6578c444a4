"""The capabilities of offline runs: one fake per capability, with `provide(resources, task)`."""
