"""Holds the Python client against a dump of the TypeScript reader: test_feed.py FEED_DIR DUMP [FEED_DIR DUMP]...
or, where a reader is to go on at one step: test_feed.py --resume STEP FEED_DIR DUMP
or, where it reads steps by their numbers: test_feed.py --anywhere FEED_DIR DUMP [FEED_DIR DUMP]...

A dump has a line of JSON a batch, with `rank` and `world`, ranks one after the other.
"""

import json
import sys

from support import error_of
from headrace import Feed

ARRAYS = {"inputIds": "input_ids", "targets": "targets", "positionIds": "position_ids", "cuSeqlens": "cu_seqlens", "cuSeqlensPadded": "cu_seqlens_padded"}


def check_batch(batch, expected):
    for theirs, ours in ARRAYS.items():
        assert batch[ours].dtype == "int32", ours
        assert batch[ours].ravel().tolist() == expected[theirs], f"step {expected['step']}: {ours}"
    assert batch["input_ids"].shape == (expected["samples"], expected["length"])
    for name in ("step", "digest", "documents", "domains"):
        assert batch[name] == expected[name], f"step {expected['step']}: {name}"
    assert batch["targets_in_step"] == expected["targetsInStep"], expected["step"]


def check_reading(path, dump):
    readers = {}
    for expected in dump:
        place = (expected["rank"], expected["world"])
        if place not in readers:
            # Two open files at once, so that closing and opening again is tried too.
            readers[place] = Feed(path, *place, files_max=2)
        check_batch(next(readers[place]), expected)
    for reader in readers.values():
        assert next(reader, None) is None, "the feed has ended"
    return next(iter(readers.values())).head


def check_state(path, dump):
    rank, world = dump[0]["rank"], dump[0]["world"]
    own = [batch for batch in dump if batch["rank"] == rank]
    reader = Feed(path, rank, world)
    for expected in own[:3]:
        check_batch(next(reader), expected)
    state = json.loads(json.dumps(reader.state()))
    assert state["step"] == min(3, len(own))
    resumed = Feed(path, rank, world, state=state)
    for expected in own[3:]:
        check_batch(next(resumed), expected)
    for wrong in ({"feed": "0" * 64}, {"digest": "0" * 64}, {"step": state["step"] - 1}, {"step": 10**6}):
        error_of(lambda: Feed(path, rank, world, state={**state, **wrong}))


def check_resume(path, dump, step):
    reader = Feed(path)
    for expected in dump[:step]:
        check_batch(next(reader), expected)
    resumed = Feed(path, state=reader.state())
    for expected in dump[step:]:
        check_batch(next(resumed), expected)
    assert next(resumed, None) is None, "the feed has ended"


def check_anywhere(path, dump):
    for expected in dump:
        check_batch(Feed(path, expected["rank"], expected["world"]).read(expected["step"]), expected)


def main(arguments):
    if arguments[0] == "--anywhere":
        for path, file in zip(arguments[1::2], arguments[2::2]):
            with open(file, encoding="utf-8") as lines:
                check_anywhere(path, [json.loads(line) for line in lines])
        return
    if arguments[0] == "--resume":
        step, path, file = arguments[1:]
        with open(file, encoding="utf-8") as lines:
            return check_resume(path, [json.loads(line) for line in lines], int(step))
    for path, file in zip(arguments[::2], arguments[1::2]):
        with open(file, encoding="utf-8") as lines:
            dump = [json.loads(line) for line in lines]
        assert dump, f"{file} is empty"
        check_reading(path, dump)
        check_state(path, dump)
        error_of(lambda: next(Feed(path, 0, 5)))
        error_of(lambda: Feed(path, 2, 2))
    error_of(lambda: Feed("/nonexistent"))


if __name__ == "__main__":
    main(sys.argv[1:])
