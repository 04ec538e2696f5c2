"""Finds what reads the place in which a feed lies."""

from __future__ import annotations

import os

from ..errors import FeedError
from .folder import Folder
from .fsspec_files import FsspecSource
from .http import HttpSource
from .retries import Retries
from .source import Source


def is_remote(path: object) -> bool:
    """Whether a feed is named by an address, and not by its folder."""
    return isinstance(path, str) and "://" in path


def open_source(path: str | os.PathLike[str], token: str | None, retries: Retries) -> Source:
    """What reads the files of a feed: `path` is a folder, or an address. `token` is for http(s) alone, by default HEADRACE_TOKEN."""
    if not is_remote(path):
        if token is not None:
            raise FeedError("there is a `token`, and a folder asks for none: leave it out")
        return Folder(os.fspath(path))
    url = str(path)
    scheme = url.split("://")[0].lower()
    if scheme in ("http", "https"):
        return HttpSource(url, os.environ.get("HEADRACE_TOKEN") or None if token is None else token, retries)
    if token is not None:
        raise FeedError(f"there is a `token`, and {scheme}:// has keys of its own kind: leave it out")
    return FsspecSource(url, retries)
