"""Where expressions and programs stand in an export."""
