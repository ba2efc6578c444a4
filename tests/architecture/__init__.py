"""What the layout promises: every node in the catalogue with its case, every code with its page, every file where it belongs."""
