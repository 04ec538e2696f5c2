"""Threads that work for somebody else, and how they end."""

import atexit
import threading

END_SECONDS = 2

_running = {}


def end_at_exit(thread, stop):
    """Has `stop` called when Python ends, and waits a moment for the thread: one that is stopped within a library may take the process down."""
    for other in [other for other in _running if not other.is_alive()]:
        del _running[other]
    _running[thread] = stop


@atexit.register
def _end():
    running = dict(_running)
    for stop in running.values():
        stop()
    for thread in running:
        if thread is not threading.current_thread():
            thread.join(END_SECONDS)
