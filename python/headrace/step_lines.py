"""The lines of a ledger of form 2, which say what changed since a snapshot: `schemas/step.v2.json`."""

from .errors import FeedError


class StepOpener:
    """Makes steps whole again, one after another from a snapshot on, so that each has for every domain the ranges of its samples, and in
    `blocks` for each range the SHA-256 of its block's file. Lines of form 1 are whole as they are, and know no hash."""

    def __init__(self, head):
        self._form = head.get("ledger")
        self._segment_steps, self._snapshot_steps = head["segmentSteps"], head.get("snapshotSteps", 1)
        self._next = None
        self._ends, self._hashes = {}, {}

    def lines_for(self, number):
        """The steps whose lines are to be opened, the last of them `number`: those from the snapshot on unless the one before was opened."""
        if self._form is None or number == self._next:
            return range(number, number + 1)
        return range(number - number % self._segment_steps % self._snapshot_steps, number + 1)

    def open(self, step):
        """The step of a line, which is the next one, or a snapshot."""
        if self._form is None:
            return step
        number = step["step"]
        if number % self._segment_steps % self._snapshot_steps == 0:
            self._ends, self._hashes = {}, {}
        self._next = None
        for domain, blocks in step.get("blocks", {}).items():
            for block in blocks:
                self._hashes[_name(domain, block)] = block["sha256"]
        domains = {domain: self._ranges(number, domain, fed) for domain, fed in step["domains"].items()}
        hashes = {
            domain: [self._hash(number, domain, part) for part in ranges] for domain, ranges in domains.items()
        }
        self._next = number + 1
        return {**step, "domains": domains, "blocks": hashes}

    def _ranges(self, number, domain, fed):
        if isinstance(fed, dict) and "ranges" in fed:
            ranges = fed["ranges"]
        else:
            end = self._ends.get(domain)
            if end is None:
                raise FeedError(f"step {number} of the ledger goes on with {domain!r}, and no line since the snapshot has samples of it")
            samples = fed["samples"] if isinstance(fed, dict) else fed
            ranges = [{**end, "from": end["to"], "to": end["to"] + samples}]
        self._ends[domain] = ranges[-1]
        return ranges

    def _hash(self, number, domain, part):
        found = self._hashes.get(_name(domain, part))
        if found is None:
            raise FeedError(f"step {number} of the ledger has samples of a block of {domain!r} that no line since the snapshot names")
        return found


def _name(domain, part):
    """A block: its cut is named where the length of samples had changed before."""
    return domain, part["block"], part["epoch"], part.get("cut", 0)
