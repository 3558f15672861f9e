"""The process that reads untrusted files: `python -m app.ingest.reader_process FD`.

Started by `app/ingest/reader_client.py` without settings and secrets. It reads requests one by one
from standard input and responds on standard output (`reader_frames.py`). It cannot outlive its
parent: FD is a pipe whose other end the parent holds, and the kernel kills this process when that
end is closed, whatever it is doing.
"""

import fcntl
import gc
import hashlib
import math
import os
import pickle
import resource
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import BinaryIO, Final

from app.domain.errors import CitestreamError
from app.ingest.loaders.members import Member, is_picture, member_name
from app.ingest.loaders.registry import AUDIO
from app.ingest.parsed_document import IngestError
from app.ingest.reader_frames import (
    LENGTH,
    Failure,
    Request,
    Start,
    Unpacked,
    UnpackedMember,
    UnpackRequest,
    document_frames,
    failure_frame,
    members_frame,
)
from app.ingest.reading import Count, ParserError, read_document, unpack

_MAX_DETAIL: Final = 8_000  # characters of a traceback


def die_with(lifeline: int) -> None:
    """Make the kernel kill this process when the other end of the pipe is closed."""
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)
    try:
        if os.read(lifeline, 1) == b"":
            sys.exit("the parent process has ended")
    except BlockingIOError:
        return


def limit_memory(memory: int) -> None:
    """Limit allocations; on macOS only the sampling in `reader_client.py` enforces the limit."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_processor(seconds: float) -> None:
    """The kernel kills the process after that much more processor time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(used.ru_utime + used.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def answer(request: Request | UnpackRequest, count: Count, output: BinaryIO) -> None:
    """Read or unpack one file and write all frames about it."""
    try:
        data = Path(request.path).read_bytes()
        if isinstance(request, UnpackRequest):
            output.write(members_frame(unpack_into(request, data)))
            return
        if hashlib.sha256(data).hexdigest() != request.content_hash:
            output.write(failure_frame(Failure("changed")))
            return
        for frame in document_frames(read_document(request.name, data, count)):
            output.write(frame)
    except IngestError as error:
        broke = isinstance(error, ParserError)
        detail = traceback.format_exc()[-_MAX_DETAIL:] if broke else ""
        output.write(failure_frame(Failure("refused", str(error), detail)))
    except OSError as error:
        message = f"the file cannot be read ({error.strerror or error})"
        output.write(failure_frame(Failure("refused", message)))
    except MemoryError:
        output.write(failure_frame(Failure("memory")))


def unpack_into(request: UnpackRequest, data: bytes) -> Unpacked:
    """Write the members until there are too many, or they are too large. Raises `IngestError`."""
    try:
        own_text, found = unpack(request.name, data)
        return _write_members(request, own_text, found)
    except (CitestreamError, MemoryError, OSError):
        raise
    except Exception as error:
        raise ParserError(f"the file cannot be read ({type(error).__name__})") from error


def _write_members(request: UnpackRequest, own_text: bool, found: Iterator[Member]) -> Unpacked:
    members: dict[str, UnpackedMember] = {}
    size = pictures = 0
    for member in found:
        if member.problem is None and is_picture(member.name, member.data):
            pictures += 1
            continue
        size += len(member.data)
        if len(members) >= request.max_members or size > request.max_bytes:
            size -= len(member.data)
            return Unpacked(own_text, tuple(members.values()), False, size, pictures)
        name = _free_name(member_name(member.name), members)
        suffix = PurePath(name).suffix.lower()
        file = f"{len(members)}{suffix if suffix in AUDIO else ''}"
        members[name] = UnpackedMember(name, file, member.problem)
        if member.problem is None:
            (Path(request.folder) / file).write_bytes(member.data)
    return Unpacked(own_text, tuple(members.values()), True, size, pictures)


def _free_name(name: str, taken: Mapping[str, object]) -> str:
    """Attachments may share a name: the second one is called "name (2)"."""
    path, number, free = PurePath(name), 1, name
    while free in taken:
        number += 1
        free = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
    return free


def serve(requests: BinaryIO, output: BinaryIO) -> None:
    """Serves requests until the end of input."""
    start = _message(requests)
    if not isinstance(start, Start):
        return
    limit_memory(start.memory)
    gc.collect()
    gc.freeze()  # imported objects are never garbage
    while isinstance(request := _message(requests), Request | UnpackRequest):
        limit_processor(start.processor_s)
        answer(request, start.count, output)
        output.flush()


def _message(requests: BinaryIO) -> object:
    head = requests.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return pickle.loads(requests.read(LENGTH.unpack(head)[0]))


def main() -> None:
    """Discard library output, because standard output carries frames."""
    die_with(int(sys.argv[1]))
    with os.fdopen(os.dup(1), "wb") as output, open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        serve(sys.stdin.buffer, output)


if __name__ == "__main__":
    main()
