"""Trains on a mesh of data and tensor parallelism as torchtitan does: FSDP2 over `dp`, DTensors over `tp`, one checkpoint by DCP for all.

    torchrun --nproc-per-node 4 mesh.py FEED CHECKPOINT --tp 2 --steps 20
    torchrun --nproc-per-node 4 mesh.py FEED CHECKPOINT --tp 1 --steps 40     # goes on from step 20, on another mesh

The ranks of one replica read the same samples, so they give the loader the same rank and world: those of `dp`. The loader is in the
checkpoint beside model and optimizer, is the same on every rank, and goes on with any mesh whose `dp` divides the batch.
"""

import argparse
import os

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.nn as nn
import torch.nn.functional as F
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module

from headrace.torch import Loader


class Model(nn.Module):
    """Says the next token of each from itself and its position. Ids are folded to `vocabulary`, so that it stays small."""

    def __init__(self, vocabulary=512, width=32):
        super().__init__()
        self.vocabulary = vocabulary
        self.embed = nn.Embedding(vocabulary, width)
        self.place = nn.Embedding(64, width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.out = nn.Linear(width, vocabulary)

    def forward(self, ids, positions):
        x = self.embed(ids % self.vocabulary) + self.place(positions.clamp(max=63))
        return self.out(x + self.down(F.gelu(self.up(x))))


class Training:
    """Model and optimizer as DCP saves them: by whole parameters, whatever mesh they are spread over."""

    def __init__(self, model, optimizer):
        self.model, self.optimizer = model, optimizer

    def state_dict(self):
        model, optimizer = get_state_dict(self.model, self.optimizer)
        return {"model": model, "optimizer": optimizer}

    def load_state_dict(self, state):
        set_state_dict(self.model, self.optimizer, model_state_dict=state["model"], optim_state_dict=state["optimizer"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("feed")
    parser.add_argument("checkpoint", help="folder of checkpoints")
    parser.add_argument("--steps", type=int, required=True, help="the last step is the one before this")
    parser.add_argument("--tp", type=int, default=1, help="ranks that share a replica")
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if device == "cuda" else "gloo")
    mesh = init_device_mesh(device, (dist.get_world_size() // arguments.tp, arguments.tp), mesh_dim_names=("dp", "tp"))

    torch.manual_seed(0)
    model = Model().to(device)
    parallelize_module(model, mesh["tp"], {"up": ColwiseParallel(), "down": RowwiseParallel()})
    fully_shard(model, mesh=mesh["dp"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loader = Loader(arguments.feed, rank=mesh["dp"].get_local_rank(), world=mesh["dp"].size())
    states = {"training": Training(model, optimizer), "data": loader}
    last = newest(arguments.checkpoint)
    if last is not None:
        dcp.load(states, checkpoint_id=last)

    batches = iter(loader)
    while loader.state_dict()["step"] < arguments.steps:
        batch = next(batches).to(device)
        targets = torch.where(batch.targets < 0, batch.targets, batch.targets % model.vocabulary)
        logits = model(batch.input_ids, batch.position_ids)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum") / batch.targets_in_step
        # A rank's loss is its share of the step's, and FSDP divides the sum of gradients by the ranks of `dp`.
        (loss * mesh["dp"].size()).backward()
        optimizer.step()
        optimizer.zero_grad()
        total = loss.detach().clone()
        dist.all_reduce(total, group=mesh["dp"].get_group())
        if dist.get_rank() == 0:
            print(f"step {batch.step} loss {total.item():.4f} {batch.digest[:12]}", flush=True)
    dcp.save(states, checkpoint_id=os.path.join(arguments.checkpoint, f"{loader.state_dict()['step']:08d}"))
    dist.destroy_process_group()


def newest(folder):
    """DCP writes `.metadata` last: a folder without it was not finished."""
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    whole = [name for name in names if os.path.exists(os.path.join(folder, name, ".metadata"))]
    return os.path.join(folder, whole[-1]) if whole else None


if __name__ == "__main__":
    main()
