"""Batches that a thread makes ahead, with a state that counts those alone that were handed out."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

from torch.utils.data import IterableDataset

from ..errors import FeedError
from ..feed import BEGINNING, Feed
from ..threads import end_at_exit
from .batch import Batch

LOOK_SECONDS = 0.1
OPTIONS = {"start", "follow", "timeout", "poll_seconds", "files_max", "verify", "rows", "token", "cache", "cache_bytes_max"}


class Loader(IterableDataset):
    """`for batch in loader`: one rank's part of each step, as tensors, of which a thread makes up to `ahead` before they are asked for.

    `state_dict()` and `load_state_dict()` are what torch.distributed.checkpoint, Lightning and others call; the state is small, the same on
    every rank, and says how many batches were handed out, however many were made ahead. To iterate again goes on from there. `options` are
    those of `Feed` (`start`, `follow`, `timeout`, `files_max`, `verify`, `rows`, `token`, `cache`, `cache_bytes_max`). Raises FeedError alone, in the
    thread that iterates.

    It is an IterableDataset, so that what insists on a DataLoader takes it: `StatefulDataLoader(loader, batch_size=None)`, with one worker at
    most. What takes batches before it trains on them (Lightning looks one ahead) keeps `state_after(batch)` of the one it has trained on.
    """

    def __init__(self, path, rank: int = 0, world: int = 1, ahead: int = 2, state=BEGINNING, **options):
        if not (isinstance(ahead, int) and not isinstance(ahead, bool) and ahead >= 1):
            raise FeedError(f"ahead is {ahead!r}: give a whole number of batches from 1 on")
        unknown = sorted(set(options) - OPTIONS)
        if unknown:
            raise FeedError(f"Loader has no option {unknown[0]!r}")
        self._ahead = ahead
        self._options = {"path": path, "rank": rank, "world": world, "targets_dtype": "int64", **options}
        feed = Feed(**self._options) if state is BEGINNING else self._open(state)
        self.head = feed.head
        self._state = feed.state()

    def state_dict(self) -> dict:
        """What a checkpoint keeps: {feed, step, digest}."""
        return dict(self._state)

    def state_after(self, batch: Batch) -> dict:
        """The state behind this batch, whatever was handed out since. Of a micro-batch, that behind its whole step."""
        return {"feed": self.head["feed"], "step": batch.step + 1, "digest": batch.digest}

    def load_state_dict(self, state: dict) -> None:
        """Goes on from a state, with the next iteration. FeedError for one of another feed or history."""
        self._state = self._open(state).state()

    def __iter__(self) -> Iterator[Batch]:
        feed = self._open(self._state)
        made: queue.Queue = queue.Queue(self._ahead)
        stop = threading.Event()
        thread = threading.Thread(target=_fill, args=(feed, made, stop), name="headrace-loader", daemon=True)

        def end():
            stop.set()
            feed.stop()

        thread.start()
        end_at_exit(thread, end)
        try:
            while True:
                result = made.get()
                if isinstance(result, BaseException):
                    raise result
                if result is None:
                    return
                batch, self._state = result
                yield batch
        finally:
            end()

    def _open(self, state) -> Feed:
        # A state says where it goes on; `start` said where to begin.
        return Feed(**{**self._options, "state": state, "start": 0})


def _fill(feed: Feed, made: queue.Queue, stop: threading.Event) -> None:
    """Puts the feed's batches with the states behind them, then None, or what was raised."""
    try:
        for arrays in feed:
            if not _put(made, (Batch.of(arrays), feed.state()), stop):
                return
        _put(made, None, stop)
    except BaseException as error:
        _put(made, error, stop)


def _put(made: queue.Queue, result, stop: threading.Event) -> bool:
    """Waits for room, and whether somebody still takes."""
    while not stop.is_set():
        try:
            made.put(result, timeout=LOOK_SECONDS)
            return True
        except queue.Full:
            continue
    return False
