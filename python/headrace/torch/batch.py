"""A batch as tensors."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch


@dataclass(frozen=True)
class Batch:
    """One rank's part of a step, or of a micro-batch of it; see `headrace.Feed`.

    `input_ids`, `targets` and `position_ids` are (samples, length); `input_ids` and `position_ids` are int32, `targets` int64, as cross entropies
    want them. `cu_seqlens_padded` is int32, bounds of pieces and padding over the flattened rows, and `max_seqlen` the longest of them;
    `cu_seqlens` is the same without what aligns pieces.
    `targets_in_step` counts the targets of the whole step, over all ranks and micro-batches.
    """

    step: int
    digest: str
    input_ids: torch.Tensor
    targets: torch.Tensor
    position_ids: torch.Tensor
    cu_seqlens: torch.Tensor
    cu_seqlens_padded: torch.Tensor
    max_seqlen: int
    documents: list[str]
    domains: list[str]
    targets_in_step: int

    @classmethod
    def of(cls, arrays: dict) -> Batch:
        """The batch of what a Feed gives."""
        bounds = arrays["cu_seqlens_padded"]
        tensors = {name: torch.from_numpy(arrays[name]) for name in ("input_ids", "targets", "position_ids", "cu_seqlens", "cu_seqlens_padded")}
        others = {name: arrays[name] for name in ("step", "digest", "documents", "domains", "targets_in_step")}
        return cls(**tensors, **others, max_seqlen=int((bounds[1:] - bounds[:-1]).max()))

    def to(self, device, non_blocking: bool = False) -> Batch:
        """The batch with its tensors on a device."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """The batch in pinned memory: a DataLoader calls it for `pin_memory=True`."""
        return self._map(lambda tensor: tensor.pin_memory())

    def _map(self, act) -> Batch:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: act(value) for name, value in values.items() if isinstance(value, torch.Tensor)})
