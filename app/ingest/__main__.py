"""`python -m app.ingest PATH…`: see `app/cli/ingest.py`."""

import sys

from app.cli.ingest import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
