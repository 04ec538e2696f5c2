"""What reads a feed, put together for where it lies."""

import os

from .advice import Advice
from .batches import Batches
from .cache.ahead import Ahead
from .cache.cached_files import CachedFiles
from .cache.node_cache import BYTES_MAX, NodeCache, default_folder
from .content import Content
from .errors import FeedError
from .ledger import Ledger
from .masks import Masks
from .plans import Plans
from .rows import Rows
from .sources.open import is_remote, open_source
from .sources.retries import Retries
from .store import FolderStore

# A server is asked for what was taken down by the thread that fetches ahead; where that is behind, before a step.
FRESH_SECONDS = 5


class Reading:
    """The ledger of a feed and the batches of its steps. A feed that lies elsewhere is read through a cache and fetched ahead; of both the disk is
    told what comes next."""

    def __init__(self, path, rank, world, follow, timeout, poll_seconds, files_max, targets_dtype, verify, rows, token, cache, cache_bytes_max):
        self.path = path if is_remote(path) else os.fspath(path)
        self.retries = Retries(timeout, poll_seconds, follow)
        source = open_source(self.path, token, self.retries)
        self.ledger = Ledger(source, follow, timeout, poll_seconds)
        store = self._open_store(source, verify, cache, cache_bytes_max)
        content = Content(store, verify, files_max)
        plans = Plans(content, rank, world)
        masks = Masks(source, FRESH_SECONDS if is_remote(path) else 0)
        # Rows are made for disks that are near: elsewhere whole files are fetched.
        standing = Rows(self.path, rank, world, targets_dtype, verify, masks) if rows and not is_remote(path) else None
        self._batches = Batches(content, plans, masks, standing, targets_dtype, verify)
        self._advice = Advice(self.ledger, plans, content)
        self._ahead = Ahead(self.ledger, plans, content, store, masks) if is_remote(path) else None

    def make(self, step):
        """The rank's part of a step, as `Feed` says."""
        number, head = step["step"], self.ledger.head
        batch = self._batches.find(step, head)
        if batch is not None:
            return batch
        if self._ahead is not None:
            self._ahead.give(number)
        self._advice.give(number, None if self._ahead is None else self._ahead.reached)
        return self._batches.make(step, head)

    def stop(self):
        """Ends what works ahead."""
        if self._ahead is not None:
            self._ahead.stop()

    def _open_store(self, source, verify, cache, cache_bytes_max):
        if not is_remote(self.path):
            given = "cache" if cache is not None else "cache_bytes_max" if cache_bytes_max is not None else None
            if given is not None:
                raise FeedError(f"there is a `{given}`, and a folder is read where it lies: leave it out, or name the folder by file://")
            return FolderStore(source)
        folder = default_folder(self.ledger.head["feed"]) if cache is None else os.fspath(cache)
        files = NodeCache(folder, BYTES_MAX if cache_bytes_max is None else cache_bytes_max)
        return CachedFiles(source, files, self.retries, verify != "off")
