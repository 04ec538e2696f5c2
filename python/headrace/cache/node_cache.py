"""A folder of fetched files that all processes of a node share, bounded in bytes."""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager, suppress
from typing import BinaryIO, Callable

from .locks import close_when_forked, guard, require_locks, share_lock, try_lock

# Nothing else in the folder is counted or removed.
_OWN = re.compile(r"[0-9a-f]{64}\.(?:file|part)")
BYTES_MAX = 64 << 30


class NoRoom(Exception):
    """Without files that somebody reads, nothing is left to be removed."""


class NodeCache:
    """Whole files by names of 64 hexadecimal digits. Those used longest ago are removed for new ones, so that all come to `bytes_max` at most.

    Who reads a file holds a shared lock of it, and who fetches one an exclusive one of its `.part`, which has the file's size from the
    beginning. Locks go with their processes: what one that was killed was fetching is found unlocked, and removed by the next.
    """

    def __init__(self, folder: str, bytes_max: int):
        require_locks()
        self.folder = folder
        self.bytes_max = bytes_max
        # How often a file was removed that somebody still read, whose bytes stay on the disk until he closes it.
        self.forced = 0
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with self._guard():
            self._scan()

    def open(self, name: str) -> BinaryIO | None:
        """A file, with a lock that keeps it from being removed, or None where it is not there."""
        path = self._path(name, "file")
        try:
            file = open(path, "rb")
        except FileNotFoundError:
            return None
        share_lock(file)
        # Between opening and locking it may have been removed.
        if os.fstat(file.fileno()).st_nlink == 0:
            file.close()
            return None
        os.utime(file.fileno())
        return file

    def claim(self, name: str, size: int, is_forced: bool) -> Claim | None:
        """A place for a file that is to be fetched, or None where somebody fetches it or has just done so.

        NoRoom where files that are being read would have to go; with `is_forced` they do, and are whole for their readers.
        """
        with self._guard():
            if os.path.exists(self._path(name, "file")):
                return None
            part = self._path(name, "part")
            file = os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
            if not (try_lock(file) and _is_at(file, part)):
                file.close()
                return None
            claim = Claim(file, part, self._path(name, "file"), self._guard)
            try:
                self._make_room(name, size, is_forced)
                os.ftruncate(file.fileno(), size)
            except BaseException:
                claim.drop()
                raise
        return claim

    def remove(self, name: str) -> None:
        """Removes a file that is damaged."""
        with self._guard():
            if os.path.exists(self._path(name, "file")):
                os.remove(self._path(name, "file"))

    def remove_unused(self, bytes_wanted: int) -> bool:
        """Removes files that nobody reads, for so many bytes if there are as many. Whether there was one."""
        with self._guard():
            return self._remove(self._scan(), bytes_wanted, is_forced=False) < bytes_wanted

    def _make_room(self, name: str, size: int, is_forced: bool) -> None:
        files = self._scan()
        files.pop(f"{name}.part", None)
        excess = sum(found.st_size for found in files.values()) + size - self.bytes_max
        if excess > 0 and self._remove(files, excess, is_forced) > 0:
            raise NoRoom

    def _remove(self, files: dict[str, os.stat_result], excess: int, is_forced: bool) -> int:
        """Removes those used longest ago until so many bytes are gone, and returns how many are missing."""
        oldest = sorted((name for name in files if name.endswith(".file")), key=lambda name: files[name].st_mtime_ns)
        for may_be_read in (False, True)[: 1 + is_forced]:
            for name in oldest:
                if excess <= 0:
                    return 0
                if name in files and self._remove_one(name, may_be_read):
                    excess -= files.pop(name).st_size
        return max(excess, 0)

    def _remove_one(self, name: str, may_be_read: bool) -> bool:
        path = os.path.join(self.folder, name)
        try:
            with open(path, "rb") as file:
                is_free = try_lock(file)
                if is_free or may_be_read:
                    self.forced += not is_free
                    os.remove(path)
                return is_free or may_be_read
        except FileNotFoundError:
            return True

    def _scan(self) -> dict[str, os.stat_result]:
        """The cache's files. Parts that nobody is fetching are removed."""
        files = {}
        for entry in os.scandir(self.folder):
            if not _OWN.fullmatch(entry.name):
                continue
            try:
                if entry.name.endswith(".part") and self._remove_left(entry.path):
                    continue
                files[entry.name] = entry.stat()
            except FileNotFoundError:
                # It was renamed just now, and its other name may have been passed by already.
                whole = f"{entry.name[:64]}.file"
                if os.path.exists(os.path.join(self.folder, whole)):
                    files[whole] = os.stat(os.path.join(self.folder, whole))
        return files

    def _remove_left(self, path: str) -> bool:
        with open(path, "rb") as file:
            is_left = try_lock(file) and _is_at(file, path)
            if is_left:
                os.remove(path)
            return is_left

    def _guard(self) -> AbstractContextManager[None]:
        return guard(os.path.join(self.folder, "lock"))

    def _path(self, name: str, kind: str) -> str:
        return os.path.join(self.folder, f"{name}.{kind}")


class Claim:
    """A file that is being fetched. It is kept, or dropped; a process that ends drops it."""

    def __init__(self, file: BinaryIO, part: str, whole: str, guard: Callable[[], AbstractContextManager[None]]):
        self.file = file
        self._part = part
        self._whole = whole
        self._guard = guard
        close_when_forked(file)

    def keep(self) -> BinaryIO:
        """Makes it the cache's, and gives it to be read."""
        self.file.flush()
        # A power failure may not leave a file of this name with other bytes.
        os.fsync(self.file.fileno())
        # Who claims it meanwhile finds the one name or the other.
        with self._guard():
            os.rename(self._part, self._whole)
        share_lock(self.file)
        return self.file

    def drop(self) -> None:
        os.remove(self._part)
        # What a full disk did not take is not written here either.
        with suppress(OSError):
            self.file.close()


def _is_at(file: BinaryIO, path: str) -> bool:
    """Whether an open file is still the one of this name: whoever fetched it may have renamed or removed it before its lock was had."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def default_folder(feed: str) -> str:
    """Where the files of a feed are kept: below XDG_CACHE_HOME, or ~/.cache."""
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "headrace", feed[:32])
