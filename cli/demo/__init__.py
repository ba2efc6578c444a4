"""What `tempor8 demo` plays: two exports, their input, and the scenario in which their worker dies twice."""
