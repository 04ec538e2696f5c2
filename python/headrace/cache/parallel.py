"""Several things at once, by threads that end with the process."""

from __future__ import annotations

import threading
from collections import deque
from typing import Callable, Iterable, TypeVar

from ..waiting import Waiting

Item = TypeVar("Item")


def run_all(items: Iterable[Item], act: Callable[[Item], bool], threads_max: int, begin_waiting: Callable[[], Waiting]) -> None:
    """Does `act` with each item, several at once. What it returns False for is done by somebody else just now: it is asked for again after all
    others, with a pause. Raises what was raised first, once all have stopped."""
    left = deque(items)
    errors: list[BaseException] = []

    def work() -> None:
        waiting = None
        while not errors:
            try:
                item = left.popleft()
            except IndexError:
                return
            try:
                if act(item):
                    waiting = None
                    continue
                left.append(item)
                waiting = waiting or begin_waiting()
                waiting.pause("a file that another process or thread of this node fetches")
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=work, name="headrace-fetch", daemon=True) for _ in range(min(threads_max, len(left)) - 1)]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
