"""The life of a run: start, stop, attach, produce, record, reap. No web, SQL or graph."""
