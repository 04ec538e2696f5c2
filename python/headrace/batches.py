"""Makes the batches of steps: which samples of which blocks are a rank's, and their tokens from the shards."""

import os
import zlib

import numpy as np

from .errors import FeedError
from .fields import positions_of, targets_of
from .files import Block, OpenFiles, Shard
from .masks import Masks
from .names import folder_before, folder_of
from .rows import Rows


class Batches:
    """Makes one rank's part of a step, with the files that it takes open, `files_max` of them."""

    def __init__(self, path, rank, world, files_max, targets_dtype, verify, rows):
        self._path = path
        self._rank = rank
        self._world = world
        self._targets_dtype = targets_dtype
        self._verify = verify
        self._files = OpenFiles(files_max)
        self._masks = Masks(path)
        self._rows = Rows(path, rank, world, targets_dtype, verify, self._masks) if rows else None

    def make(self, step, head):
        """The rank's part of a step, as `Feed` says."""
        if step["samples"] % self._world != 0:
            divisors = [n for n in range(1, step["samples"] + 1) if step["samples"] % n == 0]
            raise FeedError(
                f"step {step['step']} has {step['samples']} samples, which {self._world} ranks can't share; use one of {divisors}"
            )
        # After the head: what is recorded for a step is recorded before the step is counted.
        self._masks.refresh()
        if head["version"] > 1:
            self._masks.check(step["control"])
        batch = self._rows.make(step, head) if self._rows is not None else None
        return batch if batch is not None else self._cut(step, head)

    def _cut(self, step, head):
        """The same from blocks and shards."""
        samples, length = step["samples"] // self._world, head["length"]
        ids = np.full(samples * length, head["endOfText"] or 0, dtype=np.int32)
        # Spans that end at a bound: of pieces, and of padding behind the last of a sample's. Nothing is learned from `silent` ones.
        ends, names, domains, silent = [], [], [], []
        for domain, block, rows in self._own_rows(step):
            pieces = block.pieces(rows)
            first = (len(domains) + np.arange(len(rows))) * length
            starts, used = _lay_out(pieces, first)
            if len(pieces.length) and int(pieces.length.min()) < 1 or (used > length).any():
                raise FeedError(f"step {step['step']} has a sample over {length} tokens")
            names.append(self._copy(block, pieces, starts, ids, head))
            silent += self._mask(block, pieces, starts, ids, step, head)
            padded = np.flatnonzero(used < length)
            silent += zip((first[padded] + used[padded]).tolist(), (first[padded] + length).tolist())
            ends += [starts + pieces.length, first[padded] + length]
            names.append(np.full(len(padded), "", dtype=object))
            domains += [domain] * len(rows)
        ends, names = np.concatenate(ends), np.concatenate(names)
        order = np.argsort(ends, kind="stable")
        cu_seqlens = np.concatenate(([0], ends[order])).astype(np.int32)
        shape = (samples, length)
        return {
            "step": step["step"],
            "digest": step["digest"],
            "input_ids": ids.reshape(shape),
            "targets": targets_of(ids, cu_seqlens, silent, np.empty(len(ids), dtype=self._targets_dtype)).reshape(shape),
            "position_ids": positions_of(cu_seqlens, np.empty(len(ids), dtype=np.int32)).reshape(shape),
            "cu_seqlens": cu_seqlens,
            "documents": names[order].tolist(),
            "domains": domains,
            "targets_in_step": self._count_targets(step, head),
        }

    def _copy(self, block, pieces, starts, ids, head):
        """Copies the tokens of pieces to where they start, shard by shard, and returns the ids of their documents."""
        names = np.empty(len(starts), dtype=object)
        order = np.argsort(pieces.shard, kind="stable")
        borders = np.flatnonzero(np.diff(pieces.shard[order])) + 1
        for own in np.split(order, borders) if len(order) else []:
            shard = self._shard(block.shard(int(pieces.shard[own[0]])), head)
            checks = [None] * len(own) if self._verify == "off" or pieces.check is None else pieces.check[own].tolist()
            for start, tokens, at, check in zip(pieces.start[own].tolist(), pieces.length[own].tolist(), starts[own].tolist(), checks):
                view = shard.view(start, tokens)
                if check is not None and zlib.crc32(view) != check & 0xFFFFFFFF:
                    raise shard.damaged_at(start, tokens)
                ids[at : at + tokens] = view
            names[own] = shard.ids_at(pieces.start[own])
        return names

    def _mask(self, block, pieces, starts, ids, step, head):
        """Blanks the pieces of documents of which no token may be read, and returns the spans of all that nothing is learned from."""
        if self._masks.is_empty:
            return []
        silent = []
        for piece, masked in self._judge(block, pieces, step["step"], head):
            span = (int(starts[piece]), int(starts[piece] + pieces.length[piece]))
            if masked == "all":
                ids[span[0] : span[1]] = head["endOfText"] or 0
            silent.append(span)
        return silent

    def _count_targets(self, step, head):
        """Targets of all ranks: a piece has one less than tokens, and none once its document was taken down."""
        count = 0
        for domain, part, sha256 in _parts_of(step):
            block = self._block(domain, part, sha256)
            count += block.count_targets(part["from"], part["to"])
            if self._masks.is_empty:
                continue
            pieces = block.pieces(np.arange(part["from"], part["to"]))
            for piece, _ in self._judge(block, pieces, step["step"], head):
                count -= int(pieces.length[piece]) - 1
        return count

    def _judge(self, block, pieces, step, head):
        """The pieces that are masked, and how. A block of version 1 does not say which documents they are of: their shards do."""
        for piece in range(len(pieces.start)):
            if pieces.slot is not None:
                address = (int(pieces.slot[piece]) & 0xFFFFFFFF, int(pieces.row[piece]) & 0xFFFFFFFF)
            else:
                address = self._shard(block.shard(int(pieces.shard[piece])), head).address_at(int(pieces.start[piece]))
            masked = self._masks.judge(address, step)
            if masked is not None:
                yield piece, masked

    def _own_rows(self, step):
        """The rank's samples of each range: sample k of a step is of rank k mod world."""
        number = 0
        for domain, part, sha256 in _parts_of(step):
            skipped = (self._rank - number) % self._world
            rows = np.arange(part["from"] + skipped, part["to"], self._world)
            number += part["to"] - part["from"]
            if len(rows):
                yield domain, self._block(domain, part, sha256), rows

    def _block(self, domain, part, sha256):
        number, epoch = part["block"], part["epoch"]
        name = f"{number:08d}.arrow" if epoch == 0 else f"{number:08d}.{epoch}.arrow"
        expected = None if self._verify == "off" else sha256
        return self._files.get((domain, name, expected), lambda: Block(self._find_block(domain, name), expected))

    def _find_block(self, domain, name):
        path = os.path.join(self._path, "blocks", folder_of(domain), name)
        # A feed that was begun under the rule before for names of folders has blocks where that says.
        before = os.path.join(self._path, "blocks", folder_before(domain), name)
        return before if not os.path.exists(path) and os.path.exists(before) else path

    def _shard(self, shard, head):
        path = os.path.join(self._path, head["shards"], shard["path"])
        return self._files.get(path, lambda: Shard(path, shard, self._verify == "files"))


def _parts_of(step):
    """The step's ranges of blocks, with the hash of each block's file or None: domains stand in the order of their UTF-16 code units."""
    for domain in sorted(step["domains"], key=lambda name: name.encode("utf-16-be")):
        hashes = step.get("blocks", {}).get(domain)
        for index, part in enumerate(step["domains"][domain]):
            yield domain, part, hashes[index] if hashes else None


def _lay_out(pieces, first):
    """Where each piece starts, its sample's first token being at `first`, and the tokens of each sample."""
    ends = np.cumsum(pieces.length, dtype=np.int64)
    lasts = np.cumsum(pieces.counts)
    before = np.concatenate(([0], ends))[lasts - pieces.counts]
    used = np.concatenate(([0], ends))[lasts] - before
    return ends - pieces.length + np.repeat(first - before, pieces.counts), used
