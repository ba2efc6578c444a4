"""Reddit: posts and comments."""
