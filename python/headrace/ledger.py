"""The ledger of a feed folder: head.json, which counts its steps, and steps/, which has a line for each."""

import hashlib
import json
import os
import threading

from .errors import FeedError
from .step_lines import StepOpener
from .waiting import Waiting

SEAL_LENGTH = len(',"digest":""}') + 64


class Ledger:
    """Reads steps by their numbers. With `follow`, waits for those that are not published yet, at most `timeout` seconds for each."""

    def __init__(self, path, follow, timeout, poll_seconds):
        self._path = path
        self._follow = follow
        self.stopped = threading.Event()
        self._wait = lambda: Waiting(timeout, poll_seconds, self.stopped)
        self._segment = (None, [])
        self.head = self._first_head()
        self._opener = StepOpener(self.head)

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
                raise FeedError(f"the feed in {self._path} became another one")
            if head is not None and (head["steps"] > self.head["steps"] or head["ended"]):
                self.head = head
            else:
                there = fault or f"it has {self.head['steps']} steps and has not ended"
                wait.pause(f"step {number} of the feed in {self._path} ({there})")
        return True

    def open_step(self, number, previous=None):
        """A step that is published, checked against the digest of the one before, which is read where `previous` is None."""
        if previous is None:
            previous = self.digest_before(number)
        for before in self._opener.lines_for(number):
            line = self._open(before)
            if before == number and line["previous"] != previous:
                raise FeedError(f"step {number} of the ledger does not follow the step before")
            step = self._opener.open(line)
        return step

    def digest_before(self, number):
        """The digest of the step before this one."""
        return self.root if number == 0 else self._open(number - 1)["digest"]

    def _open(self, number):
        line = self._read_line(number)
        digest = hashlib.sha256(line[:-SEAL_LENGTH] + b"}").hexdigest()
        if not line.endswith(b',"digest":"%s"}' % digest.encode()):
            raise FeedError(f"step {number} of the ledger is damaged: its digest is not that of its bytes")
        step = json.loads(line)
        if step["step"] != number:
            raise FeedError(f"step {number} of the ledger does not follow the step before")
        return step

    def _read_line(self, number):
        size = self.head["segmentSteps"]
        first, index = number - number % size, number % size
        if self._segment[0] != first or index >= len(self._segment[1]):
            with open(os.path.join(self._path, "steps", f"{first:08d}.jsonl"), "rb") as file:
                self._segment = (first, file.read().split(b"\n")[:-1])
        if index >= len(self._segment[1]):
            raise FeedError(f"the ledger ends before step {number}")
        return self._segment[1][index]

    def _first_head(self):
        wait = self._wait()
        while True:
            head, fault = self._look()
            if head is not None:
                return head
            if not self._follow:
                raise FeedError(f"there is no feed in {self._path}, or no step of it yet: {fault}")
            wait.pause(f"the feed in {self._path} ({fault})")

    def _look(self):
        """The head, or None and why: what copies a folder may leave the file out, or half of it there, for a moment."""
        path = os.path.join(self._path, "head.json")
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
            head = json.loads(text)
        except FileNotFoundError:
            return None, "head.json is missing"
        except ValueError:
            if self._follow:
                return None, "head.json is not whole"
            raise
        _check_head(head, path)
        return head, None


def _check_head(head, path):
    if head["version"] not in (1, 2, 3):
        raise FeedError(f"the feed is of version {head['version']}, and this client reads versions 1 to 3: install a newer headrace")
    if head.get("ledger") not in (None, 2):
        raise FeedError(f"the feed's ledger is of form {head['ledger']!r}, and this client reads forms 1 and 2: install a newer headrace")
    counts = {name: head[name] for name in ("steps", "length", "segmentSteps")}
    counts["snapshotSteps"] = head.get("snapshotSteps", 1)
    counts["endOfText"] = head["endOfText"] or 0
    damaged = [name for name, value in counts.items() if not is_count(value)]
    damaged += [name for name in ("segmentSteps", "snapshotSteps") if counts[name] == 0]
    if damaged:
        raise FeedError(f"{path} is damaged: its {damaged[0]} is {counts[damaged[0]]!r}")


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
