"""What stands against a system's taking part here, in words that follow its name."""

import importlib.util

from lessons_lib.bench.decoding_systems import Decoder
from lessons_lib.bench.training_systems import Peer, precision


def missing(peer: Peer | Decoder) -> str:
    """What a peer needs that is not installed, and how to get it; empty if it has all."""
    here = not peer.needs or importlib.util.find_spec(peer.needs) is not None
    return "" if here else f"needs {peer.needs}, which is not installed. Get it with:\n  {peer.install}"


def of_ours(name: str, threads: int = 1, processes: int = 1) -> str:
    """Why one of ours cannot take part here; empty if it can."""
    if name == "bf16" and precision() != "bf16":
        return "would gain nothing: this processor is not faster in bfloat16 than in float32"
    if name != "processes" or processes > 1:
        return ""
    if threads == 1:
        return "needs at least 2 --threads"
    return f"cannot take part: {threads} threads cannot share the batches of this preset's step equally"
