"""Plan to run: engine, interpreter, hosts, nodes."""
