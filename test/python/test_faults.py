"""What goes wrong at the trainer's side: test_faults.py FEED_DIR SHARDS_DIR WORK_DIR SEED [CASES]. FEED_DIR lies beside its SHARDS_DIR."""

import json
import os
import random
import shutil
import sys
import threading
import types

from support import error_of
from headrace import BEGINNING, Feed, FeedError


def check_states(path):
    state = Feed(path).state()
    assert state["step"] == 0 and Feed(path, state=state).state() == state
    assert Feed(path, state=BEGINNING).state() == state
    assert "leave `state` out" in error_of(lambda: Feed(path, state=None))
    assert "no step and no digest" in error_of(lambda: Feed(path, state={"feed": state["feed"]}))
    for wrong in ([], 3, "x", {**state, "step": "1"}, {**state, "step": -1}, {**state, "step": True}, {**state, "digest": None}):
        error_of(lambda: Feed(path, state=wrong))


def check_options(path):
    wrong = ({"verify": "all"}, {"rank": "0"}, {"rank": 1}, {"world": 0}, {"files_max": 0}, {"targets_dtype": "float32"})
    places = ({"start": -1}, {"start": "3"}, {"start": 10**6}, {"timeout": 0}, {"timeout": "1"})
    for options in (*wrong, *places, {"start": 1, "state": Feed(path).state()}):
        error_of(lambda: Feed(path, **options))
    error_of(lambda: Feed(None))


def check_places(path):
    """A step by its number is what iterating gives, and moves nothing; `start` begins there."""
    whole = list(Feed(path))
    feed = Feed(path, start=3)
    for number in (5, 0, len(whole) - 1):
        assert same(feed.read(number), whole[number])
    assert feed.state()["step"] == 3 and same(next(feed), whole[3]) and feed.state()["digest"] == whole[3]["digest"]
    for number in (len(whole), -1, "0", None):
        error_of(lambda: feed.read(number))
    for batch in whole:
        assert batch["targets_in_step"] == int((batch["targets"] >= 0).sum())


def same(one, other):
    return all((value == other[name]).all() if hasattr(value, "all") else value == other[name] for name, value in one.items())


def check_waiting(path, work):
    """A follower says what it waited for in vain; a head that is away or half there for a moment is waited for."""
    wait = {"follow": True, "timeout": 0.05, "poll_seconds": 0.01}
    assert "head.json is missing" in error_of(lambda: Feed(os.path.join(work, "never"), **wait))
    copy = os.path.join(work, "waiting")
    shutil.copytree(path, copy)
    file = os.path.join(copy, "head.json")
    with open(file, encoding="utf-8") as opened:
        head = json.load(opened)
    write(file, {**head, "ended": False})
    feed = Feed(copy, start=head["steps"], **wait)
    assert "has not ended" in error_of(lambda: next(feed))
    assert "has not ended" in error_of(lambda: feed.read(head["steps"]))
    write(file, head, 40)
    assert "head.json is not whole" in error_of(lambda: next(feed))
    assert "not readable" in error_of(lambda: Feed(copy))
    os.remove(file)
    assert "head.json is missing" in error_of(lambda: next(feed))
    later = threading.Timer(0.02, lambda: write(file, head))
    later.start()
    assert list(Feed(copy, start=head["steps"], follow=True, timeout=60, poll_seconds=0.01)) == []
    later.join()
    shutil.rmtree(copy)


def write(path, value, length=None):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(json.dumps(value)[:length])
    os.replace(path + ".new", path)


def check_targets(path):
    narrow, wide = next(Feed(path)), next(Feed(path, targets_dtype="int64"))
    assert narrow["targets"].dtype == "int32" and wide["targets"].dtype == "int64"
    assert (narrow["targets"] == wide["targets"]).all() and wide["input_ids"].dtype == "int32"
    assert "labels" not in wide


def check_workers(path):
    """A stand-in for PyTorch says what its DataLoader's workers would."""
    worker = types.SimpleNamespace(id=1, num_workers=4)
    data = types.ModuleType("torch.utils.data")
    data.get_worker_info = lambda: worker
    sys.modules["torch.utils.data"] = data
    try:
        assert "worker 1 of the 4 of a DataLoader" in error_of(lambda: next(Feed(path)))
        worker.num_workers = 1
        assert next(Feed(path))["step"] == 0
        worker = None
        assert next(Feed(path))["step"] == 0
    finally:
        del sys.modules["torch.utils.data"]
    assert "torch" not in sys.modules


def check_processes(path):
    import pickle

    feed = Feed(path)
    assert "make one there" in error_of(lambda: pickle.dumps(feed))
    child = os.fork()
    if child == 0:
        message = ""
        try:
            message = error_of(lambda: next(feed))
        finally:
            os._exit(0 if "made in another process" in message else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert next(feed)["step"] == 0


def check_threads(path):
    feed, steps = Feed(path), []
    threads = [threading.Thread(target=lambda: steps.extend(batch["step"] for batch in feed)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(steps) == list(range(feed.head["steps"])), steps


def files_in(folder):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)


def damage(content, chance):
    """The bytes cut, changed at some places, or others."""
    kind = chance.randrange(4)
    if kind == 0:
        return content[: chance.randrange(len(content))]
    if kind == 1:
        return bytes(chance.randrange(256) for _ in range(chance.randrange(40)))
    changed = bytearray(content)
    for _ in range(1 + chance.randrange(8)):
        changed[chance.randrange(len(changed))] = chance.choice((0, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(changed)


def damage_json(content, chance):
    """A head or a step in which a value is another or is missing."""
    value = json.loads(content)
    name = chance.choice(list(value))
    if chance.random() < 0.3:
        del value[name]
    else:
        value[name] = chance.choice((None, -1, 10**6, "x", [], {}, {"en": 5}, {"en": [{}]}, float("nan")))
    return json.dumps(value).encode()


def read_all(path):
    # A rank's share of a step is one sample, which opens as many files as the whole.
    for _ in Feed(path, world=12, files_max=4):
        pass


def check_damage(feed, shards, work, seed, cases):
    path = os.path.join(work, "feed")
    shutil.copytree(feed, path)
    shutil.copytree(shards, os.path.join(work, "shards"))
    chance = random.Random(seed)
    files = files_in(work)
    refused = 0
    for case in range(cases):
        file = os.path.join(path, "head.json") if case % 5 == 0 else chance.choice(files)
        with open(file, "rb") as opened:
            content = opened.read()
        missing = chance.random() < 0.1
        os.remove(file)
        if not missing:
            changed = damage_json(content, chance) if file.endswith("head.json") else damage(content, chance)
            with open(file, "wb") as opened:
                opened.write(changed)
        try:
            read_all(path)
        except FeedError as error:
            assert str(error)
            refused += 1
        except Exception as error:
            raise AssertionError(f"{file}, case {case} of seed {seed}: {type(error).__name__} left the Feed") from error
        finally:
            if os.path.exists(file):
                os.remove(file)
            with open(file, "wb") as opened:
                opened.write(content)
    assert refused > cases / 4, refused
    read_all(path)


def check_flips(feed, shards, work, seed, flips):
    """A bit that flips is found before what it altered is handed out: by `files` wherever it lies, else where it reaches tokens and places."""
    path = os.path.join(work, "flipped", "feed")
    shutil.copytree(feed, path)
    shutil.copytree(shards, os.path.join(work, "flipped", "shards"))
    whole = list(Feed(path))
    chance = random.Random(seed)
    kinds = [[file for file in files_in(os.path.join(work, "flipped")) if part in file] for part in ("/shards/", "/blocks/", "/steps/")]
    found = 0
    for flip in range(flips):
        file = chance.choice(kinds[flip % len(kinds)])
        with open(file, "rb") as opened:
            content = opened.read()
        at = chance.randrange(8 * len(content))
        changed = bytearray(content)
        changed[at // 8] ^= 1 << at % 8
        with open(file, "wb") as opened:
            opened.write(changed)
        assert error_of(lambda: list(Feed(path, verify="files"))), (file, at, seed)
        try:
            given = list(Feed(path))
            tokens = [{**batch, "documents": None} for batch in given]
            assert all(same(one, {**other, "documents": None}) for one, other in zip(tokens, whole)) and len(given) == len(whole), (file, at, seed)
        except FeedError:
            found += 1
        with open(file, "wb") as opened:
            opened.write(content)
    assert found > flips / 2, found
    shutil.rmtree(os.path.join(work, "flipped"))


def main(feed, shards, work, seed, cases=60):
    check_states(feed)
    check_options(feed)
    check_targets(feed)
    check_places(feed)
    check_waiting(feed, work)
    check_workers(feed)
    check_processes(feed)
    check_threads(feed)
    check_flips(feed, shards, work, int(seed), 200)
    check_damage(feed, shards, work, int(seed), int(cases))


if __name__ == "__main__":
    main(*sys.argv[1:])
