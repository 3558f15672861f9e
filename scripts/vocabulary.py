"""Finds names that were replaced by standard terms: `python scripts/vocabulary.py` prints each use.

One line `old -> new` per name; `old` is matched as a whole word in Python and SQL files.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FOLDERS: Final = ("app", "bench", "clients", "scripts", "tests")
REPLACED: Final = """
Bells -> RunSignals
SilentBell -> SilentSignals
RunSignal -> RunSignals
SEARCHING -> MAX_CONCURRENT_SEARCHES
cite_in_time -> cite_within_limit
MAX_CITING_S -> MAX_CITATION_CHECK_S
marked_passages -> numbered_passages
replacing_number -> replacement_seq
known_ours -> confirm_ownership
produced_by -> set_producer
in_a_row -> consecutive_failures
goes_on -> is_continuation
likeness -> similarity
leans_on_history -> is_follow_up
ThoughtSplitter -> ReasoningSplitter
split_thoughts -> split_reasoning
without_thoughts -> without_reasoning
told_by_terms -> passages_by_terms
told_by_sets -> passages_by_term_sets
find_alike -> find_similar
list_named -> list_referenced
said_id -> match_id
said_role -> match_role
near_by_index -> dense_by_index
execute_apart -> execute_dedicated
upkeep_loops -> maintenance_loops
set_aside -> freeze_imports
Momentary -> LiveCollector
tell_text -> log_text
TextLines -> TextFormatter
JsonLines -> JsonFormatter
SurvivingFile -> TolerantFileHandler
PatientProtocol -> TimeoutProtocol
in_one_form -> normalize_markers
forgives -> outweighs
trouble_of -> classify
AtOnce -> InlineCallbackManager
MarkerHold -> MarkerBuffer
CloserLook -> RerankFeatures
look_closer -> fetch_rerank_features
best_told -> top_passages
lexical_arm -> bm25
without_copies -> deduplicate
hidden_until -> expires_at
PageWalk -> HtmlExtractor
Teller -> ScenarioRun
PlayedModel -> FakeChatModel
Witness -> ViewerProbe
so-manieth -> one in N
WatchedStream -> RevocableRequest
dialect_frames -> named_event_frames
the other dialect -> the named-event format
_until_gone -> _run_until_disconnect
still_in -> is_still_valid
_believes -> _is_trusted
PageForPeople -> PageFallback
AGAIN_S -> MIN_REFRESH_INTERVAL_S
_not_this -> _wrong_media_type
TokenKeeper -> PostgresAccess
JobFrames -> NumberedFrames
_sentence_ends -> _break_points
_heard -> _on_progress
_OF_EACH -> _TOKENS_PER_MESSAGE
a setting of ours -> a setting of this application
a mistake of ours -> a bug
whoever asks -> the caller
shutting people out -> blocking users
strangers' files -> untrusted files
stranger's file -> untrusted file
says nearly the same -> near-duplicate
say nearly the same -> near-duplicates
what became of it -> the result
tells what becomes -> reports
will be told of -> the job's events refer to
are told the same -> receive the same events
a sign of life -> shows that the service is alive
See the port. -> (no docstring)
"""


def replaced_names() -> tuple[str, ...]:
    return tuple(line.split(" -> ")[0] for line in REPLACED.strip().splitlines())


def uses(root: Path = ROOT) -> Iterator[str]:
    """`file:line: name` for each use of a replaced name."""
    names = replaced_names()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in {".py", ".sql"} or path.name == Path(__file__).name:
                continue
            if "migrations" in path.parts:  # applied files are never edited
                continue
            text = path.read_text(encoding="utf-8")
            # Plain text first: a pattern of all names takes thirty times as long.
            found_here = [re.escape(name) for name in names if name in text]
            if not found_here:
                continue
            pattern = re.compile(rf"(?<!\w)(?:{'|'.join(found_here)})(?!\w)")
            for number, line in enumerate(text.splitlines(), 1):
                for found in pattern.finditer(line):
                    yield f"{path.relative_to(root)}:{number}: {found.group()}"


def main() -> int:
    found = list(uses())
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
