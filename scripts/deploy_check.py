"""Validate the deployment files, and test them as far as possible without a container engine.

usage: deploy_check.py [--without-build]

1. docker-compose.yml and deploy/kubernetes against the bundled schemas, and against the settings.
2. nginx, haproxy, Caddy and Prometheus: each program checks its configuration where it is
   installed; missing programs are listed.
3. The image: its build commands, stage by stage, in an empty folder, as a user who is not root.
4. The result is started with the environment that compose gives it, asked a question, found healthy
   by the image's own health check, and stopped within compose's grace.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.config import Settings  # noqa: E402 - needs the changed sys.path
from scripts.image_build import (  # noqa: E402
    Builder,
    Stage,
    command_of,
    environment_of,
    parse,
)
from scripts.manifests import compose, problems, seconds  # noqa: E402

NOBODY = 65_534
READY_S = 90
QUESTION = b'{"message":"What are the side effects of aripiprazole?"}'
PROGRAMS = (
    ("nginx", ("nginx", "-t", "-q", "-p", "{tmp}", "-c", str(ROOT / "deploy/nginx.conf"))),
    ("haproxy", ("haproxy", "-c", "-q", "-f", str(ROOT / "deploy/haproxy.cfg"))),
    (
        "caddy",
        ("caddy", "validate", "--adapter", "caddyfile", "--config", str(ROOT / "deploy/Caddyfile")),
    ),
    ("promtool", ("promtool", "check", "rules", str(ROOT / "deploy/prometheus/rules.yml"))),
)


def say(text: str) -> None:
    """Print a line and flush."""
    print(text, flush=True)


def setting_names() -> set[str]:
    """The variables that the application reads."""
    return {name.upper() for name in Settings.model_fields}


def check_manifests() -> int:
    """Check 1: print the errors."""
    found = problems(setting_names())
    for problem in found:
        say(f"FAIL  {problem}")
    if not found:
        say("ok    docker-compose.yml and deploy/kubernetes: well-formed, and they agree")
    return bool(found)


def check_configurations() -> int:
    """Check 2: the programs validate their own files."""
    failed = 0
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    with tempfile.TemporaryDirectory() as folder:
        for name, command in PROGRAMS:
            program = shutil.which(name, path=search)
            if program is None:
                say(f"skip  {name} is not installed: its configuration was not checked")
                continue
            argv = [program, *(part.format(tmp=folder) for part in command[1:])]
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            failed |= done.returncode
            say(f"{'FAIL' if done.returncode else 'ok  '}  {name}: {' '.join(command[-1:])}")
            if done.returncode:
                say(done.stderr)
    return failed


def check_image() -> int:
    """Check 3 and 4: build and start the image. Needs the network for npm and pip."""
    stages = parse((ROOT / "Dockerfile").read_text())
    user: dict[str, int | list[int]] = {}
    if os.geteuid() == 0:
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    folder = Path(tempfile.mkdtemp(prefix="citestream-image-"))
    folder.chmod(0o755)
    try:
        programs = folder / "base"
        programs.mkdir()
        (programs / "python").symlink_to(interpreter(user))
        root = Builder(ROOT, folder, say, user, programs).build(stages)
        size = sum(p.lstat().st_size for p in root.rglob("*") if p.is_file()) / 2**20
        say(f"ok    built as user {user.get('user', os.geteuid())}: {size:.0f} MB beside Debian's")
        return started(stages[-1], root, user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def interpreter(user: dict[str, int | list[int]]) -> str:
    """A Python that this user can run and that has venv, as the base image has."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/bin", "/usr/local/bin"])
    names = ("python3.13", "python3.12", "python3.11", "python3")
    places = [Path(folder) / name for name in names for folder in search.split(os.pathsep)]
    probe = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"
    for place in places:
        try:
            done = subprocess.run([place, "-c", probe], capture_output=True, check=False, **user)  # type: ignore[call-overload]
        except OSError:
            continue
        if done.returncode == 0:
            return str(place)
    raise SystemExit("missing: a Python 3.11 with venv that an ordinary user may run")


def started(stage: Stage, root: Path, user: dict[str, int | list[int]]) -> int:
    """Runs the image's command with compose's environment and tests it."""
    service = compose()["services"]["app-1"]
    environment = {
        **environment_of(stage),
        **service["environment"],
        "PATH": f"{root}/venv/bin:{os.defpath}",
        "DATA_DIR": f"{root}/data",
        "HOST": "127.0.0.1",
        "PORT": "18099",
        "HOME": f"{root}/tmp",
    }
    del environment["DATABASE_URL"]  # there is no host `postgres` here: the embedded one is started
    say("start with compose's environment, but for DATABASE_URL, HOST, PORT and paths")
    python = [f"{root}/venv/bin/python", *command_of(stage, "CMD")[1:]]
    log = root / "tmp" / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            python,
            cwd=root / "srv",
            env=environment,
            stdout=out,
            stderr=out,
            **user,  # type: ignore[call-overload]
        )
    try:
        failed = _examined(process, stage, root, environment)
        if failed:
            say(log.read_text(errors="replace")[-3000:])
        return failed or _stopped(process, service["stop_grace_period"])
    finally:
        if process.poll() is None:
            process.kill()


def _examined(
    process: "subprocess.Popen[bytes]", stage: Stage, root: Path, environment: dict[str, str]
) -> int:
    url = f"http://127.0.0.1:{environment['PORT']}"
    until = time.monotonic() + READY_S
    while not _answers(f"{url}/health/ready"):
        if process.poll() is not None or time.monotonic() > until:
            say("FAIL  it does not become ready")
            return 1
        time.sleep(0.2)
    say("ok    ready")
    probe = command_of(stage, "HEALTHCHECK")
    healthy = subprocess.run(
        [f"{root}/venv/bin/python", *probe[1:]], env=environment, check=False
    ).returncode
    say(f"{'FAIL' if healthy else 'ok  '}  the image's health check")
    page = _answers(f"{url}/")
    say(f"{'ok  ' if page else 'FAIL'}  the page")
    request = urllib.request.Request(
        f"{url}/chat", QUESTION, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = response.read()
    whole = b'"type":"done"' in answer and b'"type":"token"' in answer
    say(f"{'ok  ' if whole else 'FAIL'}  a question is answered")
    process.send_signal(signal.SIGTERM)
    return int(bool(healthy) or not page or not whole)


def _stopped(process: "subprocess.Popen[bytes]", grace: str) -> int:
    try:
        code = process.wait(seconds(grace))
    except subprocess.TimeoutExpired:
        say(f"FAIL  it did not end within {grace}")
        process.kill()
        return 1
    ended = code in {0, -signal.SIGTERM}  # the server exits by the signal it was sent
    say(f"{'ok  ' if ended else 'FAIL'}  stopped by SIGTERM")
    return int(not ended)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def main(arguments: list[str]) -> int:
    """The exit code: 0 when nothing failed."""
    failed = check_manifests() | check_configurations()
    if "--without-build" not in arguments and not failed:
        failed = check_image()
    say("deploy-check: FAILED" if failed else "deploy-check: all is well")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
