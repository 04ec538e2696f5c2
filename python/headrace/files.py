"""The Arrow files of a feed: blocks, which list samples, and shards, which hold tokens."""

import json
import os
from collections import OrderedDict

import numpy as np
import pyarrow as pa

from .errors import FeedError


class OpenFiles:
    """Mapped files by path, at most `files_max`: the one used longest ago goes first."""

    def __init__(self, files_max):
        self._files = OrderedDict()
        self._files_max = files_max

    def get(self, path, open_file):
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = open_file()
            if len(self._files) > self._files_max:
                self._files.popitem(last=False)
        else:
            self._files.move_to_end(path)
        return file


def _open_batches(path):
    reader = pa.ipc.open_file(pa.memory_map(path))
    batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
    for batch in batches:
        batch.validate()
    return reader.schema.metadata or {}, batches


def _ints(array):
    if array.type != pa.int32():
        raise FeedError(f"a column of {array.type} stands where one of int32 should")
    if len(array) == 0:
        return np.empty(0, dtype=np.int32)
    return np.frombuffer(array.buffers()[1], dtype=np.int32, count=array.offset + len(array))[array.offset :]


def _offsets(lists):
    """Offsets of a list column: they rise, and end within its values."""
    offsets = _ints(lists.offsets)
    if len(offsets) and (offsets[0] < 0 or (np.diff(offsets) < 0).any() or offsets[-1] > len(lists.values)):
        raise FeedError("a list column is damaged: its offsets don't rise within its values")
    return offsets


class Block:
    """A block: for each sample its pieces (shard, start, tokens)."""

    def __init__(self, path):
        metadata, batches = _open_batches(path)
        self._path = path
        self._shards = json.loads(metadata[b"block"])["shards"]
        self._batches = [
            (_offsets(b.column("shard")), *(_ints(b.column(name).values) for name in ("shard", "start", "length")))
            for b in batches
        ]
        self._ends = np.cumsum([b.num_rows for b in batches])

    @property
    def rows(self):
        return int(self._ends[-1]) if len(self._ends) else 0

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
        for offsets, _, _, length in self._batches:
            rows = len(offsets) - 1
            low, high = (min(max(row - first, 0), rows) for row in (start, end))
            part = length[int(offsets[low]) : int(offsets[high])]
            count += int(part.sum(dtype=np.int64)) - len(part)
            first += rows
        return count

    def pieces(self, row):
        if not 0 <= row < self.rows:
            raise FeedError(f"block {self._path} has no sample {row}: it has {self.rows}")
        index = int(np.searchsorted(self._ends, row, side="right"))
        row -= int(self._ends[index - 1]) if index > 0 else 0
        offsets, shard, start, length = self._batches[index]
        part = slice(int(offsets[row]), int(offsets[row + 1]))
        return zip(shard[part].tolist(), start[part].tolist(), length[part].tolist())


class Shard:
    """A shard: its tokens counted through all documents, and each document's id."""

    def __init__(self, path, expected):
        _, batches = _open_batches(path)
        self._path = path
        self._ids = [b.column("id") for b in batches]
        for ids in self._ids:
            # A damaged string column would be read beyond its buffer.
            ids.validate(full=True)
        self._starts = [_offsets(b.column("tokens")) for b in batches]
        self._tokens = [_ints(b.column("tokens").values) for b in batches]
        self._addresses = [(b.column("slot"), b.column("row")) for b in batches]
        self._ends = np.cumsum([len(tokens) for tokens in self._tokens])
        rows, tokens = sum(b.num_rows for b in batches), int(self._ends[-1]) if batches else 0
        if (rows, tokens, os.path.getsize(path)) != (expected["rows"], expected["tokens"], expected["bytes"]):
            raise FeedError(f"shard {path} is not the one that its block names: it has {rows} rows and {tokens} tokens")

    def copy_tokens(self, start, target):
        index, at = self._find(start)
        done = 0
        while done < len(target):
            if index == len(self._tokens):
                raise FeedError(f"shard {self._path} ends before token {start + len(target)}")
            part = self._tokens[index][at : at + len(target) - done]
            target[done : done + len(part)] = part
            done += len(part)
            index, at = index + 1, 0

    def id_at(self, token):
        index, at = self._find(token)
        return self._ids[index][int(np.searchsorted(self._starts[index], at, side="right")) - 1].as_py()

    def address_at(self, token):
        """The slot and row of the document that holds a token."""
        index, at = self._find(token)
        row = int(np.searchsorted(self._starts[index], at, side="right")) - 1
        return tuple(column[row].as_py() for column in self._addresses[index])

    def _find(self, token):
        index = int(np.searchsorted(self._ends, token, side="right"))
        if token < 0 or index == len(self._ends):
            raise FeedError(f"token {token} lies outside shard {self._path}")
        return index, token - (int(self._ends[index - 1]) if index > 0 else 0)
