"""Recomputes the vectors of stored sources, for another model or a changed title."""

from collections.abc import Callable

from app.domain.library_ports import LibraryVectors, PassageEncoder
from app.ingest.passages import embedded_text


async def reembed(
    library: LibraryVectors,
    encoder: PassageEncoder,
    *,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Re-embed the sources of other embedders one by one. Returns how many there were.

    Resumes after an interruption. `report` receives the sources done and the total.
    """
    outdated = await library.sources_of_others(encoder.name)
    for done, source_id in enumerate(outdated):
        report(done, len(outdated))
        await reembed_source(library, encoder, source_id)
    report(len(outdated), len(outdated))
    return len(outdated)


async def reembed_source(library: LibraryVectors, encoder: PassageEncoder, source_id: str) -> None:
    """Re-embed one source. Does nothing if it was replaced or deleted meanwhile."""
    stored = await library.stored_texts(source_id)
    texts = [embedded_text(one.title, one.heading, one.text, encoder.count) for one in stored]
    encoded = await encoder.encode_passages(texts)
    numbers = [one.number for one in stored]
    await library.replace_vectors(
        source_id, dict(zip(numbers, encoded, strict=True)), embedder=encoder.name
    )
