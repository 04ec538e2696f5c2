"""Makes the batches of steps: which samples of which blocks are a rank's, and their tokens from the shards."""

import zlib

import numpy as np

from .errors import DamagedFile, FeedError
from .fields import NO_TARGET, positions_of


class Batches:
    """Makes one rank's part of a step from its plan and the feed's content."""

    def __init__(self, content, plans, masks, rows, targets_dtype, verify):
        self._content = content
        self._plans = plans
        self._targets_dtype = targets_dtype
        self._verify = verify
        self._masks = masks
        self._rows = rows

    def find(self, step, head):
        """The rank's part of a step where that stands in rows, else None."""
        if self._rows is None:
            return None
        self._plans.check_world(step)
        self._refresh_masks(step, head)
        return self._rows.make(step, head)

    def make(self, step, head):
        """The rank's part of a step, as `Feed` says, from blocks and shards."""
        while True:
            try:
                batch = self._make(step, head)
            except DamagedFile as error:
                if not self._content.forget(error):
                    raise
            else:
                self._plans.drop(step)
                return batch

    def _make(self, step, head):
        parts, ranges = self._plans.of(step), list(self._plans.ranges(step))
        self._content.keep_open(ranges)
        self._refresh_masks(step, head)
        self._content.bring(step, parts, head)
        samples, length = sum(len(part.rows) for part in parts), step.get("length", head["length"])
        ids = np.full(samples * length, head["endOfText"] or 0, dtype=np.int32)
        align = head.get("align", 1)
        # Spans that end at a bound: of pieces with the padding that aligns the next one, and of padding behind the last of a sample's. Nothing
        # is learned from `silent` ones. `tokens` are those of spans without what aligns, and `lasts` says where each piece's last token has a target.
        ends, names, domains, silent, tokens, lasts = [], [], [], [], [], []
        for domain, block, rows, pieces in parts:
            first = (len(domains) + np.arange(len(rows))) * length
            room = -(-pieces.length // align) * align
            starts, used = _lay_out(room, pieces.counts, first)
            if len(pieces.length) and int(pieces.length.min()) < 1 or (used > length).any():
                raise FeedError(f"step {step['step']} has a sample over {length} tokens")
            names.append(self._copy(block, pieces, starts, ids, head))
            silent += self._mask(block, pieces, starts, ids, step, head)
            padded = np.flatnonzero(used < length)
            silent += zip((first[padded] + used[padded]).tolist(), (first[padded] + length).tolist())
            ends += [starts + room, first[padded] + length]
            tokens += [pieces.length, length - used[padded]]
            if align > 1:
                aligned = np.flatnonzero(room > pieces.length)
                silent += zip((starts + pieces.length)[aligned].tolist(), (starts + room)[aligned].tolist())
            lasts.append((starts + pieces.length - 1, pieces.next))
            names.append(np.full(len(padded), "", dtype=object))
            domains += [domain] * len(rows)
        ends, names, tokens = np.concatenate(ends), np.concatenate(names), np.concatenate(tokens)
        order = np.argsort(ends, kind="stable")
        bounds = np.concatenate(([0], ends[order])).astype(np.int32)
        cu_seqlens = bounds if align == 1 else np.concatenate(([0], np.cumsum(tokens[order]))).astype(np.int32)
        shape = (samples, length)
        return {
            "step": step["step"],
            "digest": step["digest"],
            "input_ids": ids.reshape(shape),
            "targets": self._targets(ids, lasts, silent).reshape(shape),
            "position_ids": positions_of(bounds, np.empty(len(ids), dtype=np.int32)).reshape(shape),
            "cu_seqlens": cu_seqlens,
            "cu_seqlens_padded": bounds,
            "documents": names[order].tolist(),
            "domains": domains,
            "targets_in_step": self._count_targets(step, ranges, head),
        }

    def _refresh_masks(self, step, head):
        # After the head: what is recorded for a step is recorded before the step is counted.
        self._masks.refresh()
        if head["version"] > 1:
            self._masks.check(step["control"])

    def _copy(self, block, pieces, starts, ids, head):
        """Copies the tokens of pieces to where they start, shard by shard, and returns the ids of their documents."""
        names = np.empty(len(starts), dtype=object)
        order = np.argsort(pieces.shard, kind="stable")
        borders = np.flatnonzero(np.diff(pieces.shard[order])) + 1
        for own in np.split(order, borders) if len(order) else []:
            shard = self._content.shard(block, int(pieces.shard[own[0]]), head)
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

    def _targets(self, ids, lasts, silent):
        targets = np.empty(len(ids), dtype=self._targets_dtype)
        targets[:-1] = ids[1:]
        targets[-1] = NO_TARGET
        for last, following in lasts:
            targets[last] = NO_TARGET if following is None else np.where(following < 0, NO_TARGET, following)
        for start, end in silent:
            targets[start:end] = NO_TARGET
        return targets

    def _count_targets(self, step, ranges, head):
        """Targets of all ranks: those of its blocks, without those of documents that were taken down."""
        count = 0
        for _, part, block in ranges:
            count += block.count_targets(part["from"], part["to"])
            if self._masks.is_empty:
                continue
            pieces = block.pieces(np.arange(part["from"], part["to"]))
            for piece, _ in self._judge(block, pieces, step["step"], head):
                count -= int(pieces.length[piece]) - (pieces.next is None or int(pieces.next[piece]) < 0)
        return count

    def _judge(self, block, pieces, step, head):
        """The pieces that are masked, and how. A block of version 1 does not say which documents they are of: their shards do."""
        for piece in range(len(pieces.start)):
            if pieces.slot is not None:
                address = (int(pieces.slot[piece]) & 0xFFFFFFFF, int(pieces.row[piece]) & 0xFFFFFFFF)
            else:
                address = self._content.shard(block, int(pieces.shard[piece]), head).address_at(int(pieces.start[piece]))
            masked = self._masks.judge(address, step)
            if masked is not None:
                yield piece, masked


def _lay_out(room, counts, first):
    """Where pieces that take so much room start, its sample's first token being at `first`, and what each sample has taken."""
    ends = np.cumsum(room, dtype=np.int64)
    lasts = np.cumsum(counts)
    before = np.concatenate(([0], ends))[lasts - counts]
    used = np.concatenate(([0], ends))[lasts] - before
    return ends - room + np.repeat(first - before, counts), used
