"""Holds what PyTorch users get against what the Feed gives: test_torch.py FEED_DIR [MODEL]. MODEL tries a language model of transformers, too."""

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile

from support import PATHS, error_of
import torch
import torch.distributed.checkpoint as dcp
import torch.nn.functional as F
from torch.utils.data import DataLoader

from headrace import Feed
from headrace.torch import Loader, StepDataset, add_losses, for_hf, losses_by_domain, micro, reduce_losses, varlen

TENSORS = ("input_ids", "targets", "position_ids", "cu_seqlens", "cu_seqlens_padded")


def check_equal(batch, arrays):
    for name in TENSORS:
        assert torch.equal(getattr(batch, name), torch.from_numpy(arrays[name])), name
    for name in ("step", "digest", "documents", "domains", "targets_in_step"):
        assert getattr(batch, name) == arrays[name], name
    assert batch.targets.dtype == torch.int64 and batch.input_ids.dtype == torch.int32


def check_loader(path):
    for rank, world in ((0, 1), (1, 3)):
        expected = list(Feed(path, rank, world, targets_dtype="int64"))
        read = list(Loader(path, rank, world, ahead=3))
        assert len(read) == len(expected) > 4
        for batch, arrays in zip(read, expected):
            check_equal(batch, arrays)


def check_state(path):
    """However many batches are made ahead, a state counts those that were handed out; a break and a new Loader go on there."""
    steps = [batch["step"] for batch in Feed(path)]
    for ahead in (1, 8):
        loader = Loader(path, ahead=ahead)
        assert loader.state_dict()["step"] == 0
        seen = []
        for batch in loader:
            seen.append(batch.step)
            assert loader.state_dict()["step"] == batch.step + 1
            if len(seen) == 3:
                break
        state = json.loads(json.dumps(loader.state_dict()))
        assert seen + [batch.step for batch in loader] == steps
        other = Loader(path, ahead=ahead)
        other.load_state_dict(state)
        assert seen + [batch.step for batch in other] == steps
        assert [batch.step for batch in Loader(path, ahead=ahead, state=state)] == steps[3:]
    assert [batch.step for batch in Loader(path, start=4)] == steps[4:]
    assert "another history" in error_of(lambda: Loader(path).load_state_dict({**state, "digest": "0" * 64}))
    assert "None" in error_of(lambda: Loader(path, state=None))
    for options in ({"ahead": 0}, {"ahead": True}, {"shuffle": True}, {"rank": 2, "world": 2}):
        error_of(lambda: Loader(path, **options))


def check_checkpoint(path):
    """A Loader is what torch.distributed.checkpoint calls stateful."""
    loader = Loader(path)
    for batch in loader:
        if batch.step == 2:
            break
    with tempfile.TemporaryDirectory() as folder:
        dcp.save({"data": loader, "model": {"weight": torch.ones(2)}}, checkpoint_id=folder, no_dist=True)
        resumed = Loader(path)
        dcp.load({"data": resumed, "model": {"weight": torch.zeros(2)}}, checkpoint_id=folder, no_dist=True)
    assert resumed.state_dict() == loader.state_dict() and next(iter(resumed)).step == 3
    file = io.BytesIO()
    torch.save(loader.state_dict(), file)
    assert file.tell() < 2_000, file.tell()


def check_failure(path):
    """What goes wrong in the thread is raised where batches are taken."""
    loader = Loader(path, 0, 5)
    assert "can't share" in error_of(lambda: next(iter(loader)))
    assert loader.state_dict()["step"] == 0


def check_exit(path):
    """A program that ends while a thread makes batches, or waits for a step, ends that thread first: C++ that it is in would abort."""
    with tempfile.TemporaryDirectory() as folder:
        live = os.path.join(folder, "feed")
        shutil.copytree(path, live)
        os.symlink(os.path.join(os.path.dirname(os.path.abspath(path)), "shards"), os.path.join(folder, "shards"))
        with open(os.path.join(live, "head.json"), encoding="utf-8") as file:
            head = {**json.load(file), "ended": False}
        with open(os.path.join(live, "head.json"), "w", encoding="utf-8") as file:
            json.dump(head, file)
        last = {"follow": True, "start": head["steps"] - 1, "timeout": 600, "poll_seconds": 600}
        for options in ({"ahead": 1}, last):
            program = [sys.executable, "-c", EXIT, live, json.dumps(options)]
            ran = subprocess.run(program, check=True, env=PATHS, timeout=300, stdout=subprocess.PIPE, text=True)
            assert ran.stdout == "at work: 1\nat the end: 0\n", (options, ran.stdout)


# What is registered first is called last.
EXIT = """
import atexit, json, sys, threading
def tell(when):
    print(f"{when}: {sum(thread.name == 'headrace-loader' for thread in threading.enumerate())}")
atexit.register(tell, "at the end")
from headrace.torch import Loader
batches = iter(Loader(sys.argv[1], **json.loads(sys.argv[2])))
next(batches)
tell("at work")
"""


def check_workers(path, methods=("fork", "spawn")):
    """A Feed in many workers is refused; of StepDataset each step comes once, in the sampler's order, however many workers there are."""
    dataset = StepDataset(path, 1, 3)
    expected = list(Feed(path, 1, 3, targets_dtype="int64"))
    dataset[0]
    assert len(pickle.dumps(dataset)) < 2_000
    order = list(range(2, len(expected)))
    for method, workers in (*((method, 2) for method in methods), (None, 0)):
        loader = DataLoader(dataset, sampler=order, batch_size=None, num_workers=workers, multiprocessing_context=method)
        read = list(loader)
        assert [batch.step for batch in read] == order, (method, workers)
        for batch in read:
            check_equal(batch, expected[batch.step])
    for wrong in (-1, len(expected)):
        try:
            dataset[wrong]
        except IndexError:
            continue
        raise AssertionError("there is no such step")


def logits_of(batch, vocabulary):
    """A stand-in for a model: what it says of a token depends on the token, its position and its piece."""
    table = torch.randn(64, vocabulary, generator=torch.Generator().manual_seed(5))
    return table[(batch.input_ids.long() * 7 + batch.position_ids.long()) % 64]


def loss_of(batch, vocabulary, reduction="sum"):
    targets = torch.where(batch.targets < 0, batch.targets, batch.targets % vocabulary)
    return F.cross_entropy(logits_of(batch, vocabulary).flatten(0, 1), targets.flatten(), reduction=reduction)


def check_micro(path):
    """Losses of the parts of all ranks, over the targets of the step, are the loss of the step."""
    vocabulary = 32
    whole = list(Loader(path))
    for world, parts in ((1, 1), (1, 4), (3, 2), (4, 3)):
        ranks = [list(Loader(path, rank, world)) for rank in range(world)]
        for step, batch in enumerate(whole):
            pieces = [part for rank in ranks for part in micro(rank[step], parts)]
            loss = sum(loss_of(part, vocabulary) for part in pieces) / batch.targets_in_step
            mean = loss_of(batch, vocabulary) / (batch.targets >= 0).sum()
            assert torch.allclose(loss, mean, rtol=1e-5), (world, parts, step)
            for part in pieces:
                check_bounds(part)
    assert "use one of [1, 2, 3, 4, 6, 12]" in error_of(lambda: list(micro(whole[0], 5)))


def check_losses(path):
    """Losses by domain are those of the rows, on any ranks and micro-batches."""
    vocabulary = 32
    for batch in Loader(path):
        targets = torch.where(batch.targets < 0, batch.targets, batch.targets % vocabulary)
        flat = (logits_of(batch, vocabulary).flatten(0, 1), targets.flatten())
        expected = {}
        for row, domain in enumerate(batch.domains):
            has_target = targets[row] >= 0
            own = F.cross_entropy(logits_of(batch, vocabulary)[row], targets[row], reduction="sum").item()
            before = expected.get(domain, (0.0, 0))
            expected[domain] = (before[0] + own, before[1] + int(has_target.sum()))
        check_close(losses_by_domain(F.cross_entropy(*flat, reduction="none"), batch), expected)
        assert sum(targets for _, targets in expected.values()) == batch.targets_in_step
    for parts in (3, 4):
        cut = [losses_by_domain(loss_of(part, vocabulary, "none"), part) for part in micro(batch, parts)]
        check_close(reduce_losses(add_losses(*cut)), expected)
    assert "give one each" in error_of(lambda: losses_by_domain(torch.zeros(3), batch))


def check_close(losses, expected):
    assert losses.keys() == expected.keys()
    for domain, (loss, targets) in losses.items():
        assert targets == expected[domain][1] and abs(loss - expected[domain][0]) < 1e-3, (domain, losses, expected)


def check_bounds(part):
    """Bounds are where positions begin anew, from 0 to all tokens."""
    bounds, tokens = part.cu_seqlens_padded, part.input_ids.numel()
    assert bounds.dtype == torch.int32 and bounds[0] == 0 and bounds[-1] == tokens
    assert torch.equal(bounds[:-1].long(), (part.position_ids.flatten() == 0).nonzero().flatten())
    assert part.max_seqlen == int(part.position_ids.max()) + 1
    assert len(part.documents) == len(bounds) - 1 and len(part.domains) == len(part.input_ids)
    kernel = varlen(part)
    assert kernel["cu_seqlens_q"] is bounds and kernel["max_seqlen_k"] == part.max_seqlen


def check_transformers(path):
    """The loss of a model of transformers is that of its logits against the targets; with `labels` alone it is another."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    batch = next(iter(Loader(path)))
    # A target may be a token that no input is.
    size = int(max(batch.input_ids.max(), batch.targets.max())) + 1
    config = LlamaConfig(vocab_size=size, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    model = LlamaForCausalLM(config)
    given = for_hf(batch)
    out = model(**given)
    plain = F.cross_entropy(out.logits.flatten(0, 1), batch.targets.flatten(), reduction="sum") / batch.targets_in_step
    assert torch.allclose(out.loss, plain, rtol=1e-5), (out.loss, plain)
    del given["shift_labels"]
    assert not torch.allclose(model(**given).loss, plain, rtol=1e-5)


def main(path, *rest):
    check_loader(path)
    check_state(path)
    check_checkpoint(path)
    check_failure(path)
    check_exit(path)
    check_workers(path)
    check_micro(path)
    check_losses(path)
    if rest == ("transformers",):
        check_transformers(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
