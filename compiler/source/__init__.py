"""The text of an export: lines and columns, wrapper shapes, canonical form, suppressions."""
