"""Tools of an agent: their descriptions for the model, and how calls run."""
