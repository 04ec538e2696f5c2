"""A feed in a folder of this machine, or of a file system that it has mounted."""

from __future__ import annotations

import os
import shutil
from typing import BinaryIO

from .source import Stat


class Folder:
    """The port over a folder."""

    def __init__(self, path: str):
        self._path = path

    def __str__(self) -> str:
        return self._path

    def name(self, path: str) -> str:
        return os.path.join(self._path, path)

    def read(self, path: str, start: int = 0) -> bytes:
        with open(self.name(path), "rb") as file:
            file.seek(start)
            return file.read()

    def stat(self, path: str) -> Stat:
        found = os.stat(self.name(path))
        return Stat(found.st_size, (found.st_ino, found.st_size, found.st_mtime_ns))

    def copy(self, path: str, size: int, file: BinaryIO) -> None:
        with open(self.name(path), "rb") as whole:
            shutil.copyfileobj(whole, file)

    def is_worth_again(self, path: str, what: str) -> bool:
        return False
