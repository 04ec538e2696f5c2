"""Batches cut for accumulation, and as attention kernels and models take them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from ..errors import FeedError
from .batch import Batch


def micro(batch: Batch, parts: int) -> Iterator[Batch]:
    """A batch in `parts` of as many rows, in their order: bounds count from 0 in each, and `targets_in_step` stays that of the step.

    So the sum of losses of all parts of all ranks, divided by it, is the loss of the step. FeedError where the rows can't be shared.
    """
    rows, length = batch.input_ids.shape
    if not (isinstance(parts, int) and parts >= 1 and rows % parts == 0):
        divisors = [n for n in range(1, rows + 1) if rows % n == 0]
        raise FeedError(f"{rows} rows can't be cut into {parts!r} micro-batches: use one of {divisors}")
    each = rows // parts
    padded = batch.cu_seqlens_padded
    starts = torch.arange(0, parts + 1, dtype=padded.dtype, device=padded.device) * (each * length)
    # A row ends with a piece or with padding, so each of these is a bound.
    spans = torch.searchsorted(padded, starts).tolist()
    for part in range(parts):
        taken = slice(part * each, (part + 1) * each)
        own = slice(spans[part], spans[part + 1] + 1)
        bounds = padded[own] - starts[part]
        yield replace(
            batch,
            input_ids=batch.input_ids[taken],
            targets=batch.targets[taken],
            position_ids=batch.position_ids[taken],
            cu_seqlens=batch.cu_seqlens[own] - batch.cu_seqlens[own.start],
            cu_seqlens_padded=bounds,
            max_seqlen=int(bounds.diff().max()),
            documents=batch.documents[spans[part] : spans[part + 1]],
            domains=batch.domains[taken],
        )


def varlen(batch: Batch) -> dict:
    """What `flash_attn_varlen_func` takes, so that no token attends over the bounds of its piece of a document."""
    return {
        "cu_seqlens_q": batch.cu_seqlens_padded,
        "cu_seqlens_k": batch.cu_seqlens_padded,
        "max_seqlen_q": batch.max_seqlen,
        "max_seqlen_k": batch.max_seqlen,
    }


def for_hf(batch: Batch) -> dict:
    """What a causal language model of transformers takes (4.45 or later): the loss is the mean over the targets of the whole step.

    Its models shift `labels` by themselves. They take `shift_labels` as they are, and need `labels` only to make a loss at all.
    """
    targets = batch.targets.long()
    return {
        "input_ids": batch.input_ids.long(),
        "position_ids": batch.position_ids.long(),
        "labels": targets,
        "shift_labels": targets,
        "num_items_in_batch": batch.targets_in_step,
    }
