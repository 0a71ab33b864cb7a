"""More training pairs out of the same captions: each sentence beside a translation of its partner (Nguyen et al. 2020, arXiv:1911.01986).

    python scripts/diversify.py multi30k-en-de multi30k-de-en multi30k-de-en:draw > runs/pairs.jsonl

Translators, by name or path, read the training captions of Multi30k, each those of the language that it translates from; a caption and its
translation make a pair, `{"en": …, "de": …}` a line, as `lessons train --also` reads them. Takes some minutes a translator on two cores.

A translation is what beam search finds best. With `:nearest` after the name it is, of all that a beam of eight finishes, what is nearest
to the caption's own translation (Kim and Rush 2016, section 3.3, sequence-level interpolation). With `:draw` it is drawn at random from
what the model holds likely (nucleus sampling), so that a caption gets other words.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence

import torch
from sacrebleu.metrics import BLEU
from tqdm import tqdm

from lessons_lib.batching import in_chunks
from lessons_lib.checkpoints import CheckpointError
from lessons_lib.cli.lines import is_terminal
from lessons_lib.cli.refusal import complain
from lessons_lib.corpus import DIRECTIONS, DataError, Pair, load_multi30k
from lessons_lib.decoding import Hypothesis, beam_search, sample
from lessons_lib.evaluation import moses_lower
from lessons_lib.models import DecodingState
from lessons_lib.tokenization import BOS_ID, EOS_ID
from lessons_lib.translation import HYPOTHESES, Translator

BEAM, CANDIDATES, TOP_P = 5, 8, 0.9
Progress = Callable[[int], object]
Manner = Callable[[Translator, list[str], list[str], Progress], list[str]]


def best(translator: Translator, sentences: list[str], partners: list[str], on_progress: Progress) -> list[str]:
    """What beam search finds best for each sentence."""
    return translator.translate(sentences, BEAM, on_progress=on_progress)


def nearest(translator: Translator, sentences: list[str], partners: list[str], on_progress: Progress) -> list[str]:
    """Of all that a beam of `CANDIDATES` finishes, what is nearest to each sentence's partner; of equals the first."""

    def found(state: DecodingState, most: list[int]) -> list[list[Hypothesis]]:
        kept: list[list[Hypothesis]] = [[] for _ in most]

        def keep(number: int, beginnings: list[Hypothesis], finished: list[Hypothesis]) -> None:
            kept[number] = finished

        beam_search(state, BOS_ID, EOS_ID, most, CANDIDATES, on_step=keep, device=translator.device)
        return kept

    written = _in_batches(translator, sentences, HYPOTHESES // CANDIDATES, found, on_progress)
    language = translator.trained.direction.split("-")[1]
    wanted = moses_lower(partners, language)
    return [_nearest_of(texts, partner, language) for texts, partner in zip(written, wanted, strict=True)]


def _nearest_of(texts: list[str], partner: str, language: str) -> str:
    """Of translations the one with the best BLEU, by its own, smoothed (Lin and Och 2004), against the partner's Moses tokens."""
    bleu = BLEU(tokenize="none", smooth_method="add-k", smooth_value=1, effective_order=True)
    return max(texts, key=lambda text: bleu.sentence_score(*moses_lower([text], language), [partner]).score, default="")


def drawn(translator: Translator, sentences: list[str], partners: list[str], on_progress: Progress) -> list[str]:
    """A translation of each sentence, each word drawn from the likeliest that together reach `TOP_P`."""
    generator = torch.Generator(translator.device).manual_seed(1)

    def found(state: DecodingState, most: list[int]) -> list[list[Hypothesis]]:
        return [[one] for one in sample(state, BOS_ID, EOS_ID, most, generator, top_p=TOP_P, device=translator.device)]

    return ["".join(texts) for texts in _in_batches(translator, sentences, HYPOTHESES, found, on_progress)]


@torch.inference_mode()
def _in_batches(
    translator: Translator,
    sentences: list[str],
    size: int,
    found: Callable[[DecodingState, list[int]], list[list[Hypothesis]]],
    on_progress: Progress,
) -> list[list[str]]:
    """The texts that `found` gives for each sentence, `size` sentences of like length at a time."""
    sources = translator.check(sentences)
    written: list[list[str]] = [[] for _ in sources]
    for rows in in_chunks([len(ids) for ids in sources], size):
        source, most = translator.batch([sources[i] for i in rows])
        for i, hypotheses in zip(rows, found(DecodingState(translator.trained.model, source), most), strict=True):
            written[i] = [translator.text(hypothesis.tokens) for hypothesis in hypotheses]
        on_progress(len(rows))
    return written


MANNERS: dict[str, Manner] = {"": best, "nearest": nearest, "draw": drawn}


def diversified(pairs: Sequence[Pair], writers: Sequence[tuple[Translator, Manner]]) -> Iterator[Pair]:
    """For each translator the captions that it reads, with its translations; those that are in the data already or were made before, and
    empty ones, are left out.

    Args:
        pairs: English first.
        writers: translators from English into German, or back, as many as one likes, and how each is to translate.
    """
    known = set(pairs)
    english, german = (list(side) for side in zip(*pairs, strict=True))
    for translator, manner in writers:
        if translator.trained.direction == DIRECTIONS[0]:
            made = zip(english, translations(translator, manner, english, german), strict=True)
        else:
            made = zip(translations(translator, manner, german, english), german, strict=True)
        for pair in map(Pair._make, made):
            if all(pair) and pair not in known:
                known.add(pair)
                yield pair


def translations(translator: Translator, manner: Manner, sentences: list[str], partners: list[str]) -> list[str]:
    """The translation of each sentence, in their order; a bar on standard error shows how far it is."""
    with tqdm(total=len(sentences), unit=" sentences", desc=translator.trained.direction, disable=not is_terminal(sys.stderr)) as bar:
        return manner(translator, sentences, partners, bar.update)


def writer(text: str) -> tuple[Translator, Manner]:
    """The translator and the manner that an argument names. Raises CheckpointError."""
    name, _, manner = text.rpartition(":")
    return (Translator.load(name), MANNERS[manner]) if name and manner in MANNERS else (Translator.load(text), best)


def main() -> int:
    """Load the translators, write the pairs to standard output, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="translates into German or into English: its name, or the folder of one; :nearest or :draw",
    )
    arguments = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    try:
        writers = [writer(text) for text in arguments.models]
        pairs = load_multi30k("train")
    except (CheckpointError, DataError) as error:
        complain("diversify", str(error))
        return 2
    for pair in diversified(pairs, writers):
        print(json.dumps({"en": pair.source, "de": pair.target}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
