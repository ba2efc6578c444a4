"""The graph of an export: edges, cycles, ancestors, reachability."""
