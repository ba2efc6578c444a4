"""The typed client of the API, which the command line uses. `models` and `api` are generated from its description."""
