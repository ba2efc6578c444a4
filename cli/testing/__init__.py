"""Recorded cases: run a workflow offline and compare what happened with what is expected."""
