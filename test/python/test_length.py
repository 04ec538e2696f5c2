"""Holds a feed whose samples change their length against its documents: test_length.py DOCUMENTS LENGTHS FEED...

DOCUMENTS has each document's tokens by its id, no two of which are equal; LENGTHS for the first step of each length its samples and their tokens.
"""

import json
import sys

import numpy as np

from support import error_of
from headrace import Feed

with open(sys.argv[1], encoding="utf-8") as file:
    documents = json.load(file)
lengths = {int(step): tuple(shape) for step, shape in json.loads(sys.argv[2]).items()}


def shape_at(step):
    return lengths[max(first for first in lengths if first <= step)]


def check_tokens(batches):
    """Each token of a document is fed once at most, in spans of tokens that follow one another in it."""
    fed = set()
    for batch in batches:
        ids = batch["input_ids"].reshape(-1)
        real, padded = batch["cu_seqlens"], batch["cu_seqlens_padded"]
        for span, name in enumerate(batch["documents"]):
            if name == "":
                continue
            tokens = ids[padded[span] : padded[span] + real[span + 1] - real[span]].tolist()
            at = documents[name].index(tokens[0])
            assert documents[name][at : at + len(tokens)] == tokens, f"step {batch['step']}: a piece of {name}"
            assert fed.isdisjoint(tokens), f"step {batch['step']}: tokens of {name} are fed twice"
            fed.update(tokens)
    return len(fed)


def equal(batch, other):
    return batch.keys() == other.keys() and all(np.array_equal(value, other[name]) for name, value in batch.items())


def check_feed(path):
    whole = list(Feed(path))
    assert len(whole) > max(lengths) + 4, f"{len(whole)} steps"
    for batch in whole:
        for name in ("input_ids", "targets", "position_ids"):
            assert batch[name].shape == shape_at(batch["step"]), f"step {batch['step']}: {name}"
    left = sum(one["tokens"] for one in Feed(path).head["leftover"].values())
    assert check_tokens(whole) + left == sum(len(tokens) for tokens in documents.values())
    for world in (2, 4):
        for batch, *parts in zip(whole, *(Feed(path, rank, world) for rank in range(world))):
            for name in ("input_ids", "targets"):
                together = np.stack([part[name] for part in parts], axis=1).reshape(batch[name].shape)
                assert (together == batch[name]).all(), f"step {batch['step']} of {world} ranks"
    for stop in (*list(lengths)[1:], len(whole) - 1):
        reader = Feed(path)
        for _ in range(stop):
            next(reader)
        assert all(equal(batch, other) for batch, other in zip(Feed(path, state=reader.state()), whole[stop:], strict=True))
        assert equal(Feed(path).read(stop), whole[stop])


def check_worlds(path):
    """A world that divides one batch and not the next is told where that begins."""
    first = next(step for step, (samples, _) in lengths.items() if samples % 8 != 0)
    reader = Feed(path, 0, 8)
    for _ in range(first):
        next(reader)
    assert error_of(lambda: next(reader)).startswith(f"step {first} has 4 samples, which 8 ranks can't share; use one of [1, 2, 4]")


for feed in sys.argv[3:]:
    check_feed(feed)
check_worlds(sys.argv[3])
