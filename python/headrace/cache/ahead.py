"""Fetches what the next steps read, while others are trained on."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque

from ..content import Content
from ..ledger import Ledger
from ..masks import Masks
from ..plans import Plans
from ..store import Wanted
from ..threads import end_at_exit
from ..waiting import log
from .cached_files import CachedFiles

STEPS_AHEAD = 256
# How often control.json is looked at while steps are read.
LOOK_SECONDS = 1
# Who has read no step for so long is not looked ahead for.
IDLE_SECONDS = 60
# After what failed for as long as it was tried again.
REST_SECONDS = 10


class Ahead:
    """A thread that goes on from the step that is read now, up to 256 steps or three quarters of the cache ahead. It begins with the first step, and
    ends by `stop`."""

    def __init__(self, ledger: Ledger, plans: Plans, content: Content, store: CachedFiles, masks: Masks):
        self._ledger = ledger
        self._steps = ledger.open_anew()
        self._plans = plans
        self._content = content
        self._store = store
        self._masks = masks
        self._bytes_max = store.cache_bytes_max * 3 // 4
        self._place, self._moved = -1, 0.0
        # The last step of which all files are there.
        self.reached = -1
        # The steps whose files are there, with these; in how many of them each is, and the bytes of all.
        self._window: deque[tuple[int, list[Wanted]]] = deque()
        self._uses: Counter[str] = Counter()
        self._bytes = 0
        self._changed = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def give(self, number: int) -> None:
        """Before step `number` is made."""
        self._place, self._moved = number, time.monotonic()
        self._changed.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="headrace-ahead", daemon=True)
            self._thread.start()
            end_at_exit(self._thread, self.stop)

    def stop(self) -> None:
        self._ended.set()
        self._changed.set()

    def _run(self) -> None:
        looked = float("-inf")
        while not self._ended.is_set():
            if time.monotonic() - self._moved > IDLE_SECONDS:
                self._changed.wait()
            self._changed.clear()
            try:
                if time.monotonic() - looked >= LOOK_SECONDS:
                    self._masks.look()
                    looked = time.monotonic()
                if not self._go_on():
                    self._changed.wait(LOOK_SECONDS)
            except Exception as error:
                # Who comes to that step is told, unless it is gone by then.
                log.warning("step %d was not fetched ahead: %s", self._next(), error)
                self._ended.wait(REST_SECONDS)

    def _next(self) -> int:
        return max(self._place, self._window[-1][0] + 1 if self._window else 0)

    def _go_on(self) -> bool:
        """Fetches one more step's files. Whether there was one, and room for it."""
        self._forget_passed()
        number, head = self._next(), self._ledger.head
        if number > self._place + STEPS_AHEAD or number >= head["steps"]:
            return False
        wanted = self._content.files_of(self._plans.of(self._steps.open(number, head["steps"])), head)
        fresh = [file for file in wanted if file.path not in self._uses]
        if self._bytes + sum(file.size for file in fresh) > self._bytes_max or not self._store.fetch_ahead(fresh):
            return False
        for file in wanted:
            self._bytes += file.size if file.path not in self._uses else 0
            self._uses[file.path] += 1
        self._window.append((number, wanted))
        self.reached = number
        return True

    def _forget_passed(self) -> None:
        """Leaves the steps that were read, and all where reading went on somewhere else."""
        while self._window and not self._place <= self._window[0][0] <= self._place + STEPS_AHEAD:
            for file in self._window.popleft()[1]:
                self._uses[file.path] -= 1
                if self._uses[file.path] == 0:
                    del self._uses[file.path]
                    self._bytes -= file.size
