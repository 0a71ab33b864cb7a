"""The bench: all contestants are the same model, turns are shared fairly, tables and rows say what was measured. Never how fast."""

import dataclasses
import importlib.util
import multiprocessing
import os
import re
from functools import partial
from typing import Any

import pytest
import torch
from tiny_models import tiny_model, tiny_preset

from lessons_lib.batching import make_batch
from lessons_lib.bench import table, training_systems
from lessons_lib.bench.ceiling import operations
from lessons_lib.bench.contest import Contestant, ContestError, Result, Turn, compete
from lessons_lib.bench.learning import Learning, bleu
from lessons_lib.bench.material import SENTENCES, Material, prepare
from lessons_lib.bench.ours import OurTraining
from lessons_lib.bench.rows import Occasion, rows, summary
from lessons_lib.bench.textbook import Textbook, bucketed, textbook
from lessons_lib.bench.training_systems import PEERS, contestants
from lessons_lib.bench.weights import copy_back, copy_to
from lessons_lib.checkpoints import find, load_model
from lessons_lib.config import SPEEDUPS, ModelConfig
from lessons_lib.corpus import Pair, load_grammar
from lessons_lib.models import EncoderDecoder

OCCASION = Occasion("bench train", "a corpus", "a processor, 2 cores", "2.13", "2026-11-25")
PLACEMENTS = ("pre", "post")

needs_transformers = pytest.mark.skipif(not importlib.util.find_spec("transformers"), reason="transformers is not installed")
needs_ctranslate2 = pytest.mark.skipif(not importlib.util.find_spec("ctranslate2"), reason="ctranslate2 is not installed")


def one_batch() -> Any:
    return make_batch([[5, 6, 7], [8, 9]], [[10, 11], [12, 13, 14, 15]], 0, 1, 2)


@pytest.fixture(scope="module")
def material() -> Material:
    return prepare(tiny_preset(speedups=SPEEDUPS, label_smoothing=0.1))


# --- the contestants are one model ---


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_textbooks_model_computes_what_ours_computes(placement: str) -> None:
    ours, batch = tiny_model(norm_placement=placement), one_batch()
    theirs = Textbook(ours).eval()
    real = batch.target_in != 0
    expected = ours(batch.source, batch.target_in)
    assert float(expected.detach().std()) > 0.1
    torch.testing.assert_close(theirs(batch.source, batch.target_in)[real], expected[real], atol=1e-5, rtol=1e-4)


@needs_transformers
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_librarys_model_computes_what_ours_computes(placement: str) -> None:
    from lessons_lib.bench.marian import Logits, library_model

    ours, batch = tiny_model(norm_placement=placement), one_batch()
    real = batch.target_in != 0
    theirs = Logits(library_model(ours)).eval()
    torch.testing.assert_close(theirs(batch.source, batch.target_in)[real], ours(batch.source, batch.target_in)[real], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_weight_is_copied_there_and_back(placement: str) -> None:
    ours, home = (tiny_model(seed, norm_placement=placement) for seed in (0, 1))
    theirs = Textbook(ours)
    assert sum(p.numel() for p in theirs.parameters()) == ours.n_parameters
    copy_back(theirs.matches(home))
    for (name, mine), came_back in zip(ours.named_parameters(), home.parameters(), strict=True):
        assert torch.equal(mine, came_back), name


def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"ours? tensors make \(40, 16\), theirs has \(50, 16\)"):
        copy_to(Textbook(tiny_model(vocabulary_size=50)).matches(tiny_model()))
    with pytest.raises(ValueError, match="rotary positions"):
        Textbook(tiny_model(positions="rotary"))


def test_the_textbook_has_the_dropout_of_ours_in_the_same_places() -> None:
    model = Textbook(tiny_model(dropout=0.5, attention_dropout=0.25, activation_dropout=0.125))
    attention = [m for m in model.modules() if isinstance(m, torch.nn.MultiheadAttention)]
    assert len(attention) == 6 and {m.dropout for m in attention} == {0.25}
    inside = [layer.dropout for stack in (model.transformer.encoder, model.transformer.decoder) for layer in stack.layers]
    assert len(inside) == 4 and {m.p for m in inside} == {0.125}
    assert {m.p for m in model.modules() if isinstance(m, torch.nn.Dropout) and m not in inside} == {0.5}


# --- what they learn ---


@pytest.mark.parametrize("name", ["textbook", "bucketed", pytest.param("marian", marks=needs_transformers), "ours"])
def test_what_was_learned_comes_home_and_the_learning_rate_ends_with_the_time(name: str, material: Material) -> None:
    batch = material.our_batches(0)[0]
    for seconds in (1.0, 5.0, 25.0):  # a busy machine learns nothing in one
        system: Any = OurTraining(material, "fp32", SPEEDUPS) if name == "ours" else PEERS[name].make(material)
        optimizer = system.trainer.optimizer if name == "ours" else system.optimizer
        before = system.facts()["first loss"]
        model, turn = system.learn(seconds)
        logits = model(batch.source, batch.target_in).flatten(0, 1).detach()
        loss = float(torch.nn.functional.cross_entropy(logits, batch.target_out.flatten(), ignore_index=0, label_smoothing=0.1))
        rate = optimizer.param_groups[0]["lr"]
        assert not model.training and turn.tokens > 0
        assert loss == pytest.approx(system.facts()["first loss"], abs=0.01)
        if loss < before - 0.1 and rate < material.training.learning_rate / 10:
            return
    pytest.fail(f"after {seconds} s the loss is {loss} where it was {before}, and the learning rate {rate}")


def test_the_validation_sentences_are_translated_by_what_was_learned(material: Material) -> None:
    """The shipped grammar model, in the place of one that has learned: its translations of its own language are right, others' are not."""
    trained = load_model(find("grammar-en-de"))
    pairs = tuple(load_grammar("test")[:20])
    known = dataclasses.replace(material, tokenizer=trained.tokenizer, casing=trained.casing, validation=pairs)

    class Learned:
        def learn(self, seconds: float) -> tuple[EncoderDecoder, Turn]:
            return trained.model, Turn(7, seconds, {"loss": 1.0})

    turn = Learning(Learned, known).turn(3.0)
    assert (turn.tokens, turn.seconds, turn.values["loss"]) == (7, 3.0, 1.0) and turn.values["bleu"] > 80
    assert bleu(trained.model, dataclasses.replace(known, validation=tuple(Pair(t, s) for s, t in pairs))) < 50
    text = table.learning_table(OCCASION, [Result("textbook", {}, [turn])], threads=2)
    (line,) = (line for line in text.splitlines() if line.startswith("textbook"))
    assert line.split()[-4:-1] == ["0.1", "2", "1.000"] and max(map(len, text.splitlines())) <= 100


# --- what they work on ---


def test_every_pair_is_in_one_batch_of_each_kind_and_tokens_are_counted_without_padding(material: Material) -> None:
    tokens = sum(map(len, material.sources + material.targets)) + 2 * len(material.sources)
    for groups, most in ((material.our_groups, 10**6), (material.shuffled_groups, SENTENCES)):
        batches = [batch for group in groups(0) for batch in group]
        assert sum(len(batch.source) for batch in batches) == len(material.sources) == 90
        assert sum(batch.n_source + batch.n_target for batch in batches) == tokens
        assert max(len(batch.source) for batch in batches) <= most
    assert not torch.equal(next(material.shuffled_groups(0))[0].source, next(material.shuffled_groups(1))[0].source)


@pytest.mark.parametrize("make", [textbook, bucketed])
def test_the_plain_loop_learns_and_goes_on_into_the_next_pass(make: Any, material: Material) -> None:
    loop = make(material)
    before = loop.facts()["first loss"]
    turns = [loop.turn(0.2)]
    while not loop.passes and len(turns) < 200:  # a busy machine needs many for a pass
        turns.append(loop.turn(0.2))
    assert loop.passes > 0 and all(turn.tokens > 0 and turn.seconds >= 0.2 for turn in turns)
    assert loop.facts()["first loss"] < before


def test_operations_are_those_of_the_products_of_our_model() -> None:
    """Six for each weight that a token meets: products forward, and two of the same size backward."""
    config = ModelConfig(vocabulary_size=100, d_model=8, n_heads=2, d_ff=24, n_encoder_layers=3, n_decoder_layers=2)
    model = EncoderDecoder(config)
    matrices = {name: p.numel() for name, p in model.named_parameters() if p.ndim == 2}
    of_source = [n for name, n in matrices.items() if name.startswith("encoder") or re.search("cross.*project_[kv]", name)]
    of_target = [n for name, n in matrices.items() if not name.startswith("encoder") and not re.search("cross.*project_[kv]", name)]
    assert operations(config) == (6 * sum(of_source), 6 * sum(of_target))


@pytest.mark.parametrize(("precision", "wanted"), [("fp32", ["fp32"]), ("bf16", ["fp32", "bf16"])])
def test_the_ceiling_is_a_speed_in_the_precision_of_the_others(
    precision: str, wanted: list[str], material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not measured once more in the ceiling's own process, where a close decision might fall otherwise."""
    monkeypatch.setattr(training_systems, "precision", lambda: precision)
    found = contestants(material, [], [], threads=1)[0].make().turn(0.05)
    assert list(found.values) == wanted and all(number > 0 for number in found.values.values()) and found.tokens == 0


# --- the contest ---


class Counter:
    """A system that remembers how often it was its turn."""

    def __init__(self, fails_at: int = 10**9, dies: bool = False) -> None:
        self.turns, self.fails_at, self.dies = 0, fails_at, dies

    def facts(self) -> dict[str, float]:
        return {"threads": float(torch.get_num_threads())}

    def turn(self, seconds: float) -> Turn:
        self.turns += 1
        if self.turns == self.fails_at:
            if self.dies:
                os._exit(1)
            raise ArithmeticError("the counter broke")
        return Turn(100, seconds, {"turns": float(self.turns)})


def test_systems_take_turns_the_first_round_does_not_count() -> None:
    order: list[tuple[str, int]] = []
    systems = [Contestant(name, Counter, 1) for name in ("a", "b")]
    results = compete(systems, 2, 0.5, lambda name, number, turn: order.append((name, number)))
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert all(turn.values["cpu_seconds"] >= 0 for result in results for turn in result.turns)
    assert [[turn.values["turns"] for turn in result.turns] for result in results] == [[2, 3], [2, 3]]
    assert all(result.facts == {"threads": 1.0} and 20e6 < result.memory < 4e9 for result in results)


def test_a_system_that_fails_is_named_at_its_making_and_at_its_turn() -> None:
    with pytest.raises(ContestError, match="^b failed: ArithmeticError: the counter broke$"):
        compete([Contestant("b", partial(Counter, 2), 1)], 2, 0.1)
    with pytest.raises(ContestError, match="^c failed: TypeError: .* unexpected keyword"):
        compete([Contestant("c", partial(Counter, nonsense=1), 1)], 1, 0.1)
    with pytest.raises(ContestError, match="^d failed: its process ended without a word; was it killed for its memory[?]$"):
        compete([Contestant("d", partial(Counter, 2, dies=True), 1)], 2, 0.1)


def test_a_system_that_is_gone_when_its_turn_comes_is_named() -> None:
    def kill(name: str, number: int, turn: Turn) -> None:
        for process in multiprocessing.active_children():
            process.kill()
            process.join()

    with pytest.raises(ContestError, match="^a failed: its process ended without a word"):
        compete([Contestant("a", Counter, 1)], 2, 0.1, kill)


@pytest.mark.slow
def test_all_of_ours_and_the_textbook_start_from_one_loss_and_two_processes_count_all_their_tokens(material: Material) -> None:
    two_threads = contestants(material, ["plain", "processes"], ["textbook"], threads=2)
    assert [(c.name, c.threads, c.processes) for c in two_threads if c.processes > 1] == [("processes", 1, 2)]
    systems = [dataclasses.replace(c, threads=1) for c in two_threads[1:]]  # two threads wait for each other where others compute too
    results = {result.name: result for result in compete(systems, 1, 0.05)}
    assert list(results) == ["textbook", "plain", "processes"]
    losses = [result.facts["first loss"] for result in results.values()]
    assert max(losses) - min(losses) < 0.02 and 4 < min(losses) < 9  # ln of 290 words is 5.7
    steps = [batch.n_source + batch.n_target for batch in material.our_batches(0)]
    assert results["processes"].turns[0].tokens >= 2 * min(steps), "a step of two processes has a batch for each"
    assert results["processes"].memory > results["plain"].memory
    assert table.agreement(list(results.values())).startswith("All begin with the same weights: loss ")


# --- tables and rows ---


def fake(name: str, speeds: tuple[int, ...], loss: float | None = 5.0) -> Result:
    turns = [Turn(speed * 2, 2.0, {"loss": 4.0}) for speed in speeds]
    return Result(name, {} if loss is None else {"first loss": loss}, turns, memory=512_000_000)


CEILING_RESULT = Result("ceiling", {}, [Turn(0, 1.0, {"fp32": 100.0, "bf16": 400.0, "cpu_seconds": 1.0})] * 3)


def test_the_table_has_medians_spreads_ratios_and_keeps_to_a_hundred_columns(material: Material) -> None:
    results = [
        CEILING_RESULT,
        fake("textbook", (900, 1000, 1100)),
        fake("processes", (8000, 9000, 20000)),
        fake("joeynmt", (500,) * 3, None),
    ]
    text = table.training_table(OCCASION, results, material, threads=2)
    assert max(map(len, text.splitlines())) <= 100
    lines = {line.split()[0]: line for line in text.splitlines() if line}
    assert lines["textbook"].split()[-5:-2] == ["1,000", "20%", "1.00"]
    assert lines["processes"].split()[-5:-2] == ["9,000", "133%", "9.00"]
    assert lines["processes"].split()[-1] == "512"
    assert "All begin with the same weights (not so joeynmt): loss 5.000 on the first batch" in text
    assert "products alone, 100 GFLOP/s in fp32, 400 GFLOP/s in bf16.\n" in text
    assert "a processor, 2 cores, torch 2.13, 2026-11-25" in text


def test_the_share_of_the_ceiling_is_useful_work_against_products_alone(material: Material) -> None:
    """A system at the speed at which its products alone would run is at 100 %."""
    in_a_source, in_a_target = operations(material.model)
    source, target = (sum(len(ids) + 1 for ids in side) for side in (material.sources, material.targets))
    work = (source * in_a_source + target * in_a_target) / (source + target)
    result = fake("textbook", (round(50e9 / work),) * 3)
    text = table.training_table(OCCASION, [CEILING_RESULT, result], material, threads=1)
    (line,) = (line for line in text.splitlines() if line.startswith("textbook"))
    assert line.split()[-2] == "50%"


def test_without_the_textbook_there_is_no_ratio_and_different_models_are_called_so(material: Material) -> None:
    results = [CEILING_RESULT, fake("plain", (10,)), fake("together", (20,), loss=5.3)]
    text = table.training_table(OCCASION, results, material, threads=1)
    assert "BEWARE: the same weights give different losses" in text and "together 5.300" in " ".join(text.split())
    (line,) = (line for line in text.splitlines() if line.startswith("plain"))
    assert line.split()[-3] == "–"


def test_rows_hold_each_turn_and_each_fact_in_the_form_of_the_studies() -> None:
    found = rows(OCCASION, [fake("textbook", (900, 1100))])
    assert {tuple(row) for row in found} == {
        ("study", "data", "hardware", "torch", "date", "system", "repeat", "tokens", "seconds", "metric", "value")
    }
    told = {(row["repeat"], row["metric"]): (row["tokens"], row["seconds"], row["value"]) for row in found}
    assert told == {
        (1, "tokens_per_second"): (1800, 2.0, 900), (1, "loss"): (1800, 2.0, 4.0),
        (2, "tokens_per_second"): (2200, 2.0, 1100), (2, "loss"): (2200, 2.0, 4.0),
        (None, "peak_memory_mb"): (None, None, 512.0), (None, "first_loss"): (None, None, 5.0),
    }  # fmt: skip


def test_a_summary_is_median_and_spread() -> None:
    assert (summary([3.0, 1.0, 2.0]).median, summary([3.0, 1.0, 2.0]).spread) == (2.0, 1.0)
    with pytest.raises(ValueError, match="nothing to summarise"):
        summary([])


# --- decoding with the peers: the same words ---


@pytest.mark.parametrize("beam", [1, 5])
@pytest.mark.parametrize("name", [pytest.param("generate", marks=needs_transformers), pytest.param("ctranslate2", marks=needs_ctranslate2)])
def test_the_peers_translate_as_ours_does_with_the_same_weights(name: str, beam: int) -> None:
    from lessons_lib.bench.decoding_systems import Decoding

    sentences = [pair.source for pair in load_grammar("test")][:24]
    theirs, ours = (Decoding(str(find("grammar-en-de")), sentences, system, beam, 1).turn(0.0) for system in (name, "fast"))
    assert sum(a == b for a, b in zip(theirs.texts, ours.texts, strict=True)) >= 23
    assert theirs.tokens == pytest.approx(ours.tokens, rel=0.02)


@pytest.mark.skipif(not importlib.util.find_spec("joeynmt"), reason="joeynmt is not installed")
def test_joeynmts_model_has_as_many_parameters_and_learns(material: Material) -> None:
    from lessons_lib.bench.joey import joeynmt

    loop = joeynmt(material)
    assert sum(p.numel() for p in loop.model.parameters()) == material.first_model().n_parameters
    losses = [loop.turn(0.3).values["loss"] for _ in range(4)]
    assert losses[-1] < losses[0] < 9
