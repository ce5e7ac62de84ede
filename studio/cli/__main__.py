"""``python -m studio.cli``: the same as the command ``reverie``."""

import sys

from studio.cli import main

if __name__ == "__main__":
    sys.exit(main())
