"""PhantomBuster: agents and their results."""
