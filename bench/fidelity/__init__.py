"""Compares the text that ingestion stores with that of independent readers."""
