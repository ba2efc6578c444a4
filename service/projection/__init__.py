"""The projector: follows Temporal's visibility and writes what it sees into the tables of runs."""
