"""`python -m tests.golden`: write the plans and findings of `n8n_exports/` and of the diagnostics' examples again."""

from tests.golden import test_diagnostics, test_exports

test_exports.update()
test_diagnostics.update()
