"""Files that are mapped for reading, and what the system is told of how they will be read."""

import hashlib
import mmap

import numpy as np
import pyarrow as pa

from .errors import DamagedFile

CHUNK = 1 << 20


class Mapped:
    """A file's bytes. `name` is what errors call it, `path` where its source has it, and `fetched` how often it had been fetched again. It stays
    whole though its file is removed."""

    def __init__(self, file, name, path, fetched=0):
        self.name = name
        self.path = path
        self.fetched = fetched
        # It has a descriptor of its own, which keeps the lock of a cached file.
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._first = np.frombuffer(self._map, dtype=np.uint8, count=1).__array_interface__["data"][0]

    def __len__(self):
        return len(self._map)

    def open_batches(self):
        """The Arrow file's metadata and its record batches, of which nothing is copied."""
        reader = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(self._map)))
        batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
        for batch in batches:
            batch.validate()
        return reader.schema.metadata or {}, batches

    def check_hash(self, sha256, who):
        """Raises DamagedFile unless the file has this SHA-256. `who` is what says so."""
        digest = hashlib.sha256()
        for at in range(0, len(self._map), CHUNK):
            digest.update(memoryview(self._map)[at : at + CHUNK])
        if digest.hexdigest() != sha256:
            raise self.damaged(f"it has other bytes than {who} says, by their SHA-256 {sha256}")

    def damaged(self, what):
        """The error that names this file."""
        mend = "restore it from a copy, and see headrace verify for what else is damaged"
        return DamagedFile(f"{self.name} is damaged: {what}: {mend}", self)

    def place_of(self, array):
        """The byte of the file at which an array begins that lies in it."""
        return array.__array_interface__["data"][0] - self._first

    def read_in_places(self):
        """Says that a page will be read here and there, so that none of those around are read from the disk as well."""
        _advise(self._map, "MADV_RANDOM", 0, len(self._map))

    def will_need(self, starts, ends):
        """Says that these bytes are read soon: the disk begins with them, and nobody waits."""
        for start, end in zip((starts // mmap.PAGESIZE * mmap.PAGESIZE).tolist(), ends.tolist()):
            _advise(self._map, "MADV_WILLNEED", start, end - start)


def _advise(mapped, name, start, length):
    # Not every system has these.
    if hasattr(mmap, name):
        mapped.madvise(getattr(mmap, name), start, length)
