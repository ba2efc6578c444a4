"""Trello: boards, lists and cards."""
