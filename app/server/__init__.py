"""The process: wiring, shutdown, maintenance, HTTP protocol."""
