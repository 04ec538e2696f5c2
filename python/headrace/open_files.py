"""The files that are open at once."""

import threading
from collections import OrderedDict


class OpenFiles:
    """Opened blocks and shards by their keys, `files_max` of them and `bytes_max` bytes: the one used longest ago goes first. Threads may share it."""

    def __init__(self, files_max, bytes_max=None):
        self.files_max = files_max
        self.bytes_max = bytes_max
        self._files = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key, open_file):
        with self._lock:
            file = self._files.get(key)
            if file is not None:
                self._files.move_to_end(key)
                return file
        file = open_file()
        with self._lock:
            self._drop(key)
            self._files[key] = file
            self._bytes += file.size
            self._trim()
        return file

    def has(self, key):
        with self._lock:
            return key in self._files

    def drop(self, key):
        """Forgets a file, which closes when nobody reads it any more."""
        with self._lock:
            self._drop(key)

    def _trim(self):
        # What was opened last is about to be read.
        while len(self._files) > 1 and (len(self._files) > self.files_max or self._bytes > (self.bytes_max or self._bytes)):
            self._drop(next(iter(self._files)))

    def _drop(self, key):
        file = self._files.pop(key, None)
        if file is not None:
            self._bytes -= file.size
