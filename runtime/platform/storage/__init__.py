"""Storage of payloads and files: Postgres, an S3-compatible bucket, or the tenant's folder."""
