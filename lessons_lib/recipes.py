"""The named recipes: what each trains, on what, how, and how long."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lessons_lib.cleaning import TokenLimits
from lessons_lib.config import SPEEDUPS, Budget, TrainingConfig
from lessons_lib.corpus import DIRECTIONS, MULTI30K_LICENCE, Pair, load_grammar, load_multi30k, load_wmt14


@dataclass(frozen=True)
class Preset:
    """A recipe.

    Attributes:
        about: what it trains, on what, in a line.
        load: split → pairs, English first.
        vocabulary_size: of the joint tokenizer, special tokens included.
        model: fields of `ModelConfig` besides the vocabulary.
        training: the configuration of the loop.
        budget: how long it runs if nothing is said.
        direction: from which language into which, one of `DIRECTIONS`.
        bpe_dropout: probability of passing over a merge while training.
        casing: whether source and first target words lose their capitals.
        tokenizer_pairs: from how many pairs the tokenizer is learned at most, 0 for all.
        token_limits: which pairs are trained on; None for all.
        n_validation: validation pairs that are translated each time.
        multiple_of: widths of batches are rounded up to a multiple of this, so that few different shapes occur.
        test_splits: what a finished model is scored on.
        start: the trained model, by name or path, whose weights, tokenizer and casing it begins with; empty for a beginning from nothing.
        data, licence, text, limits: for the card of a model: what it saw, how its weights may be used, how text was prepared, what to
            beware of.
    """

    about: str
    load: Callable[[str], list[Pair]]
    vocabulary_size: int
    model: dict[str, Any]
    training: TrainingConfig
    budget: Budget
    direction: str = DIRECTIONS[0]
    bpe_dropout: float = 0.0
    casing: bool = False
    tokenizer_pairs: int = 0
    token_limits: TokenLimits | None = None
    n_validation: int = 1_000_000
    multiple_of: int = 4
    test_splits: tuple[str, ...] = ("test",)
    start: str = ""
    data: str = ""
    licence: str = ""
    text: str = ""
    limits: str = ""

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise ValueError(f"direction is {self.direction!r}: it must be one of {', '.join(DIRECTIONS)}")

    @property
    def target_language(self) -> str:
        """What it translates into, `de` or `en`."""
        return self.direction.split("-")[1]

    def pairs(self, split: str) -> list[Pair]:
        """The pairs of a split, turned round where the direction asks for it. Raises DataError as `load`."""
        pairs = self.load(split)
        return pairs if self.direction == DIRECTIONS[0] else [pair.turned() for pair in pairs]

    def with_more(self, pairs: list[Pair]) -> "Preset":
        """The recipe trained on these pairs as well, English first; tokenizer and casing learn from them, too."""
        return dataclasses.replace(self, load=lambda split: [*self.load(split), *pairs] if split == "train" else self.load(split))


# What all recipes on Multi30k have in common.
_CAPTIONS: dict[str, Any] = dict(
    load=load_multi30k,
    vocabulary_size=4000,
    bpe_dropout=0.1,
    casing=True,
    data=f"{MULTI30K_LICENCE}: 29,000 captions of photos; its test set is test 2016",
    licence="CC BY-NC-SA 4.0, as its data: not for commercial use",
    text="source in lower case, first word of the target truecased, BPE-dropout 0.1",
    limits=(
        "It has read captions of photos: people, dogs, sports, streets, in the present tense. Anything else (questions, *I* and *you*, "
        "the past, names, news) it turns into a caption or into nonsense, fluently. The captions carry the habits of their writers: "
        "what they assume about age, sex and origin comes back in the translations. Do not use it where a wrong translation could do "
        "harm."
    ),
)

PRESETS = {
    "grammar": Preset(
        about="the shipped English–German grammar corpus; about a minute on two cores",
        load=load_grammar,
        vocabulary_size=3200,
        model=dict(d_model=128, n_heads=4, d_ff=256, n_encoder_layers=2, n_decoder_layers=2, dropout=0.0, max_length=128),
        training=TrainingConfig(
            learning_rate=2.5e-3, warmup_steps=150, decay="linear", label_smoothing=0.0, batch_tokens=512, ema_decay=0.98, log_every=20,
            validate_every=600, checkpoint_every=600,
        ),
        budget=Budget(steps=1800),
        casing=True,
        n_validation=300,
        test_splits=("test", "unseen", "longer", "mirrored"),
        data="the course's own English–German grammar corpus (`data/grammar`, CC BY 4.0)",
        licence="CC BY 4.0",
        text="source in lower case, first word of the target truecased",
        limits=(
            "It knows the corpus's words and sentence patterns and nothing else. On sentences longer than any it was trained on it breaks "
            "down, as the score on `longer` says: kept as it is, since it shows what such a model has not learned."
        ),
    ),
    # The shape of Transformer-Tiny (Wu et al. 2021, "Good for Misconceived Reasons"), which has post-norm, dropout 0.3 and a peak of 5e-3.
    # Here post-norm got stuck at such rates (data/studies, notebook 08).
    "tiny": Preset(
        about="Multi30k English–German, 29,000 photo captions; an hour and a half on two cores",
        model=dict(d_model=128, n_heads=4, d_ff=256, n_encoder_layers=4, n_decoder_layers=4, dropout=0.2),
        training=TrainingConfig(
            learning_rate=3e-3, warmup_steps=400, decay="cosine", label_smoothing=0.1, batch_tokens=2048, micro_batches=2,
            ema_decay=0.999, log_every=20, validate_every=500, checkpoint_every=250, precision="bf16",
            speedups=SPEEDUPS,
        ),
        budget=Budget(seconds=82 * 60),
        **_CAPTIONS,
    ),
    # Twice the parameters, more dropout in more places; queries, keys and values begin as those of `nn.MultiheadAttention` do.
    "multi30k": Preset(
        about="the same captions with a wider model, twice the parameters; an hour and a half on two cores",
        model=dict(
            d_model=192, n_heads=4, d_ff=384, n_encoder_layers=4, n_decoder_layers=4, dropout=0.3, attention_dropout=0.1,
            activation_dropout=0.1, attention_gain=0.5**0.5,
        ),
        training=TrainingConfig(
            learning_rate=2.5e-3, warmup_steps=400, decay="cosine", label_smoothing=0.1, batch_tokens=2048, micro_batches=2,
            ema_decay=0.9995, log_every=20, validate_every=1000, checkpoint_every=500, precision="bf16",
            speedups=SPEEDUPS,
        ),
        budget=Budget(seconds=92 * 60),
        **_CAPTIONS,
    ),
    # The base model of Vaswani et al. 2017 for WMT 2014. As there (section 5; table 3): six and six layers, widths, heads, post-norm,
    # sinusoids, dropout after each sublayer and on the embeddings, one table for both languages and the output, smoothing, Adam's betas,
    # warm-up to 512^−½ · 4000^−½ and the inverse root after it, 100,000 steps of about 25,000 tokens a side, a joint BPE of 37,000.
    # Not as there: the BPE works on bytes and is learned from a million pairs; dropout inside the feed-forward layer too; gradients clipped
    # at norm 1; Adam's ε 1e-8 for 1e-9; bfloat16; pairs of odd lengths left out; a moving average of the weights, which reaches back some
    # 5,000 steps, instead of the mean of the last five checkpoints, ten minutes apart.
    # A step takes its eight micro-batches one after the other on one GPU, side by side on two, four or eight under `torchrun`.
    "base": Preset(
        about="WMT 2014 English–German, 4.5 million pairs, with the 2017 paper's base model; for GPUs (the paper: 12 hours on eight)",
        load=load_wmt14,
        vocabulary_size=37_000,
        model=dict(
            d_model=512, n_heads=8, d_ff=2048, n_encoder_layers=6, n_decoder_layers=6, dropout=0.1, norm_placement="post", max_length=1024
        ),
        training=TrainingConfig(
            learning_rate=7e-4, warmup_steps=4000, decay="inverse_sqrt", betas=(0.9, 0.98), weight_decay=0.0, clip_norm=1.0,
            label_smoothing=0.1, batch_tokens=3200, micro_batches=8, ema_decay=0.9998, precision="bf16", log_every=100,
            validate_every=5000, checkpoint_every=1000,
        ),
        budget=Budget(steps=100_000),
        tokenizer_pairs=1_000_000,
        token_limits=TokenLimits(max_tokens=250, max_ratio=1.5),
        data="WMT 2014 (Bojar et al. 2014): 4.5 million pairs of Europarl, Common Crawl and News Commentary; its test set is newstest2014",
        licence="the corpora of WMT 2014 are free for research; what else the weights may be used for is not settled here",
        text="cased as it is; pairs longer than 250 tokens, or of which one side has over 1.5 times the tokens of the other, left out",
        limits=(
            "It has read parliament, news and web pages of before 2014, a sentence at a time: no dialogue, nothing newer, no context. "
            "Names and numbers come out wrong now and then, fluently. Do not use it where a wrong translation could do harm."
        ),
    ),
}  # fmt: skip

# What a model goes on with that translates the captions it has learned from no better than others: less dropout.
PRESETS["multi30k-further"] = dataclasses.replace(
    PRESETS["multi30k"],
    about="the same model with less dropout, to go on from a trained one with more pairs; an hour and three quarters on two cores",
    model=PRESETS["multi30k"].model | dict(dropout=0.2, activation_dropout=0.0),
    budget=Budget(seconds=104 * 60),
)

# And one with more units in its feed-forward layers, which begins where that has come to, and still less dropout.
PRESETS["multi30k-wider"] = dataclasses.replace(
    PRESETS["multi30k-further"],
    about="a model with twice the feed-forward units, to go on from a trained one with more pairs; an hour and three quarters on two cores",
    model=PRESETS["multi30k-further"].model | dict(d_ff=768, dropout=0.1),
)
