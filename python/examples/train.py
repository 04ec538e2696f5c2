"""Trains a small language model on a feed, on any number of ranks that divides its batch, and goes on where it was stopped.

    python train.py FEED CHECKPOINT --steps 40
    torchrun --nproc-per-node 4 train.py FEED CHECKPOINT --steps 80     # goes on from step 40, on four ranks

Every line says the step, its loss, and a digest of all steps so far: the same on one rank and on four.
"""

import argparse
import os

import torch
import torch.distributed as dist
import torch.nn as nn
import torch.nn.functional as F

from headrace.torch import Loader, micro


class Model(nn.Module):
    """One layer of attention within each piece of a document. Ids are folded to `vocabulary`, so that it stays small."""

    def __init__(self, vocabulary=512, width=32, heads=4):
        super().__init__()
        self.vocabulary, self.heads = vocabulary, heads
        self.embed = nn.Embedding(vocabulary, width)
        self.attend = nn.Linear(width, 3 * width)
        self.mix = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.out = nn.Linear(width, vocabulary)

    def forward(self, batch):
        x = self.embed(batch.input_ids % self.vocabulary)
        rows, length, width = x.shape
        # Where a piece begins its positions count from 0 again: equal numbers of beginnings, one piece.
        piece = (batch.position_ids == 0).cumsum(1)
        allowed = (piece[:, :, None] == piece[:, None, :]).tril()[:, None]
        q, k, v = (part.view(rows, length, self.heads, -1).transpose(1, 2) for part in self.attend(x).chunk(3, -1))
        x = x + F.scaled_dot_product_attention(q, k, v, attn_mask=allowed).transpose(1, 2).reshape(x.shape)
        return self.out(x + self.mix(x))

    def loss(self, batch):
        """The sum over the targets: what it is divided by is the step's to say."""
        targets = torch.where(batch.targets < 0, batch.targets, batch.targets % self.vocabulary)
        return F.cross_entropy(self(batch).flatten(0, 1), targets.flatten(), reduction="sum")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("feed")
    parser.add_argument("checkpoint")
    parser.add_argument("--steps", type=int, required=True, help="the last step is the one before this")
    parser.add_argument("--micro", type=int, default=1, help="micro-batches of a rank's part of a step")
    parser.add_argument("--every", type=int, default=10, help="steps between checkpoints")
    arguments = parser.parse_args()
    world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    torch.manual_seed(0)
    model = Model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    if world > 1:
        # Behind the optimizer: what torch imports for the first one keeps a group that is there, whose threads then outlive
        # `destroy_process_group` and abort a process that ends while they free a tensor (seen with torch 2.15).
        dist.init_process_group("gloo")
    loader = Loader(arguments.feed, rank, world)
    if os.path.exists(arguments.checkpoint):
        saved = torch.load(arguments.checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        loader.load_state_dict(saved["data"])

    for batch in loader:
        if batch.step >= arguments.steps:
            break
        total = torch.zeros(())
        for part in micro(batch, arguments.micro):
            loss = model.loss(part) / batch.targets_in_step
            loss.backward()
            total += loss.detach()
        if world > 1:
            # Each rank's loss is its share of the step's, so sums are right and means are not.
            for parameter in model.parameters():
                dist.all_reduce(parameter.grad)
            dist.all_reduce(total)
        optimizer.step()
        optimizer.zero_grad()
        if rank == 0:
            print(f"step {batch.step} loss {total.item():.4f} {batch.digest[:12]}", flush=True)
            if (batch.step + 1) % arguments.every == 0 or batch.step + 1 == arguments.steps:
                save(arguments.checkpoint, model, optimizer, loader)
    if world > 1:
        dist.destroy_process_group()


def save(path, model, optimizer, loader):
    """Written aside and renamed, so that what is killed leaves the checkpoint before."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "data": loader.state_dict()}
    torch.save(state, f"{path}.new")
    os.replace(f"{path}.new", path)


if __name__ == "__main__":
    main()
