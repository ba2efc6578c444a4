"""Twilio: text messages and calls."""
