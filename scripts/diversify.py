"""More training pairs out of the same captions: each sentence beside a translation of its partner (Nguyen et al. 2020, arXiv:1911.01986).

    python scripts/diversify.py multi30k-en-de multi30k-de-en > runs/pairs.jsonl

Two translators, by name or path, read the training captions of Multi30k, one into German and one back; a caption and its translation make a
pair, `{"en": …, "de": …}` a line, as `lessons train --also` reads them. Takes some ten minutes on two cores.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence

from tqdm import tqdm

from lessons_lib.checkpoints import CheckpointError
from lessons_lib.cli.lines import is_terminal
from lessons_lib.cli.refusal import complain
from lessons_lib.corpus import DIRECTIONS, DataError, Pair, load_multi30k
from lessons_lib.translation import Translator

BEAM = 5


def diversified(pairs: Sequence[Pair], forward: Translator, back: Translator, beam: int = BEAM) -> Iterator[Pair]:
    """English captions with the forward translator's German, then the back translator's English with German captions; those that are in
    the data already, and empty ones, are left out.

    Args:
        pairs: English first.
        forward, back: from English into German, and from German into English.
        beam: beginnings kept while searching.
    """
    known = set(pairs)
    english, german = (list(side) for side in zip(*pairs, strict=True))
    for pair in (
        *zip(english, translations(forward, english, beam), strict=True),
        *zip(translations(back, german, beam), german, strict=True),
    ):
        if all(pair) and Pair(*pair) not in known:
            yield Pair(*pair)


def translations(translator: Translator, sentences: list[str], beam: int) -> list[str]:
    """The translation of each sentence, in their order; a bar on standard error shows how far it is."""
    with tqdm(total=len(sentences), unit=" sentences", desc=translator.trained.direction, disable=not is_terminal(sys.stderr)) as bar:
        return translator.translate(sentences, beam, on_progress=bar.update)


def main() -> int:
    """Load the two translators, write the pairs to standard output, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("forward", help="translates English into German: a model by name, or the folder of one")
    parser.add_argument("back", help="translates German into English")
    arguments = parser.parse_args()
    try:
        translators = [Translator.load(name) for name in (arguments.forward, arguments.back)]
        pairs = load_multi30k("train")
    except (CheckpointError, DataError) as error:
        return refuse(str(error))
    for name, translator, direction in zip((arguments.forward, arguments.back), translators, DIRECTIONS, strict=True):
        if translator.trained.direction != direction:
            return refuse(f"{name} translates {translator.trained.direction}, and {direction} is needed in its place")
    for pair in diversified(pairs, *translators):
        print(json.dumps({"en": pair.source, "de": pair.target}, ensure_ascii=False))
    return 0


def refuse(reason: str) -> int:
    """Say why nothing can be done, and return the exit status."""
    complain("diversify", reason)
    return 2


if __name__ == "__main__":
    sys.exit(main())
