"""The loss of each domain, for the reports of a trainer."""

from __future__ import annotations

import torch
import torch.distributed as dist

from ..errors import FeedError
from .batch import Batch


def losses_by_domain(per_token_loss: torch.Tensor, batch: Batch) -> dict[str, tuple[float, int]]:
    """By domain, the sum of the losses of its rows in this batch, or micro-batch, and the count of their targets.

    `per_token_loss` has a loss for each of `batch.targets`, in whatever shape of as many: that of `cross_entropy(..., reduction="none")`,
    which is 0 where there is no target. It takes one copy from the device.
    """
    rows, length = batch.targets.shape
    if per_token_loss.numel() != rows * length:
        raise FeedError(f"there are {per_token_loss.numel()} losses for {rows * length} targets: give one each, by reduction='none'")
    has_target = batch.targets >= 0
    losses = torch.where(has_target, per_token_loss.detach().reshape(rows, length), 0).sum(1, dtype=torch.float64)
    figures = torch.stack((losses, has_target.sum(1).double())).tolist()
    totals: dict[str, tuple[float, int]] = {}
    for domain, loss, targets in zip(batch.domains, *figures):
        before = totals.get(domain, (0.0, 0))
        totals[domain] = (before[0] + loss, before[1] + int(targets))
    return totals


def add_losses(*parts: dict[str, tuple[float, int]]) -> dict[str, tuple[float, int]]:
    """The sums over micro-batches, or over ranks, domain by domain."""
    totals: dict[str, tuple[float, int]] = {}
    for part in parts:
        for domain, (loss, targets) in part.items():
            before = totals.get(domain, (0.0, 0))
            totals[domain] = (before[0] + loss, before[1] + targets)
    return totals


def reduce_losses(losses: dict[str, tuple[float, int]], group=None) -> dict[str, tuple[float, int]]:
    """The sums over all ranks of data parallelism, on each of them: `group` is theirs (default all). Without a process group, as given.

    Ranks meet different domains, so what is gathered are dicts: call it every few steps where there are very many ranks.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return losses
    parts: list = [None] * dist.get_world_size(group)
    dist.all_gather_object(parts, losses, group=group)
    return add_losses(*parts)
