"""Waiting for what another program publishes."""

import logging
import threading
import time

from .errors import FeedError

TELL_SECONDS = 60

log = logging.getLogger("headrace")


class Waiting:
    """Waits for one thing: looks again after `poll_seconds`, logs each minute what for, and gives up after `timeout` seconds (None: never).

    Its clock does not jump, whatever is done to that of the machine. `stopped`, an Event, ends it at once with FeedError.
    """

    def __init__(self, timeout, poll_seconds, stopped=None):
        self._stopped = threading.Event() if stopped is None else stopped
        self._timeout = timeout
        self._poll_seconds = poll_seconds
        self._began = self._told = time.monotonic()

    def pause(self, what):
        """Sleeps until it is time to look again, or raises FeedError: `what` says what is waited for, and what is there."""
        now = time.monotonic()
        waited = now - self._began
        if self._timeout is not None and waited >= self._timeout:
            raise FeedError(f"waited {waited:.0f} s for {what}: see whether its run is at work, or give a longer `timeout`")
        if now - self._told >= TELL_SECONDS:
            self._told = now
            log.warning("waiting for %s, %.0f s by now", what, waited)
        left = self._poll_seconds if self._timeout is None else min(self._poll_seconds, self._timeout - waited)
        if self._stopped.wait(left):
            raise FeedError(f"the wait for {what} was stopped")
