"""Embedders by provider, and the threads that local inference runs in."""
