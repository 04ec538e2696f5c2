"""What the system is told of the pages that the next steps read, so that the disk has them ready."""

import numpy as np

try:
    import resource
except ImportError:
    resource = None

STEPS_AHEAD = 4
# Steps for which nothing came from the disk before the pages are taken to be in memory already.
IDLE_STEPS = 8


class Advice:
    """Told what a rank reads next, it names the very pages, as each piece is a few of them in a place of its own. While nothing is read from
    the disk it does nothing: the pages are in memory."""

    def __init__(self, ledger, plans, content):
        self._ledger = ledger
        self._plans = plans
        self._content = content
        self._given = -1
        self._idle = 0
        self._count = _disk_reads()

    def give(self, number, fetched):
        """Before step `number` is made. Of a feed that is fetched, `fetched` is the last step that is at hand."""
        count = _disk_reads()
        self._idle = self._idle + 1 if count == self._count else 0
        self._count = count
        if self._idle >= IDLE_STEPS:
            return
        last = number + STEPS_AHEAD if fetched is None else min(fetched, number + STEPS_AHEAD)
        first = number if not number <= self._given <= number + STEPS_AHEAD else self._given + 1
        try:
            for step in self._ledger.look_ahead(range(first, last + 1)):
                self._content.keep_open(list(self._plans.ranges(step)))
                self._advise(self._plans.of(step))
                self._given = step["step"]
        except Exception:
            # Whatever is wrong is so when that step is read, and is said then.
            return

    def _advise(self, parts):
        for _, block, _, pieces in parts:
            order = np.lexsort((pieces.start, pieces.shard))
            borders = np.flatnonzero(np.diff(pieces.shard[order])) + 1
            for own in np.split(order, borders) if len(order) else []:
                shard = self._content.shard_at_hand(block, int(pieces.shard[own[0]]), self._ledger.head)
                if shard is not None:
                    shard.will_need(pieces.start[own], pieces.length[own])


def _disk_reads():
    """What this thread has read from disks so far, its faults that had to wait and blocks; always another number where nobody counts it."""
    if resource is None:
        return object()
    usage = resource.getrusage(getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF))
    return usage.ru_majflt + usage.ru_inblock
