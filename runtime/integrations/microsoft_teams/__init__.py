"""Microsoft Teams: channels and messages."""
