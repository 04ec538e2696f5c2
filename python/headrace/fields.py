"""The fields of a batch that are made of its bounds."""

import numpy as np

NO_TARGET = -100


def targets_of(ids, ends, following, silent, targets):
    """Fills `targets`: for each token the next one in its span; before the `ends` of spans what is `following` (None: -100), and -100 in all of
    the `silent` stretches, as pairs of first token and end."""
    targets[:-1] = ids[1:]
    targets[ends - 1] = NO_TARGET if following is None else following
    for start, end in silent:
        targets[start:end] = NO_TARGET
    return targets


def positions_of(cu_seqlens, positions):
    """Fills `positions`: each token's number in its span."""
    spans = np.diff(cu_seqlens)
    # Slices of one count are copied in half the time of counting all and taking off where each span begins.
    count = np.arange(int(spans.max()), dtype=np.int32)
    return np.concatenate([count[:tokens] for tokens in spans.tolist()], out=positions)
