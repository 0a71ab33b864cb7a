"""The bench: all contestants are the same model, turns are shared fairly, tables and rows say what was measured. Never how fast."""

import dataclasses
import importlib.util
import multiprocessing
import os
import re
import sys
import time
from functools import partial
from typing import Any
from unittest import mock

import pytest
import torch
from tiny_models import tiny_model, tiny_preset

from lessons_lib.batching import Batch, make_batch
from lessons_lib.bench import ceiling, decoding_systems, learning, table, training_systems
from lessons_lib.bench.ceiling import operations
from lessons_lib.bench.contest import Contestant, ContestError, Result, Turn, compete
from lessons_lib.bench.learning import Learning, bleu
from lessons_lib.bench.material import SENTENCES, Material, prepare
from lessons_lib.bench.ours import OurTraining
from lessons_lib.bench.rows import Occasion, rows, summary
from lessons_lib.bench.textbook import PlainLoop, Textbook, bucketed, cross_entropy, textbook
from lessons_lib.bench.training_systems import PEERS, contestants, our_contestant
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
    text = table.learning_table(OCCASION, [Result("textbook", {}, [turn])], processes=2)
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


@pytest.mark.parametrize("name", ["ours", "plain loop"])
def test_the_tokens_of_a_turn_are_those_of_the_batches_handed_out_in_it(name: str, material: Material) -> None:
    handed: list[Batch] = []
    system: Any
    if name == "ours":
        system = OurTraining(material, "fp32", SPEEDUPS)
        loss = system.trainer.loss
        system.trainer.loss = lambda model, batch: handed.append(batch) or loss(model, batch)
    else:
        groups = lambda number: (handed.extend(group) or group for group in material.our_groups(number))  # noqa: E731
        system = PlainLoop(material, Textbook(material.first_model()), cross_entropy(material), groups)
    for _ in range(2):
        handed.clear()
        turn = system.turn(0.2)
        assert turn.tokens == sum(int((batch.source != 0).sum() + (batch.target_out != 0).sum()) for batch in handed) > 0


@pytest.mark.parametrize("log_every", [1, 3, 10**6])
def test_the_loss_of_our_turn_is_the_mean_of_its_last_steps(log_every: int, material: Material) -> None:
    training = dataclasses.replace(material.training, log_every=log_every)
    system: Any = OurTraining(dataclasses.replace(material, training=training), "fp32", ())
    seen: list[tuple[float, int]] = []
    loss = system.trainer.loss

    def watched(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
        found = loss(model, batch)
        seen.append((float(found.detach()), batch.n_target))
        return found

    system.trainer.loss = watched
    for _ in range(3):
        before = system.trainer.at.step
        turn = system.turn(0.1)
        logged = max(before, (system.trainer.at.step - 1) // log_every * log_every)
        last = seen[logged - system.trainer.at.step :]
        assert turn.values["loss"] == pytest.approx(sum(total for total, _ in last) / sum(n for _, n in last), abs=1e-4)


def test_ours_puts_each_pass_into_batches_once_and_the_first_before_its_turns(material: Material) -> None:
    with mock.patch.object(Material, "our_batches", autospec=True, side_effect=Material.our_batches) as asked:
        system = OurTraining(material, "fp32", ())
        assert asked.call_count == 1
        system.facts()
        for _ in range(4):
            system.turn(0.01)
    assert [call.args[1] for call in asked.call_args_list] == list(range(asked.call_count))


@pytest.mark.parametrize(
    ("micro_batches", "threads", "processes"), [(1, 4, 1), (2, 1, 1), (2, 2, 2), (2, 3, 2), (2, 8, 2), (8, 3, 2), (8, 4, 4), (8, 16, 8)]
)
def test_processes_share_a_step_of_the_same_size_and_the_threads(
    micro_batches: int, threads: int, processes: int, material: Material
) -> None:
    training = dataclasses.replace(material.training, micro_batches=micro_batches)
    found = our_contestant("processes", dataclasses.replace(material, training=training), threads)
    assert (found.processes, found.threads) == (processes, threads // processes)
    assert found.make().trainer.config.micro_batches == micro_batches


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


def test_the_ceiling_is_the_work_of_the_products_over_their_time(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes: list[tuple[int, int, int]] = []

    def at_one_gflop(a: torch.Tensor, b: torch.Tensor, seconds: float) -> float:
        assert a.shape[1] == b.shape[0]
        shapes.append((*a.shape, b.shape[1]))
        return 2e-9 * a.shape[0] * a.shape[1] * b.shape[1]

    monkeypatch.setattr(ceiling, "_median_seconds", at_one_gflop)
    config = material.model
    assert ceiling.Ceiling(config, 192, "bf16").turn(1.0).values == pytest.approx({"fp32": 1.0, "bf16": 1.0})
    rows, d, wide = 192, config.d_model, config.d_ff
    assert shapes[3:6] == [(rows, d, wide), (rows, wide, d), (wide, rows, d)], "forward, gradient of the input, gradient of the weight"
    assert len(shapes) == 2 * 3 * len(ceiling.products(config))


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


def spin(seconds: float) -> None:
    """Keep a processor busy."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


class Spinning(Counter):
    """A system that computes outside what it times."""

    def __init__(self, tells: bool) -> None:
        super().__init__()
        self.tells = tells

    def turn(self, seconds: float) -> Turn:
        spin(0.3)
        return Turn(100, seconds, {"cpu_seconds": 0.01} if self.tells else {})


def test_processor_time_outside_what_is_timed_is_left_out_where_the_system_tells() -> None:
    systems = [Contestant(str(tells), partial(Spinning, tells), 1) for tells in (True, False)]
    told, counted = (result.turns[0].values["cpu_seconds"] for result in compete(systems, 1, 0.1, warms_up=False))
    assert told == 0.01 and counted >= 0.3


def test_neither_counting_tokens_nor_judging_counts_as_processor_time(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    decoding = object.__new__(decoding_systems.Decoding)
    decoding.sentences, decoding.beam = ["a dog"], 1
    decoding.decode = lambda sentences, beam: spin(0.1) or ["ein Hund"]
    decoding.translator = mock.Mock(ids=lambda sentence: spin(0.5) or [5])
    decoding.translator.trained.tokenizer.encode.return_value = [6, 7]
    turn = decoding.turn(0.0)
    assert turn.tokens == 5 and 0.1 <= turn.values["cpu_seconds"] < 0.4

    learner = mock.Mock(learn=lambda seconds: spin(0.1) or (None, Turn(7, seconds)))
    monkeypatch.setattr(learning, "bleu", lambda *_: spin(0.5) or 1.0)
    assert 0.1 <= Learning(lambda: learner, material).turn(3.0).values["cpu_seconds"] < 0.4


def test_what_was_measured_is_there_after_a_failure() -> None:
    results: list[Result] = []
    with pytest.raises(ContestError):
        compete([Contestant("a", Counter, 1), Contestant("b", partial(Counter, 3), 1)], 4, 0.1, results=results)
    assert [(result.name, len(result.turns)) for result in results] == [("a", 2), ("b", 1)]


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
    material = dataclasses.replace(material, training=dataclasses.replace(material.training, micro_batches=2))
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
    text = table.training_table(OCCASION, results, material, processes=2)
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
    text = table.training_table(OCCASION, [CEILING_RESULT, result], material, processes=1)
    (line,) = (line for line in text.splitlines() if line.startswith("textbook"))
    assert line.split()[-2] == "50%"


def test_without_the_textbook_there_is_no_ratio_and_different_models_are_called_so(material: Material) -> None:
    results = [CEILING_RESULT, fake("plain", (10,)), fake("together", (20,), loss=5.3)]
    text = table.training_table(OCCASION, results, material, processes=1)
    assert "BEWARE: the same weights give different losses" in text and "together 5.300" in " ".join(text.split())
    (line,) = (line for line in text.splitlines() if line.startswith("plain"))
    assert line.split()[-3] == "–"


def decoded(name: str, pace: float, used: float, *texts: str) -> Result:
    turns = [Turn(50, 1.0, {"sentences_per_second": speed, "cpu_seconds": used}, texts) for speed in (pace, 0.9 * pace, 1.1 * pace)]
    return Result(name, {}, turns, memory=800_000_000)


def test_the_table_of_decoding_compares_each_beam_with_its_own_generate_and_fast() -> None:
    results = [
        decoded("fast greedy", 1000.0, 2.0, "a", "b", "c", "d"), decoded("generate greedy", 400.0, 5.0, "a", "b", "c", "x"),
        decoded("fast beam5", 300.0, 4.0, "a", "b", "c", "e"), decoded("generate beam5", 100.0, 16.0, "a", "y", "z", "x"),
    ]  # fmt: skip
    text = table.decoding_table(OCCASION, results)
    assert max(map(len, text.splitlines())) <= 100
    cells = {" ".join(line.split()[:2]): line.split()[-6:] for line in text.splitlines() if line.startswith(("fast", "generate"))}
    assert cells == {
        "fast greedy": ["1,000.0", "20%", "2.50", "2.50", "100.0%", "800"],
        "generate greedy": ["400.0", "20%", "1.00", "1.00", "75.0%", "800"],
        "fast beam5": ["300.0", "20%", "3.00", "4.00", "100.0%", "800"],
        "generate beam5": ["100.0", "20%", "1.00", "1.00", "25.0%", "800"],
    }
    assert "Median of 3 turns of 4 sentences" in text


def test_the_table_of_decoding_has_a_dash_for_what_there_is_nothing_to_compare_with() -> None:
    lines = table.decoding_table(OCCASION, [decoded("fast greedy", 9.0, 2.0, "a"), decoded("generate beam5", 9.0, 2.0, "a")]).splitlines()
    told = [next(line.split()[-4:-1] for line in lines if line.startswith(name)) for name in ("fast", "generate")]
    assert told == [["–", "–", "100.0%"], ["1.00", "1.00", "–"]]


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


def test_ctranslate2_decodes_a_batch_a_thread_as_ours_does(monkeypatch: pytest.MonkeyPatch) -> None:
    from lessons_lib.bench import ctranslate

    library = mock.Mock()
    monkeypatch.setitem(sys.modules, "ctranslate2", library)
    monkeypatch.setattr(ctranslate, "specification", mock.Mock())
    system = ctranslate.CTranslate(tiny_model(), {5: 64}, threads=3)
    assert library.Translator.call_args.kwargs.items() >= {"device": "cpu", "inter_threads": 3, "intra_threads": 1}.items()
    library.Translator.return_value.translate_batch.return_value = [mock.Mock(hypotheses=[["t7", "t9"]])]
    assert system([[5, 6]], 5) == [[7, 9]]
    assert library.Translator.return_value.translate_batch.call_args.kwargs.items() >= {"beam_size": 5, "max_batch_size": 64}.items()


@pytest.mark.skipif(not importlib.util.find_spec("joeynmt"), reason="joeynmt is not installed")
def test_joeynmts_model_has_as_many_parameters_and_learns(material: Material) -> None:
    from lessons_lib.bench.joey import joeynmt

    loop = joeynmt(material)
    assert sum(p.numel() for p in loop.model.parameters()) == material.first_model().n_parameters
    losses = [loop.turn(0.3).values["loss"] for _ in range(4)]
    assert losses[-1] < losses[0] < 9
