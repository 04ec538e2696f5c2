"""What PyTorch users expect of a feed: batches of tensors, made ahead, with a state that checkpoints keep. Needs torch."""

from .batch import Batch
from .dataset import StepDataset
from .loader import Loader
from .parts import for_hf, micro, varlen

__all__ = ["Batch", "Loader", "StepDataset", "for_hf", "micro", "varlen"]
