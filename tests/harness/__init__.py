"""Ways to run the real application under test: on this loop, or as a process of its own."""
