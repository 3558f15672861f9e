"""Overrides of internals of LangChain, openai, aiohttp and pydantic: an optimisation.

Everything here has a stock counterpart built on public interfaces. Import these modules only where
`versions.is_usable` says so.
"""
