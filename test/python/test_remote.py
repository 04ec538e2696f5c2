"""A feed behind a server whose faults are told: test_remote.py FEED_DIR WORK_DIR SEED. FEED_DIR is `feed`, beside its shards."""

import functools
import itertools
import json
import logging
import os
import random
import shutil
import sys
import tempfile
import threading
import time

from faulty_server import FaultyServer
from support import error_of
from headrace import Feed

QUICK = {"timeout": 60, "poll_seconds": 0.002}


def same(one, other):
    return all((value == other[name]).all() if hasattr(value, "all") else value == other[name] for name, value in one.items())


@functools.lru_cache
def read_folder(path):
    return list(Feed(path))


def check_equal(path, given, steps=None):
    """All steps, or the first ones, are those of the folder."""
    whole = read_folder(path)[:steps]
    given = list(itertools.islice(given, steps))
    assert len(given) == len(whole) > 0
    for batch, expected in zip(given, whole):
        assert same(batch, expected), expected["step"]


def first(times, part, fault, method="GET"):
    """Whoever asks for a file with `part` in its path gets a fault, as often as that."""
    left = [times]

    def act(request):
        if request.command != method or part not in request.path or left[0] == 0:
            return None
        left[0] -= 1
        return fault() if callable(fault) else fault

    return act


def flip(body):
    return bytes([body[0] ^ 1]) + body[1:]


def cut_then_other(part):
    """A file is cut, and is another one when the rest is asked for."""
    seen = []

    def act(request):
        if part not in request.path or request.command != "GET" or len(seen) == 2:
            return None
        seen.append(request)
        return {"cut": 50, "tag": '"before"'} if len(seen) == 1 else None

    return act


# What a server does, and how often that is counted under which name: the batches are those of the folder each time.
MENDED = {
    "429, with a time to wait": (first(2, "/blocks/", {"status": 429, "headers": {"Retry-After": "0"}}), {"429": 2}),
    "429, until a date": (first(1, "head.json", {"status": 429, "headers": {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}}), {"429": 1}),
    "a time to wait that is none": (first(1, "head.json", {"status": 503, "headers": {"Retry-After": "soon"}}), {"503": 1}),
    "502": (first(3, "/shards/", {"status": 502}), {"502": 3}),
    "503 of the ledger": (first(2, "/steps/", {"status": 503}), {"503": 2}),
    "504 of sizes": (first(2, "/blocks/", {"status": 504}, "HEAD"), {"504": 2}),
    "a shard is cut": (first(4, "/shards/", {"cut": 100}), {"cut": 4}),
    "a shard is cut where no ranges are known": (first(2, "/shards/", {"cut": 100, "ranges": False}), {"cut": 2}),
    "the ledger is cut": (first(2, "/steps/", {"cut": 100}), {"cut": 2}),
    "the head is cut": (first(2, "head.json", {"cut": 10}), {"cut": 2}),
    # One that was idle may have been closed meanwhile, which is no fault.
    "a connection ends": (first(9, "/shards/", {"drop": True}), {"connection": None}),
    "the first connection ends": (first(1, "head.json", {"drop": True}), {"connection": 1}),
    "another body of a shard": (first(1, "/shards/", {"body": flip}), {"wrong": 1}),
    "another body of a block": (first(1, "/blocks/", {"body": flip}), {"wrong": 1}),
    "a shard that is longer": (first(1, "/shards/", {"body": lambda body: body + b"x"}), {"wrong": 1}),
    "a shard that is shorter": (first(1, "/shards/", {"body": lambda body: body[:-1]}), {"wrong": 1}),
    "another body of the ledger": (first(1, "/steps/", {"body": lambda body: body.replace(b"0", b"1")}), {"wrong": 1}),
    "a head that is no JSON": (first(1, "head.json", {"body": lambda body: b"<html>"}), {"wrong": 1}),
    "a shard is changed while it is read": (cut_then_other("/shards/"), {"cut": 1, "changed": 1}),
}


def check_mended(path, work):
    for name, (act, counts) in MENDED.items():
        with FaultyServer(os.path.dirname(path), act) as server:
            feed = Feed(server.url, cache=tempfile.mkdtemp(dir=work), **QUICK)
            check_equal(path, feed, 12)
            found = {kind: count for kind, count in feed.retries.items() if count}
            assert set(found) == set(counts) and all(counts[kind] in (None, found[kind]) for kind in found), (name, found)


# What a server does for ever, the options, and what is said.
REFUSED = {
    "401": (first(-1, "", {"status": 401}), {}, ("give `token`, or set HEADRACE_TOKEN",)),
    "403 with a token": (first(-1, "", {"status": 403}), {"token": "t"}, ("does not take this token",)),
    "404": (first(-1, "head.json", {"status": 404}), {}, ("there is no feed in http://", "head.json is missing")),
    "404 of a block": (first(-1, "/blocks/", {"status": 404}), {}, ("/blocks/", "No such file")),
    "404 of a shard": (first(-1, "/shards/", {"status": 404}), {}, ("/shards/", "404")),
    "another place": (first(-1, "/shards/", {"status": 302, "headers": {"Location": "http://127.0.0.1/"}}), {}, ("has moved (302",)),
    "a fault of its own": (first(-1, "/shards/", {"status": 418}), {}, ("418",)),
    "packed": (first(-1, "/shards/", {"headers": {"Content-Encoding": "gzip"}}), {}, ("comes packed",)),
    "503 for ever": (first(-1, "/shards/", {"status": 503}), {"timeout": 0.1}, ("/shards/", "503", "longer `timeout`")),
    "503 for longer than it may take": (
        first(-1, "/shards/", {"status": 503, "headers": {"Retry-After": "3600"}}),
        {"timeout": 5},
        ("503", "longer `timeout`"),
    ),
    "nothing": (first(-1, "/shards/", {"hang": True}), {"timeout": 0.4}, ("longer `timeout`",)),
    "a byte now and then": (first(-1, "/shards/", {"drip": True}), {"timeout": 0.4}, ("longer `timeout`",)),
    "cut for ever": (first(-1, "/shards/", {"cut": 0}), {"timeout": 0.1}, ("/shards/", "cut after 0 of", "longer `timeout`")),
    "another body of shards": (first(-1, "/shards/", {"body": flip}), {}, ("/shards/", "SHA-256", "its block names", "fetched twice", "headrace verify")),
    "another body of blocks": (first(-1, "/blocks/", {"body": flip}), {}, ("/blocks/", "SHA-256", "the ledger names", "fetched twice")),
    "longer shards": (first(-1, "/shards/", {"body": lambda body: body + b"x"}), {}, ("/shards/", "bytes", "fetched twice")),
    "another ledger": (first(-1, "/steps/", {"body": lambda body: body.replace(b"0", b"1")}), {}, ("of the ledger is damaged",)),
    "no length": (first(-1, "", {"headers": {"Content-Length": "x"}}, "HEAD"), {}, ("does not say how long",)),
    "shards elsewhere": (
        first(-1, "head.json", lambda: {"body": lambda body: body.replace(b'"../shards"', b'"../../../shards"')}),
        {},
        ("lies outside its source",),
    ),
    "shards on another host": (
        first(-1, "head.json", lambda: {"body": lambda body: body.replace(b'"../shards"', b'"//evil/shards"')}),
        {},
        ("lies outside its source",),
    ),
}


def check_refused(path, work):
    for name, (act, options, said) in REFUSED.items():
        with FaultyServer(os.path.dirname(path), act) as server:
            given = {**QUICK, "cache": tempfile.mkdtemp(dir=work), **options}
            message = error_of(lambda: list(Feed(server.url, **given)))
            assert all(part in message for part in said), (name, message)


def check_options(path):
    wrong = {
        "https://name:secret@host/feed/": "leave them out",
        "https://host/feed/?sas=1": "goes on behind its folder",
        "http:///feed": "has no host",
        "nowhere://host/feed": "fsspec",
    }
    for address, said in wrong.items():
        message = error_of(lambda: Feed(address, **QUICK))
        assert said in message and "secret" not in message, message
    with FaultyServer(os.path.dirname(path)) as server:
        for options in ({"cache_bytes_max": 0}, {"cache_bytes_max": "1"}, {"token": ""}, {"token": 3}, {"token": "a b"}, {"cache": 3}):
            error_of(lambda: Feed(server.url, **QUICK, **options))
    for options in ({"cache": "x"}, {"cache_bytes_max": 1}, {"token": "x"}):
        assert "a folder" in error_of(lambda: Feed(path, **options)), options


def check_pause(path, work):
    """It is asked again when the server said, and no sooner."""
    times = []

    def act(request):
        if request.path.endswith("head.json"):
            times.append(time.monotonic())
            return {"status": 429, "headers": {"Retry-After": "1"}} if len(times) == 1 else None

    with FaultyServer(os.path.dirname(path), act) as server:
        Feed(server.url, cache=tempfile.mkdtemp(dir=work), **QUICK)
    assert times[1] - times[0] >= 1, times


def check_nobody(path):
    """Where nobody answers it is said after half a minute, or `timeout`, and who follows waits."""
    with FaultyServer(os.path.dirname(path)) as server:
        url = server.url
    message = error_of(lambda: Feed(url, timeout=0.2, poll_seconds=0.01))
    assert "the address is right" in message and "head.json" in message, message
    assert "longer `timeout`" in error_of(lambda: Feed(url, timeout=0.2, poll_seconds=0.01, follow=True))


def check_token(path, work):
    def act(request):
        return None if request.headers.get("Authorization") == "Bearer s3cret" else {"status": 401}

    with FaultyServer(os.path.dirname(path), act) as server:
        assert "HEADRACE_TOKEN" in error_of(lambda: Feed(server.url, **QUICK))
        check_equal(path, Feed(server.url, token="s3cret", cache=os.path.join(work, "token"), **QUICK))
        os.environ["HEADRACE_TOKEN"] = "s3cret"
        try:
            assert next(Feed(server.url, cache=os.path.join(work, "token"), **QUICK))["step"] == 0
        finally:
            del os.environ["HEADRACE_TOKEN"]


def check_following(path, work):
    """A feed that is not there yet, grows, and becomes another one."""
    live = os.path.join(work, "live")
    shutil.copytree(os.path.dirname(path), live)
    file = os.path.join(live, "feed", "head.json")
    with open(file, encoding="utf-8") as opened:
        head = json.load(opened)
    os.remove(file)
    options = {"cache": os.path.join(work, "followed"), "follow": True, "poll_seconds": 0.01}
    with FaultyServer(live) as server:
        assert "head.json is missing" in error_of(lambda: Feed(server.url, **{**options, "timeout": 0.1}))
        later = threading.Timer(0.05, lambda: write(file, {**head, "steps": 3, "ended": False}))
        later.start()
        feed = Feed(server.url, **options, timeout=60)
        given = [next(feed) for _ in range(3)]
        threading.Timer(0.05, lambda: write(file, head)).start()
        given += list(feed)
        check_equal(path, given)
        write(file, {**head, "steps": 3, "ended": False})
        feed = Feed(server.url, start=3, **options, timeout=60)
        write(file, {**head, "feed": "0" * 64})
        assert "became another one" in error_of(lambda: next(feed))


def write(path, value):
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.replace(path + ".new", path)


def check_connections(path, work):
    """Requests share connections, each file is fetched once, and what is logged is rare."""
    connections = set()

    def act(request):
        connections.add(request.client_address)
        return {"status": 503} if request.count < 3 else None

    told = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    logging.getLogger("headrace").addHandler(handler)
    with FaultyServer(os.path.dirname(path), act) as server:
        check_equal(path, Feed(server.url, cache=os.path.join(work, "few"), **QUICK))
        assert sum(server.requests.values()) > 10 * len(connections), (len(connections), server.requests)
        fetched = {of: count for of, count in server.requests.items() if of[0] == "GET" and of[1].endswith(".arrow")}
        assert fetched and set(fetched.values()) == {3}, fetched
    logging.getLogger("headrace").removeHandler(handler)
    assert 1 <= len(told) <= 6 and "503" in told[0] and "tried again" in told[0], told


def files_in(folder):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)


def main(path, work, seed):
    print(f"seed {seed}")
    check_options(path)
    check_pause(path, work)
    check_nobody(path)
    check_token(path, work)
    check_mended(path, work)
    check_refused(path, work)
    check_following(path, work)
    check_connections(path, work)


if __name__ == "__main__":
    logging.getLogger("headrace").addHandler(logging.NullHandler())
    main(*sys.argv[1:])
