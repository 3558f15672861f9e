"""`python -m app.tokens`: see `app/cli/tokens.py`."""

import sys

from app.cli.tokens import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
