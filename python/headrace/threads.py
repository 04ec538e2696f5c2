"""Threads that work for somebody else, and how they end."""

import atexit
import threading
import time

# A thread that makes a batch ends well within it.
END_SECONDS = 10

_running = {}


def end_at_exit(thread, stop):
    """Has `stop` called when Python ends, and waits for the thread then: an interpreter that ends takes its threads away wherever they are, and C++
    (Arrow, torch) that is met in its work aborts the process."""
    for other in [other for other in _running if not other.is_alive()]:
        _running.pop(other, None)
    _running[thread] = stop


@atexit.register
def _end():
    running = dict(_running)
    for stop in running.values():
        stop()
    last = time.monotonic() + END_SECONDS
    for thread in running:
        if thread is not threading.current_thread():
            thread.join(max(0.0, last - time.monotonic()))
