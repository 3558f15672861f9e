"""`python -m tests.doctor.write_examples`: the doctor's output for a good and four bad proxies.

A default installation; each proxy differs from `deploy/nginx.conf` by one line. Writes the outputs
to `docs/operations.md`.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from app.config import environment
from tests.doctor.test_path import PROXIES
from tests.harness.nginx import nginx
from tests.harness.process import ROOT, ServerProcess

DOCUMENT = ROOT / "docs" / "operations.md"
TITLES = {
    "good": "through `deploy/nginx.conf` as it is",
    "gzip": "gzip for event streams, `X-Accel-Buffering` ignored",
    "buffer": "a second proxy behind it that buffers and compresses",
    "idle": "`proxy_read_timeout 3s`",
    "limit": "`limit_conn few 4`",
}


def said(url: str, data_dir: Path, *options: str) -> str:
    """The doctor's output, with the host name used in the document."""
    command = [sys.executable, "-m", "app.doctor", "--url", url, *options]
    env = {"PATH": environment("PATH") or "", "DATA_DIR": str(data_dir)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode < 2, done.stderr
    return f"{done.stdout.strip()}\n(exit status {done.returncode})"


def outputs() -> str:
    """One section per proxy."""
    data_dir = Path(tempfile.mkdtemp(prefix="citestream-shown-"))
    data_dir.chmod(0o755)
    parts = []
    with ServerProcess(forked=False, DATA_DIR=str(data_dir)) as server:
        for name, (edit, _, _) in PROXIES.items():
            options = [] if name == "good" else ["--only", "path", "--silence", "5"]
            with nginx(server.port, edit=edit) as url:
                told = said(url, data_dir, *options)
            parts.append(f"{TITLES[name]}:\n\n```\n{told}\n```\n")
    return "\n".join(parts)


def main() -> None:
    """Replaces the text between the marks in the document."""
    text = DOCUMENT.read_text()
    marked = re.compile(r"(<!-- doctor: begin -->\n).*?(<!-- doctor: end -->)", re.DOTALL)
    assert marked.search(text)
    shown = outputs()
    DOCUMENT.write_text(marked.sub(lambda found: found[1] + shown + found[2], text))
    sys.stdout.write(shown)


if __name__ == "__main__":
    main()
