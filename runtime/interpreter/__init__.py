"""One execution of a plan: the engine's decisions, carried out through a host."""
