"""Chat models: the sub-nodes that requests to a model provider go through."""
