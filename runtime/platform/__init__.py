"""Infrastructure: settings, logs, Postgres, secrets, storage, egress, metrics, Temporal, embedded servers."""
