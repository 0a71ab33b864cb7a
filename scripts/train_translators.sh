#!/usr/bin/env bash
# The two caption translators as they ship, trained from nothing: about four hours on two cores. Stopped, the same line goes on.
#
#     scripts/train_translators.sh [SEED [FOLDER]]        (default: 1 runs/translators)
#
# English to German learns twice: first from the captions alone, then, from the weights it has reached, from the captions and from what it
# and the German-to-English translator made of them (scripts/diversify.py).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seed=${1:-1}
out=${2:-runs/translators}
export OMP_NUM_THREADS=1

learn() { torchrun --nproc-per-node 2 -m lessons_lib train multi30k --seed "$seed" --resume "$@"; }

learn --minutes 92 --out "$out/first"
learn --direction de-en --minutes 54 --out "$out/multi30k-de-en"
if [[ ! -e $out/pairs.jsonl ]]; then
    python scripts/diversify.py "$out/first" "$out/multi30k-de-en" >"$out/pairs.part"
    mv "$out/pairs.part" "$out/pairs.jsonl"
fi
learn --from "$out/first" --also "$out/pairs.jsonl" --minutes 85 --out "$out/multi30k-en-de"
