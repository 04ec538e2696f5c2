"""Memory of arrays that the caller has let go of, for the next ones."""

import sys

import numpy as np

KEPT_MAX = 12


class Buffers:
    """Gives arrays of any content. New memory costs a fault of the system for each 4 KB, which for a batch takes longer than to fill it: so what
    nobody holds any more is given again. An array that somebody holds, or a view or tensor of it, is never given twice."""

    def __init__(self):
        self._blocks = []
        # Without the lock of the interpreter counts of references are no longer exact.
        self._counts = getattr(sys, "_is_gil_enabled", lambda: True)()

    def take(self, shape, dtype):
        """An array of this shape and type."""
        dtype = np.dtype(dtype)
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        return self._block(size).view(dtype).reshape(shape)

    def _block(self, size):
        # The list, the name `block` and the call's argument hold it; arrays that were made of it hold it, too.
        for i in range(len(self._blocks) if self._counts else 0):
            block = self._blocks[i]
            if len(block) == size and sys.getrefcount(block) == 3:
                return block
        block = np.empty(size, dtype=np.uint8)
        self._blocks.append(block)
        if len(self._blocks) > KEPT_MAX:
            self._blocks.pop(0)
        return block
