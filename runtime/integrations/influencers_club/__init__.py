"""Influencers Club."""
