"""The in-process host: `tempor8 test`, conformance cases, transient templates."""
