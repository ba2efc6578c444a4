"""NocoDB: rows of tables."""
