"""A package index on loopback that offers newer versions and counts downloads."""

import base64
import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution

from typing_extensions import override

# As between coverage[toml] and what asks for it: an extra that no lock names by itself.
REQUIREMENTS = {
    "stone": ("moss[soft]>=1",),
    "moss": ('lichen>=1; extra == "soft"', "lichen>=1"),
    "lichen": (),
}


@dataclass(frozen=True, slots=True)
class Wheel:
    """A file of the index."""

    name: str
    version: str
    file_name: str
    content: bytes

    @property
    def locked(self) -> str:
        """Its line in a lock file."""
        return f"{self.name}=={self.version} \\\n    --hash=sha256:{self.sha256}\n"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def made_up(name: str, version: str) -> Wheel:
    """A package with one module that contains its version."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += ["Provides-Extra: soft"] if name == "moss" else []
    lines += [f"Requires-Dist: {each}" for each in REQUIREMENTS[name]]
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n".encode(),
        f"{info}/METADATA": "\n".join(lines).encode() + b"\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    return Wheel(name, version, f"{name}-{version}-py3-none-any.whl", _zipped(files, info))


def installed_uv() -> Wheel:
    """This environment's uv, repackaged."""
    found = distribution("uv")
    info = f"uv-{found.version}.dist-info"
    files = {}
    for path in found.files or ():
        name = str(path)
        if path.parent.name == "bin":
            name = f"uv-{found.version}.data/scripts/{path.name}"
        elif name.startswith("..") or path.name in {"RECORD", "INSTALLER", "REQUESTED"}:
            continue
        if not name.endswith(".pyc"):
            files[name] = path.read_binary()
    tag = next(
        line.removeprefix("Tag: ")
        for line in files[f"{info}/WHEEL"].decode().splitlines()
        if line.startswith("Tag: ")
    )
    return Wheel("uv", found.version, f"uv-{found.version}-{tag}.whl", _zipped(files, info))


def _zipped(files: Mapping[str, bytes], info: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        record = []
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100755 if ".data/scripts/" in name else 0o100644) << 16
            wheel.writestr(entry, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            record.append(f"{name},sha256={digest.decode()},{len(content)}")
        wheel.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))
    return buffer.getvalue()


@dataclass
class PackageIndex:
    """Serves `wheels`; `taken` are the requested files."""

    wheels: tuple[Wheel, ...]
    taken: list[str] = field(default_factory=list)
    url: str = ""

    def page(self, path: str) -> bytes | None:
        """The response to a path, or None."""
        part = path.strip("/").split("/")
        if part[0] == "files":
            self.taken.append(part[1])
            return next((w.content for w in self.wheels if w.file_name == part[1]), None)
        links = [
            f'<a href="/files/{w.file_name}#sha256={w.sha256}">{w.file_name}</a>'
            for w in self.wheels
            if part == ["simple", w.name]
        ]
        return "\n".join(["<!DOCTYPE html>", *links]).encode() if links else None


@contextmanager
def package_index(*wheels: Wheel) -> Iterator[PackageIndex]:
    """Serves under `url` until the block ends."""
    index = PackageIndex(wheels)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = index.page(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Type", "text/html" if "simple" in self.path else "x-wheel/x")
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        index.url = f"http://127.0.0.1:{server.server_address[1]}/simple"
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()
