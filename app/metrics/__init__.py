"""Figures of this process for Prometheus. What each means is in docs/operations.md."""
