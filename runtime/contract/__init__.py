"""What a node is and what it may ask for: bases, contexts, commands, errors, capabilities."""
