"""What was taken down from a feed: control.json and the lists that it names."""

import hashlib
import json
import time

from .errors import FeedError


class Masks:
    """Says what of a piece is masked. It follows control.json: what is recorded while a Feed reads holds for every step that it reads later, or
    `fresh_seconds` later."""

    def __init__(self, source, fresh_seconds):
        self._source = source
        self._control = source.name("control.json")
        self._fresh_seconds = fresh_seconds
        self._looked = float("-inf")
        # What was found last: its stamp, how many entries there are, and the rows.
        self._found = (None, 0, {})
        self._entries = 0
        # For each (slot, row) the step from which its targets are masked, and the one from which its tokens are, too.
        self._rows = {}

    def refresh(self):
        """Takes what is recorded by now, for one step: it stays the same until the next call."""
        if time.monotonic() - self._looked >= self._fresh_seconds:
            self.look()
        _, self._entries, self._rows = self._found

    def look(self):
        """Looks whether something was recorded since: one call of the system, or one request. Another thread may do it."""
        looked = time.monotonic()
        stamp = self._stamp()
        if stamp != self._found[0]:
            entries, rows = [], {}
            if stamp is not None:
                entries = json.loads(self._source.read("control.json"))
            for entry in entries:
                if "takeDown" in entry:
                    self._add(rows, entry["step"], entry["takeDown"])
            self._found = (stamp, len(entries), rows)
        self._looked = looked

    def check(self, entries):
        """Raises FeedError unless there are so many entries: a feed that was copied without them would be read without a mask."""
        if entries > self._entries and self._fresh_seconds > 0:
            self.look()
            _, self._entries, self._rows = self._found
        if entries > self._entries:
            raise FeedError(f"{self._control} has {self._entries} entries, and a step was planned by {entries}: restore it from a copy")

    @property
    def is_empty(self):
        return not self._rows

    def judge(self, address, step):
        """None, "targets" or "all": what is masked of a document, by its slot and row."""
        targets_from, all_from = self._rows.get(address, (None, None))
        if targets_from is None or targets_from > step:
            return None
        return "all" if all_from is not None and all_from <= step else "targets"

    def _add(self, rows, step, take_down):
        for row in self._read_list(take_down):
            targets_from, all_from = rows.get(row, (step, None))
            if take_down["blank"]:
                all_from = step if all_from is None else min(all_from, step)
            rows[row] = (min(targets_from, step), all_from)

    def _read_list(self, take_down):
        path = self._source.name(take_down["list"])
        text = self._source.read(take_down["list"])
        if not _is_list(text, take_down) and self._source.is_worth_again(take_down["list"], "it is not the list that control.json names"):
            text = self._source.read(take_down["list"])
        if not _is_list(text, take_down):
            raise FeedError(f"{path} is not the list that control.json names: restore it from a copy")
        first, *lines = text.decode().split("\n")[:-1]
        rows = [tuple(json.loads(line)) for line in lines[json.loads(first)["names"] :]]
        if len(rows) != take_down["documents"]:
            raise FeedError(f"{path} has {len(rows)} rows, and control.json says {take_down['documents']}")
        return rows

    def _stamp(self):
        try:
            return self._source.stat("control.json")
        except FileNotFoundError:
            return None


def _is_list(text, take_down):
    return hashlib.sha256(text).hexdigest() == take_down["sha256"]
