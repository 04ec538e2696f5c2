"""The port of all places in which a feed may lie."""

from __future__ import annotations

from collections.abc import Hashable
from typing import BinaryIO, NamedTuple, Protocol


class Stat(NamedTuple):
    """A file's bytes, and a tag that is another one once the file was changed (an ETag, a time), as far as its source says."""

    size: int
    tag: Hashable


class Source(Protocol):
    """Files by paths from the feed's folder, with `/`: `head.json`, `../shards/en/00000000.arrow`.

    A file that is not there is a FileNotFoundError. What is wrong with the place, and stays so, is a FeedError; what passes is tried again.
    """

    def name(self, path: str) -> str:
        """What errors call a file."""
        ...

    def read(self, path: str, start: int = 0) -> bytes:
        """A small file from byte `start` to its end."""
        ...

    def stat(self, path: str) -> Stat:
        """Size and tag, by the least that the source can be asked."""
        ...

    def copy(self, path: str, size: int, file: BinaryIO) -> None:
        """Writes a file of `size` bytes into one that is open. A file of another size is a WrongContent."""
        ...

    def is_worth_again(self, path: str, what: str) -> bool:
        """Whether a small file that turned out to be wrong may be another one when it is read again. It is counted, and told."""
        ...
