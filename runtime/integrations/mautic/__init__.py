"""Mautic."""
