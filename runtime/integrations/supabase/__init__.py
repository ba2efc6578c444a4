"""Supabase, by PostgREST."""
