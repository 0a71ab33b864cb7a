"""The English–German grammar corpus: a lexicon, the rules of both languages, and sentences drawn from them.

`generate(seed)` gives the splits; `python -m lessons_lib.grammar FOLDER` writes them. No torch, no other data.
"""

from lessons_lib.grammar.splits import DEFAULT_SEED, GrammarPair, generate

__all__ = ["DEFAULT_SEED", "GrammarPair", "generate"]
