"""Mattermost: messages, channels, reactions and users."""
