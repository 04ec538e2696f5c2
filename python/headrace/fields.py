"""The fields of a batch that are made of its bounds."""

import numpy as np

NO_TARGET = -100


def targets_of(ids, cu_seqlens, silent, targets):
    """Fills `targets`: for each token the next one in its span; -100 at a span's end, and in all of the `silent` ones, as pairs of first token
    and end."""
    targets[:-1] = ids[1:]
    targets[cu_seqlens[1:] - 1] = NO_TARGET
    for start, end in silent:
        targets[start:end] = NO_TARGET
    return targets


def positions_of(cu_seqlens, positions):
    """Fills `positions`: each token's number in its span."""
    spans = np.diff(cu_seqlens)
    # Slices of one count are copied in half the time of counting all and taking off where each span begins.
    count = np.arange(int(spans.max()), dtype=np.int32)
    return np.concatenate([count[:tokens] for tokens in spans.tolist()], out=positions)
