"""Makes beams.json and sentences.csv: what greedy decoding and wider beams write with the shipped Multi30k model on its test set.

    python data/decoding/record.py

needs Multi30k's test and training files under LESSONS_DATA_DIR. No sentence is kept, only counts.
"""

import csv
import json
import re
import time
from collections import Counter
from pathlib import Path

import torch
from sacrebleu.metrics import BLEU, CHRF

from lessons_lib.batching import in_chunks, pad
from lessons_lib.corpus import Pair, load_multi30k
from lessons_lib.decoding import Hypothesis, beam_search, greedy
from lessons_lib.files import write_text
from lessons_lib.models import DecodingState
from lessons_lib.tokenization import BOS_ID, EOS_ID, PAD_ID
from lessons_lib.translation import Translator

FOLDER = Path(__file__).resolve().parent
BEAMS = (1, 2, 5, 8, 16)
KEPT = ((1, 1.0), (5, 1.0), (16, 0.0))  # (beam, penalty) whose sentences are counted one by one
Found = list[tuple[Hypothesis, bool]]


def search(translator: Translator, sources: list[list[int]], beam: int) -> list[Found]:
    """For each source all finished hypotheses, each with whether it ended by EOS."""
    model = translator.trained.model
    found: list[Found] = [[] for _ in sources]
    for rows in in_chunks([len(ids) for ids in sources], 32):
        state = DecodingState(model, pad([[*sources[i], EOS_ID] for i in rows], PAD_ID))
        most = [2 * len(sources[i]) + 10 for i in rows]
        ended: dict[int, list[Hypothesis]] = {}
        if beam == 1:
            ended = {n: [h] for n, h in enumerate(greedy(state, BOS_ID, EOS_ID, most))}
        else:
            beam_search(state, BOS_ID, EOS_ID, most, beam, on_step=lambda n, _, done, kept=ended: kept.__setitem__(n, done))
        for n, i in enumerate(rows):
            found[i] = [(hypothesis, len(hypothesis.tokens) < most[n]) for hypothesis in ended[n]]
    return found


def best(found: Found, penalty: float) -> Hypothesis:
    """The hypothesis that `beam_search` would give back for this penalty: which finish does not depend on it."""
    return max(found, key=lambda pair: pair[0].log_probability / (len(pair[0].tokens) + pair[1]) ** penalty)[0]


def rarest(pair: Pair, seen: Counter[str]) -> int:
    """How often the sentence's rarest English word occurs in training."""
    return min(seen[word] for word in words(pair.source))


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return re.findall(r"\w+", text.lower())


def summary(name: tuple[int, float], chosen: list[Hypothesis], texts: list[str], references: list[str]) -> dict[str, float]:
    """A row of beams.json."""
    bleu = BLEU().corpus_score(texts, [references])
    return {
        "beam": name[0],
        "penalty": name[1],
        "bleu": round(bleu.score, 2),
        "chrf": round(CHRF().corpus_score(texts, [references]).score, 2),
        "brevity": round(bleu.bp, 4),
        "words": round(bleu.sys_len / len(texts), 3),
        "reference_words": round(bleu.ref_len / len(texts), 3),
        "log_probability": round(sum(h.log_probability for h in chosen) / len(chosen), 4),
        "exact": round(100 * sum(a == b for a, b in zip(texts, references, strict=True)) / len(texts), 1),
    }


def counts(text: str, reference: str) -> list[int]:
    """Tokens of the reference and of the text, then its n-grams found there, n = 1 … 4."""
    result = BLEU(effective_order=True).sentence_score(text, [reference])
    return [result.ref_len, result.sys_len, *result.counts]


@torch.inference_mode()
def main() -> None:
    """Decode the test set with each beam, and write both files."""
    pairs, translator = load_multi30k("test"), Translator.load("tiny-en-de")
    references = [pair.target for pair in pairs]
    sources = translator.check([pair.source for pair in pairs])
    seen = Counter(word for pair in load_multi30k("train") for word in words(pair.source))
    table = [[len(words(pair.source)), rarest(pair, seen)] for pair in pairs]
    summaries, greedy_texts = [], []
    for beam in BEAMS:
        start = time.perf_counter()
        found = search(translator, sources, beam)
        seconds = time.perf_counter() - start
        for penalty in (1.0,) if beam == 1 else (0.0, 1.0):
            chosen = [best(finished, penalty) for finished in found]
            texts = [translator.text(hypothesis.tokens) for hypothesis in chosen]
            greedy_texts = greedy_texts or texts
            row = summary((beam, penalty), chosen, texts, references)
            changed = sum(a != b for a, b in zip(texts, greedy_texts, strict=True))
            summaries.append({**row, "changed": changed, "seconds": round(seconds, 1)})
            if (beam, penalty) in KEPT:
                for line, text, reference in zip(table, texts, references, strict=True):
                    reference_length, *found_there = counts(text, reference)
                    line += found_there if len(line) > 2 else [reference_length, *found_there]
            print(summaries[-1], flush=True)
    write_text(FOLDER / "beams.json", json.dumps(summaries, indent=1) + "\n")
    head = ["source", "rarest", "reference"]
    head += [f"{name}_{what}" for name in ("greedy", "beam5", "beam16") for what in ("length", 1, 2, 3, 4)]
    with (FOLDER / "sentences.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *table])


if __name__ == "__main__":
    main()
