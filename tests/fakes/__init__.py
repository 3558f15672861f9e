"""Test doubles of external systems, on real sockets."""
