"""A process that uses the embedded server: `python -m tests.db.server_user DATA_DIR`.

Prints one line of JSON, the address or the error, then waits until its input ends.
"""

import json
import sys
from pathlib import Path

from app.db.embedded.server import EmbeddedServer
from app.domain.errors import CitestreamError


def main() -> None:
    try:
        server = EmbeddedServer.start(Path(sys.argv[1]))
    except CitestreamError as error:
        sys.stdout.write(json.dumps({"refused": str(error)}) + "\n")
        return
    sys.stdout.write(json.dumps({"dsn": server.dsn}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.release()


if __name__ == "__main__":
    main()
