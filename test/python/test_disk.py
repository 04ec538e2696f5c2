"""What is read from the disk, and which files are opened how often: test_disk.py FEED_DIR WORK_DIR SEED. FEED_DIR is `feed`, beside its shards."""

import logging
import os
import random
import resource
import sys
import tempfile
from collections import Counter

import numpy as np
import support  # noqa: F401
from headrace import Feed
from headrace.mapped import Mapped
from test_remote import check_equal

PLACES = 40


def check_pages(folder, seed):
    """Of a file that is read in places come the pages that are read, and what will be needed comes before it is."""
    file, chance = os.path.join(folder, "cold"), random.Random(seed)
    places = np.array(sorted(chance.sample(range(1 << 12), PLACES))) * 16_384 + 4000
    with open(file, "wb") as opened:
        opened.write(chance.randbytes(1 << 26))
        opened.flush()
        os.fsync(opened.fileno())
    around, alone = (read_cold(file, places, in_places, needed=False) for in_places in (False, True))
    if around == 0:
        print("what comes from the disk was not looked at: this file system does not count it")
        return
    # Each of these spans lies over the border of two pages.
    assert alone <= PLACES * 2 * 4096 < around, (alone, around)
    needed = read_cold(file, places, in_places=True, needed=True)
    assert PLACES * 4096 <= needed <= PLACES * 2 * 4096, needed


def read_cold(file, places, in_places, needed):
    """Bytes that came from the disk while 200 bytes of each place were read, or said to be needed."""
    with open(file, "rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        mapped = Mapped(opened, file, file)
    if in_places:
        mapped.read_in_places()
    before = bytes_read()
    if needed:
        mapped.will_need(places, places + 200)
    else:
        for place in places.tolist():
            bytes(memoryview(mapped._map)[place : place + 200])
    return bytes_read() - before


def bytes_read():
    return resource.getrusage(resource.RUSAGE_SELF).ru_inblock * 512


def check_opened(path, work):
    """A file is opened once, however often its block is read from, unless nothing was read from that for many steps."""
    check_equal(path, Feed(path))
    opened = opened_by(lambda: check_equal(path, Feed(path)))
    assert sum(opened) < 1.2 * len(opened), opened
    # With fewer files than a step has it is over and over.
    opened = opened_by(lambda: check_equal(path, Feed(path, files_max=3)))
    assert sum(opened) > 3 * len(opened), opened


opened_files = Counter()


def opened_by(act):
    opened_files.clear()
    act()
    assert opened_files
    return list(opened_files.values())


def check_descriptors(path):
    """Where a process may not have as many files open it says so, and reads all the same."""
    told = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    logging.getLogger("headrace").addHandler(handler)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, hard))
    try:
        check_equal(path, Feed(path))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        logging.getLogger("headrace").removeHandler(handler)
    assert len(told) == 1 and "ulimit -n" in told[0], told


def main(path, work, seed):
    sys.addaudithook(lambda event, given: note(given) if event == "open" else None)
    # What is temporary is often in memory, and this is to be on a disk.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        check_pages(folder, seed)
    check_opened(path, work)
    check_descriptors(path)


def note(given):
    if isinstance(given[0], str) and given[0].endswith(".arrow"):
        opened_files[given[0]] += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
