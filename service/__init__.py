"""The domain that the API, the command line and the console share: templates, runs, schedules, tenants."""
