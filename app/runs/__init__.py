"""The life of a run: start, stop, attach, produce, record, reap. No web, no SQL, no graph."""
