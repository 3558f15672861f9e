"""Runs the real application under test: on this loop, or as a separate process."""
