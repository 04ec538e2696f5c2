"""Trying again what a network lets fail for a while."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from typing import Callable, TypeVar

from ..errors import FeedError
from ..waiting import log

PAUSE_SECONDS_MAX = 30
# For a server that has not answered yet: its address may be wrong.
FIRST_SECONDS_MAX = 30
TELL_SECONDS = 10
# What takes longer than its bytes would at this speed is as good as stopped.
SLOW_BYTES_PER_SECOND = 16 * 1024

Result = TypeVar("Result")


class Fault(Exception):
    """What may be gone when it is tried again. `kind` is counted, `after` is how many seconds the server asks to wait."""

    def __init__(self, kind: str, what: str = "", after: float = 0):
        super().__init__(what or kind)
        self.kind = kind
        self.after = after


class WrongContent(Exception):
    """A file that came whole, and is not the one that was expected."""


class Retries:
    """Counts and tells what was tried again at one source. `timeout` bounds how long one thing is tried for (None: for ever). Who `is_patient` waits
    as long for the first answer as well, else that is half a minute at most."""

    def __init__(self, timeout: float | None, first_seconds: float, is_patient: bool):
        self.timeout = timeout
        self._is_patient = is_patient
        self.counts: Counter[str] = Counter()
        self._first_seconds = first_seconds
        self._told = float("-inf")
        self._untold = 0
        self._lock = threading.Lock()

    def run(self, name: str, act: Callable[[Attempts], Result]) -> Result:
        """What `act` gives once it raises no Fault."""
        attempts = Attempts(self, name, self._first_seconds)
        while True:
            try:
                result = act(attempts)
                self._is_patient = True
                return result
            except FileNotFoundError:
                self._is_patient = True
                raise
            except Fault as fault:
                attempts.pause(fault)

    @property
    def seconds_max(self) -> float:
        """How long one thing is tried for."""
        seconds = float("inf") if self.timeout is None else self.timeout
        return seconds if self._is_patient else min(seconds, FIRST_SECONDS_MAX)

    @property
    def mend(self) -> str:
        """What else is to be looked at."""
        return ", or give a longer `timeout`" if self._is_patient else " and the address is right; with `follow` it is waited for"

    def count(self, name: str, fault: Fault) -> None:
        """Counts a fault, and logs it unless another was just now."""
        with self._lock:
            self.counts[fault.kind] += 1
            self._untold += 1
            now = time.monotonic()
            if now - self._told < TELL_SECONDS:
                return
            untold, self._untold, self._told = self._untold, 0, now
        log.warning("tried again: %s: %s (%d times since this was last said, %s by now)", name, fault, untold, dict(self.counts))


class Attempts:
    """The attempts at one thing."""

    def __init__(self, retries: Retries, name: str, first_seconds: float):
        self._retries = retries
        self._name = name
        self._seconds = first_seconds
        self._began = time.monotonic()
        self._bytes = 0

    def left(self) -> float:
        """Seconds until it is given up. Each byte that came gives time, so that a large file may take as long as it needs."""
        return self._began + self._retries.seconds_max + self._bytes / SLOW_BYTES_PER_SECOND - time.monotonic()

    def reach(self, count: int) -> None:
        """Says how many bytes are there."""
        self._bytes = max(self._bytes, count)

    def pause(self, fault: Fault) -> None:
        """Waits before the next attempt, or raises FeedError where there is no time for one."""
        self._retries.count(self._name, fault)
        # Processes that failed together come back apart.
        seconds = max(self._seconds * random.uniform(0.5, 1), fault.after)
        self._seconds = min(self._seconds * 2, PAUSE_SECONDS_MAX)
        if seconds >= self.left():
            tried = time.monotonic() - self._began
            raise FeedError(
                f"{self._name}: {fault}, after {tried:.0f} s of trying again: see whether its server is at work{self._retries.mend}"
            )
        time.sleep(seconds)
