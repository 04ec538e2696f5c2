"""What a rank reads for a step: its samples of each block, and their pieces in the shards."""

import threading
from collections import namedtuple

import numpy as np

from .errors import FeedError

# Plans that are kept for their steps, the next ones: each has some 30 bytes a piece.
PLANS_MAX = 64

# A range of a block in a step: the numbers of the rank's samples in it, and their pieces.
Part = namedtuple("Part", "domain block rows pieces")


class Plans:
    """Plans of steps, each made once though it is asked for ahead. Threads may share it."""

    def __init__(self, content, rank, world):
        self._content = content
        self._rank = rank
        self._world = world
        self._known = {}
        self._lock = threading.Lock()

    def of(self, step):
        """The rank's parts of a step, in order."""
        with self._lock:
            digest, parts = self._known.get(step["step"], (None, None))
        if digest != step["digest"]:
            parts = self._make(step)
            self._keep(step, parts)
        return parts

    def drop(self, step):
        """Forgets what was planned up to a step that was carried out."""
        with self._lock:
            self._known = {number: plan for number, plan in self._known.items() if number > step["step"]}

    def _keep(self, step, parts):
        with self._lock:
            self._known[step["step"]] = (step["digest"], parts)
            if len(self._known) > PLANS_MAX:
                del self._known[max(self._known)]

    def ranges(self, step):
        """Each range of the step with its block, whoever's samples it has."""
        for domain, part, sha256 in _ranges_of(step):
            yield domain, part, self._content.block(domain, part, sha256)

    def _make(self, step):
        if step["samples"] % self._world != 0:
            divisors = [n for n in range(1, step["samples"] + 1) if step["samples"] % n == 0]
            raise FeedError(
                f"step {step['step']} has {step['samples']} samples, which {self._world} ranks can't share; use one of {divisors}"
            )
        # Sample k of a step is of rank k mod world.
        number, parts, blocks = 0, [], []
        for domain, part, block in self.ranges(step):
            blocks.append(block)
            rows = np.arange(part["from"] + (self._rank - number) % self._world, part["to"], self._world)
            number += part["to"] - part["from"]
            if len(rows):
                parts.append(Part(domain, block, rows, block.pieces(rows)))
        self._content.keep_open(blocks)
        return parts


def _ranges_of(step):
    """The step's ranges of blocks, with the hash of each block's file or None: domains stand in the order of their UTF-16 code units."""
    for domain in sorted(step["domains"], key=lambda name: name.encode("utf-16-be")):
        hashes = step.get("blocks", {}).get(domain)
        for index, part in enumerate(step["domains"][domain]):
            yield domain, part, hashes[index] if hashes else None
