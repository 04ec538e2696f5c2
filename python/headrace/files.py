"""The Arrow files of a feed: blocks, which list samples, and shards, which hold tokens."""

import json
from collections import namedtuple

import numpy as np
import pyarrow as pa

from .errors import FeedError


def _ints(array):
    if array.type != pa.int32():
        raise FeedError(f"a column of {array.type} stands where one of int32 should")
    if len(array) == 0:
        return np.empty(0, dtype=np.int32)
    return np.frombuffer(array.buffers()[1], dtype=np.int32, count=array.offset + len(array))[array.offset :]


def _strings(array):
    """Where each string begins in their text, and the text, which is not read here."""
    if array.type != pa.string():
        raise FeedError(f"a column of {array.type} stands where one of strings should")
    _, offsets, text = array.buffers()
    if len(array) == 0:
        return np.zeros(1, dtype=np.int32), memoryview(b"")
    starts = np.frombuffer(offsets, dtype=np.int32, count=array.offset + len(array) + 1)[array.offset :]
    # A damaged column would be read beyond its text.
    if starts[0] < 0 or (np.diff(starts) < 0).any() or starts[-1] > len(text or b""):
        raise FeedError("a column of strings is damaged: its offsets don't rise within its text")
    return starts, memoryview(text or b"")


def _offsets(lists):
    """Offsets of a list column: they rise, and end within its values."""
    offsets = _ints(lists.offsets)
    if len(offsets) and (offsets[0] < 0 or (np.diff(offsets) < 0).any() or offsets[-1] > len(lists.values)):
        raise FeedError("a list column is damaged: its offsets don't rise within its values")
    return offsets


# Pieces of samples as arrays: of each its shard's number in the block, its first token there, its tokens, their CRC-32, and its document's slot
# and row; the last three are None in a block of version 1. `counts` has the pieces of each sample.
Pieces = namedtuple("Pieces", "counts shard start length check slot row")


class Block:
    """A block: for each sample its pieces. `sha256` is what its file must have, or None."""

    def __init__(self, mapped, sha256=None):
        if sha256 is not None:
            mapped.check_hash(sha256, "the ledger")
        metadata, batches = mapped.open_batches()
        self._path = mapped.name
        self.size = len(mapped)
        says = json.loads(metadata[b"block"])
        self._shards = says["shards"]
        names = ("shard", "start", "length", "check", "slot", "row")
        self._is_bound = says["version"] == 2
        columns = names if self._is_bound else names[:3]
        self._batches = [
            (_offsets(b.column("shard")), *(_ints(b.column(name).values) for name in columns)) for b in batches
        ]
        self._ends = np.cumsum([b.num_rows for b in batches])

    @property
    def rows(self):
        return int(self._ends[-1]) if len(self._ends) else 0

    @property
    def shards(self):
        """How many shards it is of."""
        return len(self._shards)

    def shard(self, index):
        """What the block says of its shard `index`."""
        # A negative index would be counted from the end.
        if not 0 <= index < len(self._shards):
            raise FeedError(f"block {self._path} names shard {index} and lists {len(self._shards)}")
        return self._shards[index]

    def count_targets(self, start, end):
        """Targets of the samples from `start` up to `end`: a piece has one less than tokens."""
        if not 0 <= start <= end <= self.rows:
            raise FeedError(f"block {self._path} has {self.rows} samples, and {start} to {end} are asked for")
        count, first = 0, 0
        for offsets, _, _, length, *_ in self._batches:
            rows = len(offsets) - 1
            low, high = (min(max(row - first, 0), rows) for row in (start, end))
            part = length[int(offsets[low]) : int(offsets[high])]
            count += int(part.sum(dtype=np.int64)) - len(part)
            first += rows
        return count

    def pieces(self, rows):
        """The pieces of samples, by their numbers in rising order."""
        if len(rows) and not 0 <= rows[0] <= rows[-1] < self.rows:
            raise FeedError(f"block {self._path} has {self.rows} samples, and {rows[0]} to {rows[-1]} are asked for")
        index = np.searchsorted(self._ends, rows, side="right")
        parts = [self._pieces_in(batch, rows[index == batch]) for batch in np.unique(index).tolist()]
        return Pieces(*(_join(columns) for columns in zip(*parts))) if parts else self._pieces_in(0, rows)

    def _pieces_in(self, batch, rows):
        offsets, *columns = self._batches[batch]
        rows = rows - (int(self._ends[batch - 1]) if batch > 0 else 0)
        first, counts = offsets[rows], offsets[rows + 1] - offsets[rows]
        before = np.cumsum(counts) - counts
        at = np.arange(int(counts.sum())) + np.repeat(first - before, counts)
        taken = [column[at] for column in columns]
        return Pieces(counts, *taken, *([None] * (6 - len(taken))))


def _join(columns):
    return None if columns[0] is None else np.concatenate(columns)


class Shard:
    """A shard: its tokens counted through all documents, and each document's id."""

    def __init__(self, mapped, expected, is_hashed=False):
        if is_hashed:
            mapped.check_hash(expected["sha256"], "its block")
        mapped.read_in_places()
        _, batches = mapped.open_batches()
        self._mapped = mapped
        self._path = mapped.name
        self.size = len(mapped)
        self._ids = [_strings(b.column("id")) for b in batches]
        self._starts = [_offsets(b.column("tokens")) for b in batches]
        self._tokens = [_ints(b.column("tokens").values) for b in batches]
        self._addresses = [(b.column("slot"), b.column("row")) for b in batches]
        self._ends = np.cumsum([len(tokens) for tokens in self._tokens])
        rows, tokens = sum(b.num_rows for b in batches), int(self._ends[-1]) if batches else 0
        if (rows, tokens, self.size) != (expected["rows"], expected["tokens"], expected["bytes"]):
            raise FeedError(f"shard {self._path} is not the one that its block names: it has {rows} rows and {tokens} tokens")

    def view(self, start, tokens):
        """So many tokens from `start` on, as they lie in the file: they are of one document, and so of one record batch."""
        if len(self._tokens) == 1:
            part, at = self._tokens[0], start
        else:
            index, at = self._find(start)
            part = self._tokens[index]
        view = part[at : at + tokens]
        if start < 0 or len(view) != tokens:
            raise FeedError(f"shard {self._path} has no {tokens} tokens from {start} on")
        return view

    def damaged_at(self, start, tokens):
        """The error where tokens are not those that a block lists."""
        return self._mapped.damaged(f"its tokens {start} to {start + tokens - 1} are not those that its block was cut from")

    def will_need(self, start, length):
        """Says that pieces are read soon, by arrays of their first tokens and their tokens."""
        for batch, at, which in self._by_batch(start):
            first = self._mapped.place_of(self._tokens[batch]) + 4 * at.astype(np.int64)
            self._mapped.will_need(first, first + 4 * length[which])

    def ids_at(self, tokens):
        """Of each token the id of the document that holds it."""
        ids = np.empty(len(tokens), dtype=object)
        for batch, at, which in self._by_batch(tokens):
            rows = np.searchsorted(self._starts[batch], at, side="right") - 1
            offsets, text = self._ids[batch]
            spans = zip(offsets[rows].tolist(), offsets[rows + 1].tolist())
            try:
                ids[which] = [str(text[start:end], "utf-8") for start, end in spans]
            except UnicodeDecodeError as error:
                raise self._mapped.damaged(f"an id is no text ({error})") from error
        return ids

    def address_at(self, token):
        """The slot and row of the document that holds a token."""
        index, at = self._find(token)
        row = int(np.searchsorted(self._starts[index], at, side="right")) - 1
        return tuple(column[row].as_py() for column in self._addresses[index])

    def _by_batch(self, tokens):
        """The record batches that hold tokens, each with their places in it and which they are."""
        if len(self._ends) == 1:
            # Those of a piece are copied before anything else is asked, and so lie within.
            yield 0, tokens, slice(None)
            return
        index = np.searchsorted(self._ends, tokens, side="right")
        for batch in np.unique(index).tolist():
            if batch == len(self._starts):
                raise FeedError(f"token {int(tokens.max())} lies outside shard {self._path}")
            which = index == batch
            yield batch, tokens[which] - (int(self._ends[batch - 1]) if batch > 0 else 0), which

    def _find(self, token):
        index = int(np.searchsorted(self._ends, token, side="right"))
        if token < 0 or index == len(self._ends):
            raise FeedError(f"token {token} lies outside shard {self._path}")
        return index, token - (int(self._ends[index - 1]) if index > 0 else 0)
