"""What PyTorch users expect of a feed: batches of tensors, made ahead, with a state that checkpoints keep. Needs torch."""

from .batch import Batch
from .dataset import StepDataset
from .loader import Loader
from .losses import add_losses, losses_by_domain, reduce_losses
from .parts import for_hf, micro, varlen

__all__ = ["Batch", "Loader", "StepDataset", "add_losses", "for_hf", "losses_by_domain", "micro", "reduce_losses", "varlen"]
