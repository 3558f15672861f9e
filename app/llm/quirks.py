"""What a model service was found to do differently. One per model, for the life of the process."""

from dataclasses import dataclass


@dataclass(slots=True)
class Quirks:
    """Learned from its answers, so that each is stumbled over once."""

    opens_thoughts: bool = False  # its template opens a `<think>` that the answer only closes
