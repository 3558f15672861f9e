"""Citestream: cited, streaming answers from an organisation's own documents and recordings."""

__version__ = "0.1.0"
