"""Memory of arrays that the caller has let go of, for the next ones."""

import sys

import numpy as np

KEPT_MAX = 12


class Buffers:
    """Gives arrays of any content. New memory costs a fault of the system for each 4 KB, which for a batch takes longer than to fill it: so what
    nobody holds any more is given again. An array that somebody holds, or a view or tensor of it, is never given twice."""

    def __init__(self):
        self._blocks = [np.empty(1, dtype=np.uint8)]
        # What counts besides is another number from version to version of Python; and without the lock of the interpreter none is exact.
        self._free = self._holders(0)
        view = self._blocks[0].view(np.int8).reshape(1, 1)
        is_locked = getattr(sys, "_is_gil_enabled", lambda: True)()
        self._is_exact = is_locked and self._holders(0) == self._free + 1
        del view
        self._blocks.pop()

    def take(self, shape, dtype):
        """An array of this shape and type."""
        dtype = np.dtype(dtype)
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        return self._block(size).view(dtype).reshape(shape)

    def _block(self, size):
        for i in range(len(self._blocks) if self._is_exact else 0):
            if len(self._blocks[i]) == size and self._holders(i) == self._free:
                return self._blocks[i]
        block = np.empty(size, dtype=np.uint8)
        if self._is_exact:
            self._blocks.append(block)
        if len(self._blocks) > KEPT_MAX:
            self._blocks.pop(0)
        return block

    def _holders(self, index):
        """References to a block: arrays that were made of it have one each."""
        return sys.getrefcount(self._blocks[index])
