"""The compiler, pass by pass."""
