"""Hybrid search: dense and lexical candidates, fusion, reranking, duplicates, and their SQL."""
