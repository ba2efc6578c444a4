"""Pipedrive: deals, leads, persons, organizations, activities and notes."""
