"""``python -m studio.cli``: the command line, for programs that start it."""

import sys

from studio.cli import main

if __name__ == "__main__":
    sys.exit(main())
