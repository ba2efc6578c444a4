"""What carries an execution: Temporal in production, this process in tests and for transient templates."""
