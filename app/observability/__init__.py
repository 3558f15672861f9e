"""Metrics, tracing and logging. What each metric means is in docs/operations.md."""
