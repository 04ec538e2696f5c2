"""Locks of files, which die with the process that holds them."""

from __future__ import annotations

import os
import weakref
from contextlib import contextmanager
from typing import BinaryIO, Iterator

from ..errors import FeedError

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

# Files that are being fetched. A forked process would hold their locks after the one that fetches them.
_fetched: weakref.WeakSet[BinaryIO] = weakref.WeakSet()


def require_locks() -> None:
    """FeedError where the system has none of these."""
    if fcntl is None:
        raise FeedError("a feed that lies elsewhere is read through a cache, which needs file locks of POSIX: copy the feed beside its shards")


def try_lock(file: BinaryIO) -> bool:
    """Takes a file for oneself, unless somebody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def share_lock(file: BinaryIO) -> None:
    """Holds a file with others who do so, until it is closed and no longer mapped."""
    fcntl.flock(file, fcntl.LOCK_SH)


@contextmanager
def guard(path: str) -> Iterator[None]:
    """Holds a lock that everybody takes for a moment."""
    with open(path, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def close_when_forked(file: BinaryIO) -> None:
    _fetched.add(file)


def _close_fetched() -> None:
    for file in list(_fetched):
        file.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_fetched)
