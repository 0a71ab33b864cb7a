"""More training pairs out of the same captions: each sentence beside a translation of its partner (Nguyen et al. 2020, arXiv:1911.01986).

    python scripts/diversify.py multi30k-en-de multi30k-de-en > runs/pairs.jsonl

Translators, by name or path, read the training captions of Multi30k, each those of the language that it translates from; a caption and its
translation make a pair, `{"en": …, "de": …}` a line, as `lessons train --also` reads them. Takes some minutes a translator on two cores.
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


def diversified(pairs: Sequence[Pair], translators: Sequence[Translator], beam: int = BEAM) -> Iterator[Pair]:
    """For each translator the captions that it reads, with its translations; those that are in the data already or were made before, and
    empty ones, are left out.

    Args:
        pairs: English first.
        translators: from English into German, or back; those of either direction, and as many as one likes.
        beam: beginnings kept while searching.
    """
    known = set(pairs)
    english, german = (list(side) for side in zip(*pairs, strict=True))
    for translator in translators:
        if translator.trained.direction == DIRECTIONS[0]:
            made = zip(english, translations(translator, english, beam), strict=True)
        else:
            made = zip(translations(translator, german, beam), german, strict=True)
        for pair in map(Pair._make, made):
            if all(pair) and pair not in known:
                known.add(pair)
                yield pair


def translations(translator: Translator, sentences: list[str], beam: int) -> list[str]:
    """The translation of each sentence, in their order; a bar on standard error shows how far it is."""
    with tqdm(total=len(sentences), unit=" sentences", desc=translator.trained.direction, disable=not is_terminal(sys.stderr)) as bar:
        return translator.translate(sentences, beam, on_progress=bar.update)


def main() -> int:
    """Load the translators, write the pairs to standard output, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="translates into German or into English: its name, or the folder of one")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    try:
        translators = [Translator.load(name) for name in arguments.models]
        pairs = load_multi30k("train")
    except (CheckpointError, DataError) as error:
        complain("diversify", str(error))
        return 2
    for pair in diversified(pairs, translators):
        print(json.dumps({"en": pair.source, "de": pair.target}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
