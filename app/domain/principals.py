"""Who is asking. Every store method takes a `Principal`; nothing is read or written without one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """One person or service. `owner_id` is what every owned row is keyed by."""

    owner_id: str


LOCAL = Principal("local")
"""The one person of `AUTH=none`."""
