#!/usr/bin/env python3
"""Start Reverie Studio. The first start makes .venv and installs what is needed; see studio/bootstrap.py."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said before any newer syntax is read
    sys.exit("Reverie needs Python 3.11 or newer, this is %s. Get one from python.org." % sys.version.split()[0])  # noqa: UP031

from pathlib import Path

from studio.bootstrap import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parent))
