"""The cache that the processes of a node share: test_cache.py FEED_DIR WORK_DIR SEED [KILLS]. FEED_DIR is `feed`, beside its shards."""

import hashlib
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

import pyarrow as pa
from faulty_server import FaultyServer
from support import error_of
from headrace import Feed, FeedError
from headrace.cache.locks import guard, try_lock
from test_remote import QUICK, check_equal, files_in, read_folder


def check_bound(path, work):
    """All of the feed goes through a cache that holds a part of it, and what is there never comes to more."""
    needed = needed_by(path, work)
    whole = sum(os.path.getsize(file) for file in files_in(os.path.dirname(path)) if file.endswith(".arrow"))
    for bytes_max in (needed, needed + needed // 2):
        assert bytes_max < whole, (bytes_max, whole)
        folder, seen, done = tempfile.mkdtemp(dir=work), [], threading.Event()
        watch = threading.Thread(target=lambda: watch_bytes(folder, seen, done))
        watch.start()
        with FaultyServer(os.path.dirname(path)) as server:
            check_equal(path, Feed(server.url, cache=folder, cache_bytes_max=bytes_max, **QUICK))
        done.set()
        watch.join()
        assert 0 < max(seen) <= bytes_max, (max(seen), bytes_max)


def watch_bytes(folder, seen, done):
    while not done.wait(0.001):
        # Nobody makes room meanwhile, so that what was removed is not counted with what came for it.
        with guard(os.path.join(folder, "lock")):
            seen.append(sum(os.path.getsize(file) for file in files_in(folder)))


def needed_by(path, work):
    """The most that a step needs: a cache of a byte says what the first does, and so on."""
    needed = 1
    with FaultyServer(os.path.dirname(path)) as server:
        while True:
            try:
                for _ in Feed(server.url, cache=tempfile.mkdtemp(dir=work), cache_bytes_max=needed, **QUICK):
                    pass
                return needed
            except FeedError as error:
                assert "cache_bytes_max" in str(error), error
                said = [int(word) for word in str(error).split() if word.isdigit() and int(word) > needed]
                assert said, error
                needed = min(said)


def check_shared(path, work):
    """Four processes read at once, and each file is fetched once."""
    folder = tempfile.mkdtemp(dir=work)
    with FaultyServer(os.path.dirname(path)) as server:
        readers = [start_reader(server.url, folder) for _ in range(4)]
        for reader in readers:
            assert reader.wait() == 0 and reader.stdout.read() == digest_of(read_folder(path))
        fetched = {of: count for of, count in server.requests.items() if of[0] == "GET" and of[1].endswith(".arrow")}
    assert fetched and set(fetched.values()) == {1}, fetched


def check_kills(path, work, seed, kills):
    """Of two that read, one is killed while a file comes to it: the other has all, and the next one finds nothing that is left."""
    chance = random.Random(seed)
    killed = 0
    for kill in range(kills):
        folder, victims, at = tempfile.mkdtemp(dir=work), [], chance.randrange(1, 12)
        fetches = []

        def act(request):
            if "victim" not in request.headers.get("Authorization", "") or not request.path.endswith(".arrow") or request.command == "HEAD":
                return None
            fetches.append(request)
            if len(fetches) != at:
                return None
            # It has some of the file, and its lock.
            return {"cut": chance.randrange(200), "then": lambda: victims[0].send_signal(signal.SIGKILL)}

        with FaultyServer(os.path.dirname(path), act) as server:
            victims.append(start_reader(server.url, folder, "victim"))
            other = start_reader(server.url, folder, "other")
            assert other.wait() == 0 and other.stdout.read() == digest_of(read_folder(path)), (kill, seed)
            killed += victims[0].wait() == -signal.SIGKILL
            check_equal(path, Feed(server.url, cache=folder, **QUICK))
            left = [file for file in files_in(folder) if not file.endswith((".file", "lock"))]
            assert not left, (kill, seed, left)
            for file in files_in(folder):
                with open(file, "rb") as opened:
                    content = opened.read()
                assert file.endswith("lock") or hashlib.sha256(content).hexdigest() == os.path.basename(file)[:64], (kill, seed, file)
    assert killed >= max(kills // 3, 1), killed


def check_waiting(path, work):
    """Who has stopped while it fetches is not waited for without end."""
    folder, stopped = tempfile.mkdtemp(dir=work), threading.Event()

    def act(request):
        if "victim" in request.headers.get("Authorization", "") and "/blocks/" in request.path and request.command == "GET":
            return {"cut": 50, "then": lambda: (victim.send_signal(signal.SIGSTOP), stopped.set())}

    with FaultyServer(os.path.dirname(path), act) as server:
        victim = start_reader(server.url, folder, "victim")
        assert stopped.wait(60)
        message = error_of(lambda: next(Feed(server.url, cache=folder, timeout=0.3, poll_seconds=0.01)))
        assert "another process or thread of this node fetches" in message, message
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        check_equal(path, Feed(server.url, cache=folder, **QUICK))


def check_damage(path, work):
    """What rots on the cache's disk is fetched again once, and what is cut as well."""
    kinds = {"a token": (flip_token, "pieces"), "the middle": (flip_middle, "files"), "the end": (lambda file, content: content[:-9], "off")}
    for kind, (change, verify) in kinds.items():
        folder = tempfile.mkdtemp(dir=work)
        with FaultyServer(os.path.dirname(path)) as server:
            check_equal(path, Feed(server.url, cache=folder, **QUICK))
            before = sum(server.requests.values())
            check_equal(path, Feed(server.url, cache=folder, **QUICK))
            twice = [of for of, count in server.requests.items() if of[0] == "GET" and of[1].endswith(".arrow") and count > 1]
            assert not twice, "the second time it is read from the cache"
            for file in files_in(folder):
                if file.endswith(".file"):
                    with open(file, "rb") as opened:
                        content = change(file, opened.read())
                    # What is mapped stays as it is.
                    os.remove(file)
                    with open(file, "wb") as opened:
                        opened.write(content)
            feed = Feed(server.url, cache=folder, verify=verify, **QUICK)
            check_equal(path, feed)
            assert feed.retries.get("damaged", 0) > 10 and sum(server.requests.values()) > before, (kind, feed.retries)


def flip_middle(_, content):
    return content[: len(content) // 2] + b"\xff" * 64 + content[len(content) // 2 + 64 :]


def flip_token(file, content):
    """A shard with its first token another, or a block as it is."""
    mapped = pa.memory_map(file)
    batch = pa.ipc.open_file(mapped).get_batch(0)
    if "id" not in batch.schema.names:
        return content
    at = batch.column("tokens").values.buffers()[1].address - mapped.read_buffer().address
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def check_full(path, work):
    """A disk that fills: what nobody reads is removed, and where that is not enough the disk is named."""
    disk = os.path.join(work, "disk")
    os.mkdir(disk)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode != 0:
        print("a full disk was not tried: this user may not mount one")
        return
    try:
        with FaultyServer(os.path.dirname(path)) as server:
            message = error_of(lambda: list(Feed(server.url, cache=os.path.join(disk, "cache"), **QUICK)))
            assert all(part in message for part in (disk, "is full", "are free", "cache_bytes_max")), message
            assert not [file for file in files_in(disk) if file.endswith(".part")]
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def check_foreign(path, work):
    """Of a folder that others use nothing else is removed. Of the cache's own go what nobody fetches any more, and what was read longest ago."""
    folder = tempfile.mkdtemp(dir=work)
    foreign = [os.path.join(folder, name) for name in ("thesis.doc", "notes.file", "notes.part", "0" * 64, "0" * 64 + ".txt")]
    left, fetched, old = (os.path.join(folder, name) for name in ("a" * 64 + ".part", "b" * 64 + ".part", "c" * 64 + ".file"))
    for file in (*foreign, left, fetched, old):
        with open(file, "wb") as opened:
            opened.write(bytes(4096))
    os.utime(old, (0, 0))
    with FaultyServer(os.path.dirname(path)) as server, open(fetched, "rb") as claimed:
        assert try_lock(claimed)
        needed = needed_by(path, work)
        check_equal(path, Feed(server.url, cache=folder, cache_bytes_max=needed + 4096, **QUICK))
        assert set(foreign) <= set(files_in(folder))
        assert os.path.exists(fetched) and not os.path.exists(left) and not os.path.exists(old)


def check_fsspec(path, work):
    try:
        import fsspec
    except ImportError:
        print("fsspec is not installed: its stores were not tried")
        return
    memory = fsspec.filesystem("memory")
    memory.put(os.path.dirname(path), "/run", recursive=True)
    for address in ("memory://run/feed", f"file://{path}"):
        folder = tempfile.mkdtemp(dir=work)
        check_equal(path, Feed(address, cache=folder, **QUICK))
    name = next(name for name in memory.find("/run/shards"))
    content = memory.cat_file(name)
    memory.pipe_file(name, content[:50] + bytes([content[50] ^ 1]) + content[51:])
    message = error_of(lambda: list(Feed("memory://run/feed", cache=tempfile.mkdtemp(dir=work), **QUICK)))
    assert name in message and "fetched twice" in message, message
    memory.rm_file(name)
    assert "No such file" in error_of(lambda: list(Feed("memory://run/feed", cache=tempfile.mkdtemp(dir=work), **QUICK)))


def start_reader(url, folder, token="t"):
    return subprocess.Popen([sys.executable, __file__, "--read", url, folder, token], stdout=subprocess.PIPE, text=True)


def read(url, folder, token):
    logging.getLogger("headrace").addHandler(logging.NullHandler())
    print(digest_of(Feed(url, cache=folder, token=token, **QUICK)), end="")


def digest_of(batches):
    digest = hashlib.sha256()
    for batch in batches:
        digest.update(batch["input_ids"].tobytes() + batch["targets"].tobytes() + repr(batch["documents"]).encode())
    return digest.hexdigest()


def main(path, work, seed, kills=30):
    print(f"seed {seed}")
    checks = (check_bound, check_shared, check_waiting, check_damage, check_full, check_foreign, check_fsspec)
    for check in checks:
        began = time.monotonic()
        check(path, work)
        print(check.__name__, f"{time.monotonic() - began:.1f} s")
    began = time.monotonic()
    check_kills(path, work, int(seed), int(kills))
    print("check_kills", f"{time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    logging.getLogger("headrace").addHandler(logging.NullHandler())
    read(*sys.argv[2:]) if sys.argv[1] == "--read" else main(*sys.argv[1:])
