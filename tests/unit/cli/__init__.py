"""The command line: exit codes, formats, configuration."""
