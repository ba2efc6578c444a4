"""The benchmarks behind every number that the docs state: `make bench`. Ratios are measured side by side in one run."""
