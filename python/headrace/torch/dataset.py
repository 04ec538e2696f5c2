"""Steps by their numbers, for a DataLoader with as many workers as it likes."""

from __future__ import annotations

from torch.utils.data import Dataset

from ..errors import FeedError
from ..feed import Feed
from .batch import Batch

OPTIONS = {"timeout", "files_max", "verify", "rows", "token", "cache", "cache_bytes_max"}


class StepDataset(Dataset):
    """`dataset[n]` is one rank's part of step n. Which worker reads which step is the sampler's to say, so that none is read twice.

        DataLoader(StepDataset(path, rank, world), sampler=range(first, last), batch_size=None, num_workers=2)

    `options` are those of `Feed` (`timeout`, `files_max`, `verify`, `rows`, `token`, `cache`, `cache_bytes_max`). What it knows of the feed's length is from when
    it was made. It is pickled without what it has open: each worker opens its own.
    """

    def __init__(self, path, rank: int = 0, world: int = 1, **options):
        unknown = sorted(set(options) - OPTIONS)
        if unknown:
            raise FeedError(f"StepDataset has no option {unknown[0]!r}")
        self._options = {**options, "path": path, "rank": rank, "world": world, "targets_dtype": "int64"}
        self._feed = Feed(**self._options)
        self._steps = self._feed.head["steps"]

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> Batch:
        # The protocol of sequences: iteration ends by it.
        if not 0 <= step < self._steps:
            raise IndexError(f"step {step} of {self._steps}")
        return Batch.of(self._own_feed().read(step))

    def _own_feed(self) -> Feed:
        if self._feed is None or not self._feed.is_own:
            self._feed = Feed(**self._options)
        return self._feed

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_feed": None}
