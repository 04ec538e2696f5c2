"""Addresses of files: paths from a feed's folder put behind the URL that was given."""

from __future__ import annotations

import posixpath
from urllib.parse import SplitResult, quote, urlsplit

from ..errors import FeedError


def split_address(url: str) -> SplitResult:
    """The parts of a URL. Secrets have no place in it, as errors and logs name it."""
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise FeedError(f"the address of {parts.hostname} has a name or password in it: leave them out, and give `token` or HEADRACE_TOKEN")
    if parts.query or parts.fragment:
        raise FeedError(f"the address {url} goes on behind its folder with ? or #: give the folder alone")
    return parts


def join(folder: str, path: str) -> str:
    """`path` from `folder`, both with `/`. What a feed says of its own files may lead above it, and not above the root: FeedError."""
    joined = posixpath.normpath(posixpath.join(folder.strip("/"), path))
    if path.startswith("/") or joined.split("/")[0] == ".." or "\\" in path or any(ord(letter) < 32 for letter in path):
        raise FeedError(f"the feed names the file {path[:200]!r}, which lies outside its source")
    return joined


def quote_path(path: str) -> str:
    """A path as a request line has it."""
    return "/" + quote(path, safe="/!'()*-._~+=")
