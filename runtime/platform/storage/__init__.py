"""Where payloads and files live: Postgres, an S3-compatible bucket, or the tenant's folder."""
