"""Makes beyond_beam.jsonl: what two other ways of writing bring, beside beam search with one model.

    python data/studies/beyond_beam.py SPLIT MODEL [MODEL …]

translates a split of Multi30k (validation or test) and adds a row a way: the first model alone with beam 5; several models that share a
tokenizer together, by the mean of their probabilities; and the draw of least risk (Kumar and Byrne 2004; Eikema and Aziz 2020,
arXiv:2005.10283): of 32 draws from the first model that which is most like the others, by BLEU of the sentence. Takes some five minutes.
"""

import datetime
import math
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from sacrebleu.metrics import BLEU
from torch import Tensor

from lessons_lib import decoding
from lessons_lib.bench.rows import as_lines
from lessons_lib.checkpoints import fingerprint
from lessons_lib.cli import machine
from lessons_lib.corpus import load_multi30k
from lessons_lib.decoding import Hypothesis, Stepper
from lessons_lib.evaluation import moses_lower, score
from lessons_lib.models import DecodingState
from lessons_lib.tokenization import BOS_ID, EOS_ID
from lessons_lib.translation import Translator

FILE = Path(__file__).resolve().parent / "beyond_beam.jsonl"
BEAM, DRAWS, TOP_P, SENTENCES = 5, 32, 0.9, 50


class Together:
    """Half-written texts that several models continue, by the mean of their probabilities."""

    def __init__(self, steppers: Sequence[Stepper]) -> None:
        self.steppers = steppers

    def step(self, tokens: Tensor) -> Tensor:
        """As `Stepper.step`."""
        return torch.stack([stepper.step(tokens) for stepper in self.steppers]).logsumexp(dim=0) - math.log(len(self.steppers))

    def reorder(self, rows: Tensor) -> None:
        """As `Stepper.reorder`."""
        for stepper in self.steppers:
            stepper.reorder(rows)


def least_risk(candidates: Sequence[str]) -> str:
    """The candidate that is on average most like all of them, by smoothed BLEU of the sentence without its case; the first among equals."""
    bleu = BLEU(tokenize="none", effective_order=True)
    drawn = Counter(candidates)
    plain = dict(zip(drawn, moses_lower(list(drawn)), strict=True))

    def likeness(text: str) -> float:
        return sum(n * bleu.sentence_score(plain[text], [plain[other]]).score for other, n in drawn.items())

    return max(drawn, key=likeness)


@torch.inference_mode()
def together(translators: Sequence[Translator], sentences: Sequence[str]) -> list[str]:
    """What the models write together, beam 5, with the first one's length penalty."""
    first = translators[0]

    def search(source: Tensor, most: list[int]) -> list[Hypothesis]:
        states = Together([DecodingState(translator.trained.model, source) for translator in translators])
        return decoding.beam_search(states, BOS_ID, EOS_ID, most, BEAM, first.trained.length_penalty)

    return [text for rows in _in_batches(first, sentences) for text in _texts(first, search(*rows))]


@torch.inference_mode()
def of_least_risk(translator: Translator, sentences: Sequence[str], seed: int = 1) -> list[str]:
    """For each sentence the draw of least risk among `DRAWS`."""
    generator = torch.Generator().manual_seed(seed)
    chosen = []
    for source, most in _in_batches(translator, sentences):
        state = DecodingState(translator.trained.model, source.repeat_interleave(DRAWS, dim=0))
        lengths = [length for length in most for _ in range(DRAWS)]
        drawn = _texts(translator, decoding.sample(state, BOS_ID, EOS_ID, lengths, generator, top_p=TOP_P))
        chosen += [least_risk(drawn[first : first + DRAWS]) for first in range(0, len(drawn), DRAWS)]
    return chosen


def _in_batches(translator: Translator, sentences: Sequence[str]) -> list[tuple[Tensor, list[int]]]:
    """Sources, int64 (B, S), and the most tokens that each may become."""
    ids = translator.check(sentences)
    return [translator.batch(ids[first : first + SENTENCES]) for first in range(0, len(ids), SENTENCES)]


def _texts(translator: Translator, found: Sequence[Hypothesis]) -> list[str]:
    return [translator.text(hypothesis.tokens) for hypothesis in found]


def main() -> None:
    """Measure, and add the rows to the file."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    split, *names = sys.argv[1:]
    translators = [Translator.load(name) for name in names]
    if len({fingerprint(translator.trained.tokenizer) for translator in translators}) > 1:
        sys.exit("beyond_beam: the models have different tokenizers, and words of different vocabularies have no common mean")
    sources, references = (list(side) for side in zip(*load_multi30k(split), strict=True))
    found = {f"beam {BEAM}": translators[0].translate(sources, BEAM)}
    if len(translators) > 1:
        found[f"{len(translators)} models together, beam {BEAM}"] = together(translators, sources)
    found[f"least risk of {DRAWS} draws, top-p {TOP_P}"] = of_least_risk(translators[0], sources)
    place = dict(seed=1, step=None, tokens=None, seconds=None, hardware=machine.processor(), metric=f"{split} BLEU")
    values = {level: round(score("bleu-lc-moses", texts, references, n_bootstrap=0).value, 2) for level, texts in found.items()}
    written = dict(date=datetime.date.today().isoformat(), log=None)
    rows = [dict(study="beyond beam search", level=level, **place, value=value, **written) for level, value in values.items()]
    with FILE.open("a", encoding="utf-8") as file:
        file.write(as_lines(rows))
    for row in rows:
        print(row["level"], row["value"])


if __name__ == "__main__":
    main()
