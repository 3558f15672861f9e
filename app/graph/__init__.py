"""The answer graph: retrieve, rerank, grade, rewrite, generate; and its events translated."""
