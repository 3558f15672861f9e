"""Embedders by provider, and the threads that run local inference."""
