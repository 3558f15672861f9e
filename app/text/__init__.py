"""Functions on text: sentences, tokens, citations, claim verification. Pure; no I/O."""
