"""Makes the batches of steps: which samples of which blocks are a rank's, and their tokens from the shards."""

import os
import zlib

import numpy as np

from .errors import FeedError
from .files import Block, OpenFiles, Shard
from .masks import Masks
from .names import folder_before, folder_of

NO_TARGET = -100


class Batches:
    """Makes one rank's part of a step, with the files that it takes open, `files_max` of them."""

    def __init__(self, path, rank, world, files_max, targets_dtype, verify):
        self._path = path
        self._rank = rank
        self._world = world
        self._targets_dtype = targets_dtype
        self._verify = verify
        self._files = OpenFiles(files_max)
        self._masks = Masks(path)

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
        samples, length = step["samples"] // self._world, head["length"]
        blank = head["endOfText"] or 0
        ids = np.full(samples * length, blank, dtype=np.int32)
        # Spans of padding and of documents that were taken down: nothing is learned from their tokens.
        bounds, documents, domains, silent = [0], [], [], []
        at = 0
        for domain, block, row in self._samples_of(step):
            end = at + length
            for piece in block.pieces(row):
                start, tokens = piece.start, piece.tokens
                shard = self._shard(block.shard(piece.shard), head)
                if tokens < 1 or at + tokens > end:
                    raise FeedError(f"step {step['step']} has a sample over {length} tokens")
                shard.copy_tokens(start, ids[at : at + tokens])
                if self._verify != "off" and piece.check is not None and zlib.crc32(ids[at : at + tokens]) != piece.check & 0xFFFFFFFF:
                    raise shard.damaged_at(start, tokens)
                masked = self._judge(block, piece, step["step"], head)
                if masked is not None:
                    silent.append((at, at + tokens))
                if masked == "all":
                    ids[at : at + tokens] = blank
                at += tokens
                bounds.append(at)
                documents.append(shard.id_at(start))
            if at < end:
                silent.append((at, end))
                bounds.append(end)
                documents.append("")
            at = end
            domains.append(domain)
        cu_seqlens = np.array(bounds, dtype=np.int32)
        shape = (samples, length)
        return {
            "step": step["step"],
            "digest": step["digest"],
            "input_ids": ids.reshape(shape),
            "targets": self._targets(ids, cu_seqlens, silent).reshape(shape),
            "position_ids": _positions(cu_seqlens).reshape(shape),
            "cu_seqlens": cu_seqlens,
            "documents": documents,
            "domains": domains,
            "targets_in_step": self._count_targets(step, head),
        }

    def _targets(self, ids, cu_seqlens, silent):
        targets = np.empty(len(ids), dtype=self._targets_dtype)
        targets[:-1] = ids[1:]
        targets[cu_seqlens[1:] - 1] = NO_TARGET
        for start, end in silent:
            targets[start:end] = NO_TARGET
        return targets

    def _count_targets(self, step, head):
        """Targets of all ranks: a piece has one less than tokens, and none once its document was taken down."""
        count = 0
        for domain, part, sha256 in _parts_of(step):
            block = self._block(domain, part, sha256)
            count += block.count_targets(part["from"], part["to"])
            if self._masks.is_empty:
                continue
            for row in range(part["from"], part["to"]):
                for piece in block.pieces(row):
                    if self._judge(block, piece, step["step"], head) is not None:
                        count -= piece.tokens - 1
        return count

    def _judge(self, block, piece, step, head):
        """What is masked of a piece. A block of version 1 does not say which document it is of: its shard does."""
        if self._masks.is_empty:
            return None
        address = piece.address
        if address is None:
            address = self._shard(block.shard(piece.shard), head).address_at(piece.start)
        return self._masks.judge(address, step)

    def _samples_of(self, step):
        number = 0
        for domain, part, sha256 in _parts_of(step):
            for row in range(part["from"], part["to"]):
                if number % self._world == self._rank:
                    yield domain, self._block(domain, part, sha256), row
                number += 1

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


def _positions(cu_seqlens):
    return np.arange(int(cu_seqlens[-1]), dtype=np.int32) - np.repeat(cu_seqlens[:-1], np.diff(cu_seqlens))
