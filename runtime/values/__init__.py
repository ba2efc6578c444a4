"""Values as n8n and JavaScript see them: conversions, comparisons, paths."""
