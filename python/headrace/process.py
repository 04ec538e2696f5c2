"""Keeps a step from being read twice, where a program works with several processes."""

import os
import sys

from .errors import FeedError


class OwnProcess:
    """Remembers the process that it was made in."""

    def __init__(self):
        self._pid = os.getpid()

    def check(self):
        """Refuses to read in a copy that another process has, and beside other workers of a DataLoader of PyTorch."""
        self.check_owner()
        worker = _torch_worker()
        if worker is not None and worker.num_workers > 1:
            raise FeedError(
                f"this is worker {worker.id} of the {worker.num_workers} of a DataLoader, and each would give every step: use num_workers=0 or "
                "1, or headrace.torch.StepDataset, of which every worker reads its own steps"
            )

    @property
    def is_own(self):
        return os.getpid() == self._pid

    def check_owner(self):
        """Refuses to read in a copy that another process has."""
        if not self.is_own:
            raise FeedError(
                "this Feed was made in another process, whose state() would stay where it is: make the Feed in the process that "
                "reads it, as in __iter__ of a dataset, and use num_workers=0 or 1"
            )


def _torch_worker():
    """What PyTorch says of the DataLoader's worker that this process is, or None. PyTorch is not imported for it."""
    data = sys.modules.get("torch.utils.data")
    return data.get_worker_info() if data is not None else None
