"""The lines of a ledger, and the steps that they open to."""

import hashlib
import json
import threading
from collections import OrderedDict

from .errors import FeedError
from .step_lines import StepOpener

SEAL_LENGTH = len(',"digest":""}') + 64
# Steps that are kept opened for who asks again: more than anybody looks ahead in line.
OPENED_MAX = 16


class Segments:
    """Lines by their steps. Of the segment that is being written only what was added is read again. Threads may share it."""

    def __init__(self, source, segment_steps):
        self._source = source
        self._size = segment_steps
        self._first, self._lines, self._end = None, [], 0
        self._lock = threading.Lock()

    def line(self, number, published):
        """The line of a step, of which `published` are."""
        first, index = number - number % self._size, number % self._size
        with self._lock:
            if self._first != first:
                self._first, self._lines, self._end = first, [], 0
            if index >= len(self._lines):
                self._read(first, published)
            if index >= len(self._lines):
                raise FeedError(f"the ledger ends before step {number}")
            return self._lines[index]

    def read_again(self, number, what):
        """Whether the segment of a step that was found damaged is to be read again, as it came from elsewhere."""
        first = number - number % self._size
        if not self._source.is_worth_again(_path_of(first), what):
            return False
        with self._lock:
            self._first = None
        return True

    def _read(self, first, published):
        added = self._source.read(_path_of(first), self._end).split(b"\n")[:-1]
        # Lines that no head counts yet may be written anew, as others.
        taken = added[: max(published - first - len(self._lines), 0)]
        self._lines += taken
        self._end += sum(len(line) + 1 for line in taken)


class Steps:
    """Steps by their numbers, each checked against its own digest. It is fast where they are asked for in rising order."""

    def __init__(self, segments, head):
        self._segments = segments
        self._opener = StepOpener(head)
        self._opened = OrderedDict()

    def line(self, number, published):
        """A step as its line says it."""
        try:
            return _parse(self._segments.line(number, published), number)
        except FeedError as error:
            if not self._segments.read_again(number, str(error)):
                raise
        return _parse(self._segments.line(number, published), number)

    def open(self, number, published):
        """A step with all ranges of its samples."""
        step = self._opened.get(number)
        if step is None:
            for before in self._opener.lines_for(number):
                step = self._opener.open(self.line(before, published))
            self._opened[number] = step
            if len(self._opened) > OPENED_MAX:
                self._opened.popitem(last=False)
        return step


def _path_of(first):
    return f"steps/{first:08d}.jsonl"


def _parse(line, number):
    digest = hashlib.sha256(line[:-SEAL_LENGTH] + b"}").hexdigest()
    if not line.endswith(b',"digest":"%s"}' % digest.encode()):
        raise FeedError(f"step {number} of the ledger is damaged: its digest is not that of its bytes")
    step = json.loads(line)
    if step["step"] != number:
        raise FeedError(f"step {number} of the ledger does not follow the step before")
    return step
