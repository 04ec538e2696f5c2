"""The files of a feed that lies elsewhere, as they are mapped: each is fetched once for a node."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import threading
import time
from collections import Counter
from typing import BinaryIO

from ..errors import FeedError
from ..mapped import CHUNK, Mapped
from ..sources.retries import Fault, Retries, WrongContent
from ..sources.source import Source
from ..store import Wanted
from ..waiting import TELL_SECONDS, Waiting, log
from .node_cache import NoRoom, NodeCache
from .parallel import run_all

FETCHES_MAX = 8
LOOK_SECONDS = 0.02
FULL = (errno.ENOSPC, errno.EDQUOT)


class CachedFiles:
    """Fetches files into the node's cache and maps them. `is_checked`: each has the SHA-256 that ledger or block say, when it is fetched."""

    def __init__(self, source: Source, cache: NodeCache, retries: Retries, is_checked: bool):
        self.name, self.read = source.name, source.read
        # Half of it may be mapped by this process for later steps: what is mapped can't be removed for others.
        self.bytes_max = cache.bytes_max // 2
        self.cache_bytes_max = cache.bytes_max
        self._source = source
        self._cache = cache
        self._retries = retries
        self._is_checked = is_checked
        # Files of the step that is being made, until they are mapped.
        self._held: dict[str, BinaryIO] = {}
        self._names: dict[str, str] = {}
        # How often files were fetched again as they were damaged.
        self._again: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._told = (0, float("-inf"))

    def open(self, wanted: Wanted) -> Mapped:
        """The file, mapped, once it is there."""
        again = self._again[wanted.path]
        file = self._held.pop(wanted.path, None)
        with file or self._fetch_now([wanted])[wanted.path] as file:
            return Mapped(file, self.name(wanted.path), wanted.path, again)

    def bring(self, step: int, files: list[Wanted], open_bytes: int) -> None:
        """Has the files of a step at hand, beside those that are open. FeedError where the cache is smaller than all of them."""
        needed = open_bytes + sum(wanted.size for wanted in files)
        if needed > self._cache.bytes_max:
            raise FeedError(
                f"step {step} reads files of {needed} bytes, and the cache in {self._cache.folder} may have {self._cache.bytes_max}: "
                f"give a `cache_bytes_max` of {needed} or more, best twice that for the steps that follow"
            )
        self._held = self._fetch_now(files)

    def fetch_ahead(self, files: list[Wanted]) -> bool:
        """Fetches files as far as there is room without those that somebody reads. Whether all are there."""

        def fetch(wanted: Wanted) -> bool:
            file = self._get(wanted, is_forced=False)
            if file is not None:
                file.close()
            return file is not None

        try:
            run_all(files, fetch, FETCHES_MAX, self._begin_waiting)
        except NoRoom:
            return False
        return True

    def forget(self, mapped: Mapped) -> bool:
        """Whether a damaged file was removed that may be fetched again, which is done once."""
        with self._lock:
            again = self._again[mapped.path]
            if mapped.fetched < again:
                # Another thread found it damaged as well.
                return True
            if again > 0:
                return False
            self._again[mapped.path] += 1
        self._retries.count(self.name(mapped.path), Fault("damaged", "it was found damaged in the cache, and is fetched again"))
        self._cache.remove(self._names[mapped.path])
        return True

    def _fetch_now(self, files: list[Wanted]) -> dict[str, BinaryIO]:
        """The files, with locks that keep them from being removed."""
        held = {}

        def hold(wanted: Wanted) -> bool:
            try:
                file = self._get(wanted, is_forced=True)
            except NoRoom:
                # Others are fetching, and have all the room for as long.
                return False
            if file is not None:
                held[wanted.path] = file
            return file is not None

        run_all(files, hold, FETCHES_MAX, self._begin_waiting)
        self._tell_forced()
        return held

    def _get(self, wanted: Wanted, is_forced: bool) -> BinaryIO | None:
        """The file, fetched where it is not there, or None while somebody else fetches it."""
        size = wanted.size
        if size is None and wanted.path not in self._names and wanted.sha256 is None:
            size = self._source.stat(wanted.path).size
        name = self._names.setdefault(wanted.path, _name_of(wanted, self.name(wanted.path), size))
        file = self._cache.open(name)
        if file is not None:
            return file
        if size is None:
            size = self._source.stat(wanted.path).size
        if size > self._cache.bytes_max:
            raise FeedError(
                f"{self.name(wanted.path)} has {size} bytes, and the cache in {self._cache.folder} may have {self._cache.bytes_max}: "
                f"give a larger `cache_bytes_max`"
            )
        try:
            return self._fetch(wanted, name, size, is_forced)
        except OSError as error:
            if error.errno not in FULL:
                raise
            if self._cache.remove_unused(size):
                return None
            raise self._full(size) from error

    def _fetch(self, wanted: Wanted, name: str, size: int, is_forced: bool) -> BinaryIO | None:
        claim = self._cache.claim(name, size, is_forced)
        if claim is None:
            return None
        try:
            try:
                self._copy(wanted, size, claim.file)
            except WrongContent as wrong:
                self._retries.count(self.name(wanted.path), Fault("wrong", f"{wrong}, and is fetched again"))
                self._copy(wanted, size, claim.file)
            return claim.keep()
        except WrongContent as wrong:
            claim.drop()
            raise self._wrong(wanted, wrong) from wrong
        except BaseException:
            claim.drop()
            raise

    def _copy(self, wanted: Wanted, size: int, file: BinaryIO) -> None:
        self._source.copy(wanted.path, size, file)
        file.flush()
        if not self._is_checked or wanted.sha256 is None:
            return
        digest = hashlib.sha256()
        file.seek(0)
        while chunk := file.read(CHUNK):
            digest.update(chunk)
        if digest.hexdigest() != wanted.sha256:
            raise WrongContent(f"it has the SHA-256 {digest.hexdigest()}, and not {wanted.sha256}")

    def _wrong(self, wanted: Wanted, wrong: WrongContent) -> FeedError:
        return FeedError(
            f"{self.name(wanted.path)} is not the file that {wanted.who} names: {wrong}; it was fetched twice: "
            "see headrace verify for what is damaged where the feed was made, and copy that file again"
        )

    def _full(self, size: int) -> FeedError:
        free = shutil.disk_usage(self._cache.folder).free
        return FeedError(
            f"the disk of the cache in {self._cache.folder} is full: {size} bytes are wanted and {free} are free: make room there, give `cache` a "
            f"folder on another disk, or a `cache_bytes_max` below the {self._cache.bytes_max} of now"
        )

    def _begin_waiting(self) -> Waiting:
        return Waiting(self._retries.timeout, LOOK_SECONDS)

    def _tell_forced(self) -> None:
        told, when = self._told
        if self._cache.forced > told and time.monotonic() - when > TELL_SECONDS:
            self._told = (self._cache.forced, time.monotonic())
            log.warning(
                "the cache in %s was too small for what the processes of this node read at once: %d files were removed that somebody reads, and "
                "may be fetched again; give a cache_bytes_max above %d",
                self._cache.folder,
                self._cache.forced,
                self._cache.bytes_max,
            )


def _name_of(wanted: Wanted, name: str, size: int | None) -> str:
    """A cached file's name: its SHA-256, so that another file is never taken for it; where nobody says that, a hash of its address and size."""
    if isinstance(wanted.sha256, str) and re.fullmatch(r"[0-9a-f]{64}", wanted.sha256):
        return wanted.sha256
    return hashlib.sha256(f"{os.fspath(name)}\n{size}".encode()).hexdigest()
