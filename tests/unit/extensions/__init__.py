"""Tests of n8n's extension functions."""
