"""The ledger of a feed folder: head.json, which counts its steps, and steps/, which has a line for each."""

import json
import threading

from .errors import FeedError
from .steps import Segments, Steps
from .waiting import Waiting


class Ledger:
    """Reads steps by their numbers. With `follow`, waits for those that are not published yet, at most `timeout` seconds for each."""

    def __init__(self, source, follow, timeout, poll_seconds):
        self._source = source
        self._follow = follow
        self.stopped = threading.Event()
        self._wait = lambda: Waiting(timeout, poll_seconds, self.stopped)
        self.head = self._first_head()
        self._segments = Segments(source, self.head["segmentSteps"])
        self._steps = self.open_anew()

    @property
    def root(self):
        """The digest before step 0: a fork's is the id of the feed that it goes back to."""
        forks = self.head.get("forks", [])
        return forks[0]["feed"] if forks else self.head["feed"]

    def shared_steps(self, feed):
        """Up to which step a feed is this one; -1 where it never was."""
        if feed == self.head["feed"]:
            return float("inf")
        forks = self.head.get("forks", [])
        for index, fork in enumerate(forks):
            if fork["feed"] == feed:
                return min(later["step"] for later in forks[index:])
        return -1

    def has(self, number):
        """Whether the feed has a step, now or once it was waited for."""
        wait = self._wait()
        while number >= self.head["steps"]:
            if self.head["ended"] or not self._follow:
                return False
            head, fault = self._look()
            if head is not None and head["feed"] != self.head["feed"]:
                raise FeedError(f"the feed in {self._source} became another one")
            if head is not None and (head["steps"] > self.head["steps"] or head["ended"]):
                self.head = head
            else:
                there = fault or f"it has {self.head['steps']} steps and has not ended"
                wait.pause(f"step {number} of the feed in {self._source} ({there})")
        return True

    def open_step(self, number, previous=None):
        """A step that is published, checked against the digest of the one before, which is read where `previous` is None."""
        if previous is None:
            previous = self.digest_before(number)
        step = self._steps.open(number, self.head["steps"])
        if step["previous"] != previous:
            raise FeedError(f"step {number} of the ledger does not follow the step before")
        return step

    def look_ahead(self, numbers):
        """Opens steps that come later, as far as they are published. They are checked when their turn comes, and what is wrong is said then."""
        for number in numbers:
            if number < self.head["steps"]:
                yield self._steps.open(number, self.head["steps"])

    def open_anew(self):
        """A reader of the same steps for somebody with a pace of its own."""
        return Steps(self._segments, self.head)

    def digest_before(self, number):
        """The digest of the step before this one."""
        return self.root if number == 0 else self._steps.line(number - 1, self.head["steps"])["digest"]

    def _first_head(self):
        wait = self._wait()
        while True:
            head, fault = self._look()
            if head is not None:
                return head
            if not self._follow:
                raise FeedError(f"there is no feed in {self._source}, or no step of it yet: {fault}")
            wait.pause(f"the feed in {self._source} ({fault})")

    def _look(self):
        """The head, or None and why: what copies a folder may leave the file out, or half of it there, for a moment."""
        try:
            head = self._read_head()
        except FileNotFoundError:
            return None, "head.json is missing"
        except ValueError:
            if self._follow:
                return None, "head.json is not whole"
            raise
        _check_head(head, self._source.name("head.json"))
        return head, None

    def _read_head(self):
        try:
            return json.loads(self._source.read("head.json"))
        except ValueError as error:
            if not self._source.is_worth_again("head.json", f"it is no JSON ({error})"):
                raise
        return json.loads(self._source.read("head.json"))


def _check_head(head, path):
    if head["version"] not in (1, 2, 3, 4, 5):
        raise FeedError(f"the feed is of version {head['version']}, and this client reads versions 1 to 5: install a newer headrace")
    if head.get("ledger") not in (None, 2):
        raise FeedError(f"the feed's ledger is of form {head['ledger']!r}, and this client reads forms 1 and 2: install a newer headrace")
    counts = {name: head[name] for name in ("steps", "length", "segmentSteps")}
    counts["snapshotSteps"] = head.get("snapshotSteps", 1)
    counts["endOfText"] = head["endOfText"] or 0
    counts["align"] = head.get("align", 1)
    damaged = [name for name, value in counts.items() if not is_count(value)]
    damaged += [name for name in ("segmentSteps", "snapshotSteps", "align") if counts[name] == 0]
    if damaged:
        raise FeedError(f"{path} is damaged: its {damaged[0]} is {counts[damaged[0]]!r}")


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
