"""Trains a small transformer on a feed that still grows, on any number of ranks, and reports what it consumed with its loss by domain.

    torchrun --nproc-per-node 2 train.py FEED --name run-7 --checkpoint FILE --steps 240

Each line says the step, its loss, and a digest of the very tokens that all ranks trained on, which is the same on any number of ranks.
"""

import argparse
import hashlib
import os
from datetime import timedelta

import torch
import torch.distributed as dist
import torch.nn as nn
import torch.nn.functional as F

from headrace import Reports
from headrace.torch import Loader, losses_by_domain, reduce_losses


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mix = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x, allowed):
        rows, length, width = x.shape
        parts = self.attend(self.before(x)).chunk(3, -1)
        q, k, v = (part.view(rows, length, self.heads, -1).transpose(1, 2) for part in parts)
        x = x + self.join(F.scaled_dot_product_attention(q, k, v, attn_mask=allowed).transpose(1, 2).reshape(x.shape))
        return x + self.mix(self.between(x))


class Model(nn.Module):
    """Attends within each piece of a document. Ids are folded to `vocabulary`, so that a CPU is enough."""

    def __init__(self, length, vocabulary=2048, width=96, heads=4, layers=2):
        super().__init__()
        self.vocabulary = vocabulary
        self.embed, self.place = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.last, self.out = nn.LayerNorm(width), nn.Linear(width, vocabulary)

    def forward(self, batch):
        # Where a piece begins its positions count from 0 again: equal numbers of beginnings, one piece.
        piece = (batch.position_ids == 0).cumsum(1)
        allowed = (piece[:, :, None] == piece[:, None, :]).tril()[:, None]
        x = self.embed(batch.input_ids % self.vocabulary) + self.place(batch.position_ids)
        for layer in self.layers:
            x = layer(x, allowed)
        return self.out(self.last(x))

    def losses(self, batch):
        """A loss for each target."""
        targets = torch.where(batch.targets < 0, batch.targets, batch.targets % self.vocabulary)
        return F.cross_entropy(self(batch).flatten(0, 1), targets.flatten(), reduction="none")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("feed")
    parser.add_argument("--name", required=True, help="of the trainer, in its reports")
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--steps", type=int, required=True, help="the last step is the one before this")
    parser.add_argument("--every", type=int, default=10, help="steps between checkpoints")
    arguments = parser.parse_args()
    world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.device_count() >= world else "cpu"
    if world > 1:
        # A rank waits for another that waits for a step of the feed.
        dist.init_process_group("gloo", timeout=timedelta(minutes=30))

    loader = Loader(arguments.feed, rank, world, follow=True, poll_seconds=0.2)
    torch.manual_seed(0)
    model = Model(loader.head["length"]).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    if os.path.exists(arguments.checkpoint):
        saved = torch.load(arguments.checkpoint, weights_only=True, map_location=device)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        loader.load_state_dict(saved["data"])
    reports = Reports(arguments.feed, arguments.name)

    batches = iter(loader)
    while loader.state_dict()["step"] < arguments.steps:
        batch = next(batches).to(device)
        losses = model.losses(batch)
        (losses.sum() / batch.targets_in_step).backward()
        for parameter in model.parameters() if world > 1 else ():
            # Each rank's loss is its share of the step's, so sums are right and means are not.
            dist.all_reduce(parameter.grad)
        optimizer.step()
        optimizer.zero_grad()
        samples = digest_of(batch, rank, world)
        by_domain = reduce_losses(losses_by_domain(losses, batch))
        if rank == 0:
            reports.consumed(batch.step, batch.digest, by_domain)
            loss = sum(total for total, _ in by_domain.values()) / batch.targets_in_step
            print(f"step {batch.step} loss {loss:.4f} tokens {samples[:16]}", flush=True)
            state = loader.state_dict()
            if state["step"] % arguments.every == 0 or state["step"] == arguments.steps:
                save(arguments.checkpoint, {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "data": state})
                reports.checkpointed(state)
    reports.close()
    if world > 1:
        dist.destroy_process_group()


def digest_of(batch, rank, world):
    """The SHA-256 of the step's tokens over all ranks: sample k of a step is of rank k mod world."""
    own = [hashlib.sha256(row.numpy().tobytes()).digest() for row in batch.input_ids.cpu()]
    ranks = [own]
    if world > 1:
        ranks = [None] * world
        dist.all_gather_object(ranks, own)
    return hashlib.sha256(b"".join(row for rows in zip(*ranks) for row in rows)).hexdigest()


def save(path, state):
    """Written aside, synced and renamed, so that what is killed leaves the checkpoint before."""
    with open(f"{path}.new", "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)


if __name__ == "__main__":
    main()
