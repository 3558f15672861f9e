"""Overrides of internals of LangChain, openai, aiohttp and pydantic, as an optimisation.

Everything here has a stock counterpart built on public interfaces. Import these modules only if
`versions.is_usable()`.
"""
