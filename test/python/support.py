"""What the scripts here share. Imported first, it finds the package where that is not installed."""

import os
import sys

# What a program that a test starts needs to find it, too.
PATHS = dict(os.environ)

if os.environ.get("HEADRACE_INSTALLED") != "1":
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))
    PATHS["PYTHONPATH"] = sys.path[0]

from headrace import FeedError  # noqa: E402


def error_of(act):
    try:
        act()
    except FeedError as error:
        return str(error)
    raise AssertionError("it was not refused")
