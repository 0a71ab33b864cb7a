#!/usr/bin/env bash
# The two caption translators as they ship, trained from nothing: about eleven hours on two cores. Stopped, the same line goes on.
#
#     scripts/train_translators.sh [SEED [FOLDER]]        (default: 1 runs/translators)
#
# English to German learns five times: first from the captions alone, then, each time from the weights it has reached, from the captions and from
# what it and the German-to-English translator make of them (scripts/diversify.py); from the third time on with less dropout, from the fourth wider.
# German to English learns twice, the second time wider at once, from what its own first round and three of the other direction make of the captions.
# The fifth time English to German reads what that second round writes, and of its own translations those nearest to the captions.
set -euo pipefail
seed=${1:-1}
out=${2:-runs/translators}
[[ -z ${2:-} || $out = /* ]] || out=$PWD/$out
cd "$(dirname "${BASH_SOURCE[0]}")/.."

learn() { OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 -m lessons_lib train "$@" --seed "$seed" --resume; }

diversify() { # NAME MODEL…: the pairs that these models make, in NAME.jsonl
    local pairs=$out/$1.jsonl
    shift
    [[ -e $pairs ]] && return
    python scripts/diversify.py "${@/#/$out/}" >"$pairs.part"
    mv "$pairs.part" "$pairs"
}

learn multi30k --minutes 92 --out "$out/first"
learn multi30k --direction de-en --minutes 54 --out "$out/back"
diversify first first back
learn multi30k --from "$out/first" --also "$out/first.jsonl" --minutes 85 --out "$out/second"
diversify second second back
learn multi30k-further --from "$out/second" --also "$out/second.jsonl" --minutes 104 --out "$out/third"
diversify third third back
learn multi30k-wider --from "$out/third" --also "$out/third.jsonl" --minutes 104 --out "$out/fourth"
diversify back second third fourth back
learn multi30k-wider --direction de-en --from "$out/back" --also "$out/back.jsonl" --minutes 60 --out "$out/multi30k-de-en"
diversify fourth fourth:nearest multi30k-de-en multi30k-de-en:draw
learn multi30k-wider --from "$out/fourth" --also "$out/fourth.jsonl" --minutes 75 --out "$out/multi30k-en-de"
