"""`python -m tests.golden`: write the plans and findings of `n8n_exports/` anew."""

from tests.golden.test_exports import update

update()
