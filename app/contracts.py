"""`python -m app.contracts`: see `app/cli/contracts.py`."""

import sys

from app.cli.contracts import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
