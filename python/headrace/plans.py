"""What a rank reads for a step: its samples of each block, and their pieces in the shards."""

import threading
from collections import namedtuple

import numpy as np

from .errors import FeedError

# Pieces of plans that are kept for their steps, 28 bytes each.
PIECES_MAX = 1 << 20

# A range of a block in a step: the numbers of the rank's samples in it, and their pieces.
Part = namedtuple("Part", "domain block rows pieces")


class Plans:
    """Plans of steps, each made once though it is asked for ahead. Threads may share it."""

    def __init__(self, content, rank, world):
        self._content = content
        self._rank = rank
        self._world = world
        self._known = {}
        self._pieces = 0
        self._lock = threading.Lock()

    def of(self, step):
        """The rank's parts of a step, in order."""
        with self._lock:
            digest, parts = self._known.get(step["step"], (None, None))
        if digest != step["digest"]:
            parts = self._make(step)
            with self._lock:
                self._keep(step, parts)
        return parts

    def drop(self, step):
        """Forgets what was planned up to a step that was carried out."""
        with self._lock:
            for number in [number for number in self._known if number <= step["step"]]:
                self._forget(number)

    def _keep(self, step, parts):
        self._forget(step["step"])
        self._known[step["step"]] = (step["digest"], parts)
        self._pieces += _count(parts)
        # The steps that come last are wanted last.
        while self._pieces > PIECES_MAX and len(self._known) > 1:
            self._forget(max(self._known))

    def _forget(self, number):
        _, parts = self._known.pop(number, (None, ()))
        self._pieces -= _count(parts)

    def ranges(self, step):
        """Each range of the step with its block, whoever's samples it has."""
        for domain, part, sha256 in _ranges_of(step):
            yield domain, part, self._content.block(domain, part, sha256)

    def check_world(self, step):
        """Raises FeedError where the ranks can't share the step."""
        if step["samples"] % self._world != 0:
            divisors = [n for n in range(1, step["samples"] + 1) if step["samples"] % n == 0]
            raise FeedError(
                f"step {step['step']} has {step['samples']} samples, which {self._world} ranks can't share; use one of {divisors}"
            )

    def _make(self, step):
        self.check_world(step)
        # Sample k of a step is of rank k mod world.
        number, parts = 0, []
        for domain, part, block in self.ranges(step):
            rows = np.arange(part["from"] + (self._rank - number) % self._world, part["to"], self._world)
            number += part["to"] - part["from"]
            if len(rows):
                parts.append(Part(domain, block, rows, block.pieces(rows)))
        return parts


def _count(parts):
    return sum(len(part.pieces.start) for part in parts)


def _ranges_of(step):
    """The step's ranges of blocks, with the hash of each block's file or None: domains stand in the order of their UTF-16 code units."""
    for domain in sorted(step["domains"], key=lambda name: name.encode("utf-16-be")):
        hashes = step.get("blocks", {}).get(domain)
        for index, part in enumerate(step["domains"][domain]):
            yield domain, part, hashes[index] if hashes else None
