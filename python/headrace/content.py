"""Opens the blocks and shards of a feed, each checked, and as many at once as the steps need."""

import errno
import os
from collections import deque

import numpy as np

from .errors import FeedError
from .files import Block, Shard
from .names import folder_before, folder_of
from .open_files import OpenFiles
from .store import Wanted
from .trim import check_let_go
from .waiting import log

# Blocks of so many steps keep their files open: where a domain goes on to its next block, steps of both are made side by side.
RECENT_STEPS = 16


class Content:
    """Blocks and shards by what ledger and blocks say of them. `files_max` None: as many are open as the blocks in use name, see `keep_open`."""

    def __init__(self, store, verify, files_max):
        self._store = store
        self._verify = verify
        self._open = OpenFiles(files_max or descriptors_max(), store.bytes_max)
        self._follows_blocks = files_max is None
        self._recent = deque(maxlen=RECENT_STEPS)
        self._told = False

    def block(self, domain, part, sha256):
        """The block of a step's range. `sha256` is what the ledger says of its file, or None."""
        number, epoch, cut = part["block"], part["epoch"], part.get("cut", 0)
        name = f"{number:08d}{f'.{epoch}' if epoch else ''}{f'.cut{cut}' if cut else ''}.arrow"
        return self._open.get((domain, name, sha256), lambda: self._find_block(domain, name, sha256))

    def want_shard(self, block, index, head):
        """What the block's shard `index` is, to have it at hand."""
        says = block.shard(index)
        return Wanted(f"{head['shards']}/{says['path']}", says["bytes"], says.get("sha256"), "its block")

    def shard(self, block, index, head):
        """The block's shard `index`."""
        says, wanted = block.shard(index), self.want_shard(block, index, head)
        is_hashed = self._verify == "files"
        return self._open.get(wanted.path, lambda: self._make(wanted, lambda mapped: Shard(mapped, says, is_hashed)))

    def bring(self, step, parts, head):
        """Has all files of a step at hand before the first is read, where they have to be fetched."""
        if self._store.bytes_max is None:
            return
        files = self.files_of(parts, head)
        blocks = {id(part.block): part.block.size for part in parts}
        needed = sum(blocks.values()) + sum(wanted.size for wanted in files)
        self._open.bytes_max = max(needed, self._store.bytes_max)
        missing = [wanted for wanted in files if not self._open.has(wanted.path)]
        self._store.bring(step["step"], missing, needed - sum(wanted.size for wanted in missing))

    def files_of(self, parts, head):
        """The shards that a rank's parts of a step lie in."""
        wanted = [self.want_shard(part.block, index, head) for part in parts for index in np.unique(part.pieces.shard).tolist()]
        return list({file.path: file for file in wanted}.values())

    def shard_at_hand(self, block, index, head):
        """The block's shard `index`, or None where it would have to be fetched."""
        is_there = self._store.bytes_max is None or self._open.has(self.want_shard(block, index, head).path)
        return self.shard(block, index, head) if is_there else None

    def forget(self, error):
        """Whether what was found damaged may be another file when it is opened again: one that was fetched is fetched once more."""
        if not self._store.forget(error.mapped):
            return False
        self._open.drop(error.mapped.path)
        return True

    def keep_open(self, ranges):
        """Lets as many files be open as the blocks of this step name, and those of steps just before it. With fewer, those of a shuffled block are
        opened over and over."""
        if not self._follows_blocks:
            return
        self._recent.append({id(block): 1 + block.shards for _, _, block in ranges})
        needed = sum({key: count for known in self._recent for key, count in known.items()}.values())
        if needed > descriptors_max() and not self._told:
            self._told = True
            log.warning(
                "the blocks in use have %d files, and this process keeps %d open at most, which is slower: raise its limit (ulimit -n)",
                needed,
                descriptors_max(),
            )
        self._open.files_max = min(needed, descriptors_max())

    def _find_block(self, domain, name, sha256):
        # A feed that was begun under the rule before for names of folders has blocks where that says.
        folders = dict.fromkeys((folder_of(domain), folder_before(domain)))
        for folder in folders:
            wanted = Wanted(f"blocks/{folder}/{name}", None, sha256, "the ledger")
            try:
                return self._make(wanted, lambda mapped: Block(mapped, None if self._verify == "off" else sha256))
            except FileNotFoundError:
                continue
        missing = self._store.name(f"blocks/{folder_of(domain)}/{name}")
        check_let_go(self._store, [f"blocks/{folder}/{name}" for folder in folders])
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), missing)

    def _make(self, wanted, make):
        while True:
            mapped = self._store.open(wanted)
            try:
                return make(mapped)
            except Exception:
                if not self._store.forget(mapped):
                    raise


def descriptors_max():
    """How many files may be open: three quarters of what the system lets this process have, as each takes a descriptor."""
    try:
        import resource
    except ImportError:
        return 512
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1 << 16 if limit == resource.RLIM_INFINITY else max(limit * 3 // 4, 16)
