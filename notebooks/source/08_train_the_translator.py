# %% [markdown]
# # Train the translator
#
# In 06 you trained for a minute, on a small corpus of our own. The caption translator of 07 took longer. Its log ships with it:

# %%
from lessons_lib.metrics import read_metrics
from lessons_lib.runtime import data_dir

shipped = data_dir() / "checkpoints" / "tiny-en-de"
rows = read_metrics(shipped / "metrics.jsonl")  # a row every 20 steps

# %% tags=["nbval-check-output"]
end = rows[-1]
print(f"{end['step']:,} steps, {end['passes']} passes over 29,000 captions,")
print(f"{end['tokens'] / 1e6:.1f} million tokens of both languages,",
      f"{end['seconds'] / 60:.0f} minutes")

# %% [markdown]
# Each of those steps is the step of 06. **Write down your guess:** where did the minutes go, and which of them could have been saved?
#
# **You will be able to**
# - count what padding wastes, and build batches that waste little;
# - say what 16-bit numbers save, what they lose, and where 32 bits have to stay;
# - average weights, split a step into parts, and tell when a mean is wrong;
# - kill a run, resume it, and prove that nothing was lost;
# - read the log of a run you have not made, and work out its bill.
#
# **Prerequisites:** the training loop ([06](06_training_loop.ipynb)), BLEU and its intervals ([07](07_decode_and_evaluate.ipynb)). **Time:** 80 minutes to read, 45 for the exercises; the cells run in 85 seconds.
#
# ## 1. A minute and an hour: what differs
#
# Both are recipes of `lessons train`. Where do they differ?

# %%
from dataclasses import asdict
from lessons_lib.presets import PRESETS

# %% tags=["nbval-check-output"]
minute, hour = (asdict(PRESETS[name].training) | PRESETS[name].model
                for name in ("grammar", "tiny"))
for name in sorted(minute):
    if minute[name] != hour.get(name, minute[name]) and not (
            "every" in name or name == "speedups"):  # these: section 3
        print(f"{name:17} {minute[name]!s:>8} {hour[name]!s:>8}")

# %% [markdown]
# The hour's model is twice as deep. It reads the same captions dozens of times, hence dropout, smoothing, and words cut a little otherwise in each pass (**BPE-dropout**, Provilkov and others 2020: 43 tokens a pair instead of 34). New here: `batch_tokens` (section 2), `precision` (3), `ema_decay` (4), `micro_batches` (5).
#
# Where Multi30k is found (README), some cells use it, else the grammar corpus; no conclusion depends on which.

# %%
from lessons_lib.corpus import has_multi30k, load_grammar, load_multi30k
from lessons_lib.translation import Translator

# %%
live = "tiny-en-de" if has_multi30k() else "grammar-en-de"
load = load_multi30k if has_multi30k() else load_grammar
print("here such cells use",
      "Multi30k" if has_multi30k() else "the grammar corpus")

# %%
def ids_of(translator, pairs):
    """Source and target ids of each pair, as the model was trained."""
    trained = translator.trained
    tokenizer, casing = trained.tokenizer, trained.casing
    return ([translator.ids(pair.source) for pair in pairs],
            [tokenizer.encode(casing.before_target(pair.target))
             for pair in pairs])

small = Translator.load("grammar-en-de")
sources, targets = ids_of(small, load_grammar("train"))

# %% [markdown]
# ## 2. Places that hold nothing
#
# Six sentences of 2, 9, 3, 8, 4 and 7 tokens, two a batch. A batch is as wide as its longest sentence, and the rest is padding (02). In this order: 2 and 9 take two rows of 9 places, then 16, then 14: 48 places for 33 tokens. 15 of 48 are empty, **31.2 %**. The model computes on them all the same.
#
# **Before you look:** how many stay empty if you sort by length first? And if a batch may hold any number of sentences, as long as rows × longest is at most 16?

# %%
from lessons_lib.figures import full_run as pictures

plans = {"as they come": [[2, 9], [3, 8], [4, 7]],
         "sorted": [[2, 3], [4, 7], [8, 9]],
         "by a budget of 16": [[2, 3, 4], [7, 8], [9]]}
pictures.show_padding(plans)

# %% tags=["nbval-check-output"]
def waste(batches):
    places = sum(len(batch) * max(batch) for batch in batches)
    return 100 * (1 - sum(map(sum, batches)) / places)

for name, batches in plans.items():
    print(f"{name:18} {waste(batches):.1f} % empty")

# %% [markdown]
# The **budget** counts places, not sentences.
#
# ### Exercise 1 (pencil, 6 minutes)
# Lengths 2 10 9 8 3 7 5 4. What share is empty, in per cent: two a batch as they come; two a batch sorted; sorted, filled up to a budget of 20 places? Three numbers, one decimal.

# %% tags=["exercise"]
from lessons_lib.exercises import check

### BEGIN SOLUTION
answer = [22.6, 7.7, 14.3]
### END SOLUTION
check("batches.waste", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# 48 tokens in all. As they come: 20 + 18 + 14 + 10 places.
#
# </details>
# <details><summary>Second hint</summary>
#
# Budget: 2, 3, 4, 5 (four rows of 5), then 7, 8, then 9, 10. Divide the empty places by all places.
#
# </details>

# %% [markdown]
# ### Exercise 2 (core, 12 minutes)
# Write it: shortest first (ties in the order given), a sentence joins the open batch while rows × longest stays within the budget. Return a list of batches, each a list of *indices*. No sentence is longer than the budget.

# %% tags=["exercise"]
def by_budget(lengths, budget):
    ### BEGIN SOLUTION
    batches = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batches and (len(batches[-1]) + 1) * lengths[i] <= budget:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
    ### END SOLUTION

check("batches.by_budget", by_budget)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Go through `sorted(range(len(lengths)), key=lambda i: lengths[i])`. The sentence that joins is the longest so far.
#
# </details>
# <details><summary>Second hint</summary>
#
# It joins if `(len(batches[-1]) + 1) * lengths[i] <= budget`, else it opens a batch of its own.
#
# </details>

# %% [markdown]
# The library's `bucketed` does this with pairs, by target length, then source, places counted on the longer side; equal pairs are shuffled, then the batches: **bucketing**. On our six:

# %% tags=["nbval-check-output"]
import numpy as np
from lessons_lib.batching import bucketed

six = [2, 9, 3, 8, 4, 7]
found = bucketed(six, six, 16, np.random.default_rng(0))
print(sorted(sorted(six[i] for i in batch) for batch in found))

# %% [markdown]
# 20,000 pairs of the grammar corpus, none longer than 14 words. **Before you run it:** what share is empty in random batches of 128 sentences: 5, 20 or 40 %?

# %%
def four_plans(lengths):  # (N, 2): source, target
    n, rng = len(lengths), np.random.default_rng(0)
    def fixed(order):
        return [order[i:i + 128] for i in range(0, n, 128)]
    return {"random, 128 sentences": fixed(rng.permutation(n)),
            "sorted, 128 sentences": fixed(np.lexsort(lengths.T)),  # by target
            "bucketed, 2,048 places": bucketed(*lengths.T, 2048, rng),
            "and widths 4, 8, 12 …": bucketed(*lengths.T, 2048, rng, 4)}

def lengths_of(sources, targets):
    return np.array([[len(s) + 1, len(t) + 1]
                     for s, t in zip(sources, targets)])

# %% tags=["nbval-check-output"]
def share_empty(lengths, batches, to=1):
    wide = [-(-lengths[batch].max(axis=0) // to) * to  # rounded up
            for batch in batches]
    places = sum(len(b) * w.sum() for b, w in zip(batches, wide))
    return 100 * (1 - lengths.sum() / places)

def report(lengths):
    for name, batches in four_plans(lengths).items():
        share = share_empty(lengths, batches, 4 if "widths" in name else 1)
        print(f"{name:24} {share:5.1f} % empty, {len(batches)} batches")

lengths = lengths_of(sources, targets)
report(lengths)

# %% [markdown]
# Two places in five are empty, with bucketing next to none. Captions differ more: on Multi30k more than half, and under 5 % in buckets.
#
# The last line rounds widths up to multiples of 4, as the recipes do: a CPU's library prepares a routine for each new shape.

# %%
if has_multi30k():
    captions = lengths_of(*ids_of(Translator.load(live), load("train")))
    report(captions)
    plan = list(four_plans(captions).values())
    assert share_empty(captions, plan[0]) > 50
    assert share_empty(captions, plan[2]) < 5
else:
    print("Multi30k is not here")

# %% [markdown]
# ### What sorting alone costs
#
# Why not go from short to long? We train the shipped grammar model on, over 2,000 pairs, at its recipe's full rate: once in shuffled buckets, once in the same, shortest first. **Before you run it:** on which held-out sentences will the second be worse, on which better?

# %%
from functools import partial

import torch
from lessons_lib.batching import make_batch
from lessons_lib.config import TrainingConfig
from lessons_lib.losses import translation_loss
from lessons_lib.training import Budget, Trainer

def batch_of(rows, sources, targets):
    chosen = [[side[i] for i in rows] for side in (sources, targets)]
    return make_batch(*chosen, 0, 1, 2)  # PAD, BOS, EOS

unseen = ids_of(small, load_grammar("validation")[:300])
by_length = sorted(range(300), key=lambda i: len(unseen[1][i]))
held_out = batch_of(range(300), *unseen)
short, long = (batch_of(rows, *unseen)
               for rows in (by_length[:100], by_length[-100:]))

# %%
def shuffled_buckets(number, budget=256):
    rng = np.random.default_rng([1, number])  # seed, number of the pass
    rows = bucketed(*lengths[:2000].T, budget, rng)
    return [batch_of(r, sources, targets) for r in rows]

def short_to_long(number):
    return sorted(shuffled_buckets(number),
                  key=lambda batch: batch.target_in.shape[1])

@torch.inference_mode()
def loss_of(model, batch=held_out):
    cost = translation_loss(model.eval(), batch, smoothing=0.0)
    return cost.item() / batch.n_target

# %%
def carry_on(batches, decay="constant", steps=80):
    torch.set_num_threads(1)
    settings = TrainingConfig(
        learning_rate=2.5e-3, warmup_steps=10, decay=decay,
        ema_decay=0.95, log_every=20, validate_every=20)
    trainer = Trainer(Translator.load("grammar-en-de").trained.model,
                      partial(translation_loss, smoothing=0.0),
                      batches, settings, Budget(steps=steps))
    curves = {"last": [], "averaged": []}
    def look(averaged):  # every 20 steps, with averaged weights: section 4
        curves["averaged"].append(loss_of(averaged))
        curves["last"].append(loss_of(trainer.model))
        return {"minus loss": -curves["averaged"][-1]}  # higher is better
    trainer.validate = look
    trainer.run()
    return trainer.model, curves

# %%
(bucket_model, bucket_run), (sorted_model, _) = map(
    carry_on, (shuffled_buckets, short_to_long))
ends = {}
for name, model in (("shipped", small.trained.model),
                    ("shuffled", bucket_model), ("short to long", sorted_model)):
    ends[name] = loss_of(model, short), loss_of(model, long)
    print(f"{name:14} short {ends[name][0]:.2f}, long {ends[name][1]:.2f}")

# %% tags=["nbval-check-output"]
ratios = [a / b for a, b in zip(ends["short to long"], ends["shuffled"])]
print("short to long: on short ones a fifth worse:", ratios[0] > 1.2)
print("               on long ones better:        ", ratios[1] < 1)

# %% [markdown]
# The last steps saw long ones only, and the weights went where those pulled. Short ones paid: with six orders their loss was 1.1 to 2.3 times the shuffled run's (long ones gained with five of the six). So sort to build batches, then shuffle the batches. (*All* end far above their start: section 4.)
#
# ## 3. Sixteen bits
#
# A float32 number has 24 significant bits. **bfloat16** (brain float) has 8, in half the memory, and some processors multiply our matrices two to three times as fast. What is lost? From 1 to 2 there are only 128 steps.
#
# **Before you look:** what is 1 + 1/256?

# %%
pictures.show_number_line()

# %% tags=["nbval-check-output"]
one, step = torch.tensor([1.0, 1 / 256], dtype=torch.bfloat16)
print("1 + 1/256 =", (one + step).item())
print("1 − 1/256 =", (one - step).item())

w16, w32 = torch.tensor(1.0, dtype=torch.bfloat16), torch.tensor(1.0)
for _ in range(100):
    w16, w32 = w16 + 0.001, w32 + 0.001
print(f"a hundred steps of 0.001: {w16.item():.3f} and {w32.item():.3f}")

# %% [markdown]
# The weight that was to move by 0.001 a hundred times has not moved, and training steps are that small.
#
# ### Exercise 3 (pencil, 6 minutes)
# In bfloat16: what is 1 + 5/256? What is 1 − 3/512? And counting 1, 2, 3, … by adding 1, at which number does it stop for ever? Three numbers.

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = [1.015625, 0.9921875, 256]
### END SOLUTION
check("full_run.bf16", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Each of the first two lies halfway. Between which two numbers?
#
# </details>
# <details><summary>Second hint</summary>
#
# Steps double with each power of two: 1/128 wide from 1, 1 wide from 128, 2 wide from 256. 257 lies halfway; 256 is an even number of steps.
#
# </details>

# %% [markdown]
# So the usual arrangement is **mixed precision** (Micikevicius and others 2018, with float16): float32 **master weights** take the small steps; a bfloat16 copy of them does the forward and backward pass, where the work is. In the library the copy is called `worker`.
#
# **Before you run it:** half the bits. Does mixed precision need more or less memory, for what is kept from step to step, and for what the forward pass keeps for the way back?

# %%
captioner = Translator.load("tiny-en-de")
example = batch_of(range(64), *ids_of(captioner, load_grammar("train")[:64]))

def one_step(precision):
    settings = TrainingConfig(precision=precision, warmup_steps=0)
    trainer = Trainer(Translator.load("tiny-en-de").trained.model,
                      partial(translation_loss, smoothing=0.1),
                      lambda number: [example], settings, Budget(steps=1))
    trainer.run()
    return trainer

# %% tags=["nbval-check-output"]
def bytes_a_parameter(trainer):
    weights = {id(w): w for m in (trainer.model, trainer.worker)
               for w in m.parameters()}.values()
    moments = [state[name] for state in trainer.optimizer.state.values()
               for name in ("exp_avg", "exp_avg_sq")]  # Adam's m and v
    total = sum(t.numel() * t.element_size() for t in (*weights, *moments))
    return total / trainer.model.n_parameters

for precision in ("fp32", "bf16"):
    trainer = one_step(precision)
    print(f"{precision}: {bytes_a_parameter(trainer):.0f} bytes a parameter;",
          "masters", str(trainer.model.table.weight.dtype)[6:],
          " worker", str(trainer.worker.table.weight.dtype)[6:])

# %% [markdown]
# *More*: 14 bytes instead of 12 (masters 4, copy 2, Adam's two means 8), and gradients come on top. What shrinks is the other part, all that the forward pass keeps for the backward pass:

# %%
def kept(model, batch):
    """Bytes that the forward pass keeps, the weights aside."""
    weights = {w.untyped_storage().data_ptr() for w in model.parameters()}
    found = {}
    def note(tensor):
        memory = tensor.untyped_storage()
        if memory.data_ptr() not in weights:
            found[memory.data_ptr()] = memory.nbytes()
        return tensor
    hooks = torch.autograd.graph.saved_tensors_hooks
    with hooks(note, lambda tensor: tensor):
        loss = translation_loss(model.train(), batch, smoothing=0.1)
    model.eval()
    return sum(found.values()), loss

# %%
import time

sizes = {}
for precision in (torch.float32, torch.bfloat16):
    model = Translator.load("tiny-en-de").trained.model.to(precision)
    for _ in range(3):
        start = time.perf_counter()
        sizes[precision], loss = kept(model, example)
        loss.backward()
        seconds = time.perf_counter() - start
    print(f"{precision}: {sizes[precision] / 1e6:.0f} MB,",
          f"{seconds:.2f} s a step")

# %% tags=["nbval-check-output"]
share = sizes[torch.bfloat16] / sizes[torch.float32]
print("bfloat16 keeps between half and 60 %:", 0.5 < share < 0.6)

# %% [markdown]
# A little over half: the loss is computed in float32, on purpose. With AMD's AVX512-BF16 our step is a sixth faster (below); with Intel's matrix units (AMX) nothing is sure (0.9 to 1.2 times); without either it is slower. Hence the library measures first:

# %%
from lessons_lib.runtime import (hand_back_memory, is_faster_in_bf16,
                                 pick_device)

device = pick_device("auto")
print("device:", device, " faster in bfloat16:", is_faster_in_bf16(device))

# %% [markdown]
# **And compiling?** `torch.compile` fuses small operations into larger ones. One trial, no log kept:

# %% tags=["nbval-check-output"]
tried = read_metrics(data_dir() / "studies" / "record.jsonl")
plain, compiled, wait = (row["value"] for row in tried
                         if row["study"] == "compiling")
print(f"{wait} s to compile, then {compiled} ms a step instead of {plain}")
print(f"pays back after {wait / (plain - compiled) * 1000:,.0f} steps")

# %% [markdown]
# Or never: 3 % may be noise.
#
# **Less work for the same result** pays more. Today's recipe names three pieces (`speedups`; the shipped run had none): dropout masks cut from a pool that is drawn once; queries, keys and values in one product; a cross-entropy that makes its gradient on the way forward. The pool's masks are others, and overlap; so compare without dropout:

# %%
from lessons_lib.config import SPEEDUPS
from lessons_lib.speedups import loss_function, speed_up

def loss_with(names):
    model = Translator.load("tiny-en-de").trained.model
    speed_up(model, names, seed=1)
    return loss_function(names)(model, example, smoothing=0.1).item()

# %% tags=["nbval-check-output"]
assert abs(loss_with(SPEEDUPS) / loss_with(()) - 1) < 1e-5
print("equal to five digits")

# %% [markdown]
# What is each worth? `lessons bench train` let all of these take turns, on one machine. **Before you look:** which gives most, better batches, bfloat16, or the three pieces?

# %%
from lessons_lib.figures import speed

bench = read_metrics(data_dir() / "training" / "bench_train.jsonl")
print(bench[0]["hardware"], bench[0]["date"])
speed.waterfall(bench)

# %% tags=["nbval-check-output"]
pace = speed.tokens_a_second(bench)  # medians
for more, less in (("bucketed", "textbook"), ("plain", "bucketed"),
                   ("bf16", "plain"), ("together", "bf16"),
                   ("processes", "together")):
    print(f"{more:10} {pace[more] / pace[less]:.2f} times {less}")

# %% [markdown]
# Batches, by far, and for nothing. Our model and loop follow, then the pieces (alone 18, 13 and, within noise, 4 %). Diamonds are other libraries. bfloat16 gives less than its multiplications promise: most time passes around them. Together: six times the textbook.
#
# What is that worth? Three learned for six minutes, with the same rates (`lessons bench train --minutes 6`, on another processor, without bfloat16). The textbook's loop reaches BLEU 4. **Guess** the others.

# %%
learned = read_metrics(data_dir() / "training" / "bench_learn.jsonl")
print(learned[0]["hardware"], learned[0]["date"])
speed.learned(learned)

# %% tags=["nbval-check-output"]
for row in learned:
    if row["metric"] == "bleu":
        print(f"{row['system']:10} BLEU {row['value']:4.1f} after",
              f"{row['tokens'] / 1e6:.1f} million tokens")

# %% [markdown]
# 2.3 times the text gave `bucketed` 2.6 times the score; ours averages weights, too.
#
# ## 4. The average of the weights
#
# Near its end a run does not stand still: each step pulls towards the sentences last seen. The **moving average** (exponential moving average, EMA) keeps a second copy of the weights that follows slowly: average ← β · average + (1 − β) · weight. With β = ½ on a weight that jumps between 4 and 0:
#
# | weight | 4 | 0 | 4 | 0 | 4 |
# |---|---|---|---|---|---|
# | average | 4 | 2 | 3 | 1.5 | 2.75 |
#
# The weight swings by 4, its average by 1 to 2. The library's (in its first steps β is smaller; `step=100` is past that):

# %% tags=["nbval-check-output"]
from lessons_lib.optim import update_average

average = torch.tensor(4.0)
for weight in (0.0, 4.0, 0.0, 4.0):
    update_average([average], [torch.tensor(weight)], 0.5, step=100)
    print(average.item())

# %% [markdown]
# ### Exercise 4 (pencil, 5 minutes)
# β = 0.98. What share of the average do the weights of two steps ago have (the newest are 0 steps ago; four decimals)? And over how many steps does such an average reach, counted as 1 / (1 − β)? Two numbers.

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = [0.0192, 50]
### END SOLUTION
check("full_run.average", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# They came in with a share of 1 − β. What does each later step leave of it?
#
# </details>
# <details><summary>Second hint</summary>
#
# 0.02 · 0.98 · 0.98.
#
# </details>

# %% [markdown]
# Back to section 2. A full rate throws a trained model about: the loss rose. `carry_on` kept an average beside it (β = 0.95). **Before you run it:** is the average's loss lower or higher than the last weights'? And if the rate falls to 0 on the way?

# %%
_, falling = carry_on(shuffled_buckets, decay="linear")
pictures.averages([20, 40, 60, 80], {"constant rate": bucket_run,
                                     "rate falls to 0": falling})

# %% tags=["nbval-check-output"]
def ratio(run):
    return run["averaged"][-1] / run["last"][-1]

print("constant rate: average below 80 %:", ratio(bucket_run) < 0.8)
print("rate falls to 0: within 20 %:", 0.8 < ratio(falling) < 1.2)
print("lower than at the constant rate:",
      falling["last"][-1] < 0.7 * bucket_run["last"][-1])

# %% [markdown]
# At the full rate the average is much better than the weights it is made of. Once the rate has fallen, the two come close: a small rate averages, too, and gives more still. So the average shows *during* a run what the weights are worth without their jumping.
#
# ## 5. A step in parts
#
# 06 showed that a batch may be read in parts, **micro-batches**, whose gradients add up, if each is divided by the tokens of the *whole* step. Why? For memory:

# %% tags=["nbval-check-output"]
two = [batch_of(rows, *ids_of(captioner, load_grammar("train")[:64]))
       for rows in (range(32), range(32, 64))]
whole_kept = kept(captioner.trained.model, example)[0]
half_kept = max(kept(captioner.trained.model, half)[0] for half in two)
print("a half keeps 40 to 60 % of the whole:",
      0.4 < half_kept / whole_kept < 0.6)

# %% [markdown]
# ### Exercise 5 (pencil, 4 minutes)
# A micro-batch of 6 tokens has a mean gradient of 2, another of 2 tokens one of 6. What is the gradient of the step?

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = 3
### END SOLUTION
check("batches.uneven_halves", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# What do the 6 tokens pull with, all together?
#
# </details>
# <details><summary>Second hint</summary>
#
# (6 · 2 + 2 · 6) / (6 + 2).
#
# </details>

# %% [markdown]
# How wrong is the mean of means on a real model? **Before you run it**, guess for 32 short and 32 long sentences, for 64 as they come, and for two batches of one budget, drawn eight times.

# %%
def gradient(parts, divisors):
    model = small.trained.model.train()
    model.zero_grad()
    for part, divisor in zip(parts, divisors):
        (translation_loss(model, part, smoothing=0.0) / divisor).backward()
    return torch.cat([w.grad.flatten() for w in model.parameters()])

def off(parts):  # relative error of the mean of means
    right = gradient(parts, [sum(p.n_target for p in parts)] * len(parts))
    wrong = gradient(parts, [len(parts) * p.n_target for p in parts])
    return (100 * (wrong - right).norm() / right.norm()).item()

# %%
order = sorted(range(64), key=lambda i: len(targets[i]))
halves = [order[:32], order[32:]]

def batches_of(cut):
    return [batch_of(rows, sources, targets) for rows in cut]

draws = [bucketed(*lengths[:2000].T, 512, np.random.default_rng(seed))[:2]
         for seed in range(8)]
error = {"32 short, 32 long": [halves],
         "as they come": [[range(32), range(32, 64)]],
         "one budget": draws}
for name, cuts in error.items():
    error[name] = sorted(off(batches_of(cut)) for cut in cuts)
    print(f"{name:18}", *(f"{percent:.1f}" for percent in error[name]), "%")

# %% tags=["nbval-check-output"]
parts = batches_of(halves)
n_tokens = sum(part.n_target for part in parts)
whole = gradient([batch_of(order, sources, targets)], [n_tokens])
torch.testing.assert_close(gradient(parts, [n_tokens] * 2), whole,
                           atol=1e-5, rtol=1e-3)
print("divided by the tokens of both: the whole's gradient")
print("short and long, mean of means: off by more than 10 %:",
      error["32 short, 32 long"][0] > 10)

# %% [markdown]
# Parts that are nearly equal hide the mistake, and no curve shows it. A form of it stood in widely used training libraries until October 2024.
#
# ## 6. Kill it
#
# A run of an hour will be interrupted: by a power cut, or by you. The **state** of a run is all that it needs to go on as if nothing had happened. **Before you read on**, list what belongs to it. The weights, and?
#
# <details><summary>The list</summary>
#
# The master weights; Adam's two means and its step count; the average; where the run stands (step, pass, batch within the pass, tokens, seconds); the best score so far. The learning rate follows from the step, or from the seconds, where the budget is in minutes (section 8).
#
# </details>

# %% [markdown]
# The library writes the state under a temporary name and renames it when it is whole: a kill in mid-write leaves the last good one. Now a program of its own, a small model on 2,000 pairs, with a state every 10 steps:

# %%
import subprocess
import sys
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())
(folder / "run.py").write_text('''
import sys, torch
from dataclasses import replace
from pathlib import Path
from lessons_lib.presets import PRESETS, train
from lessons_lib.training import Budget
torch.set_num_threads(1)
recipe = PRESETS["grammar"]
first = lambda split, old=recipe.load: old(split)[:2000]
often = replace(recipe.training, log_every=1, checkpoint_every=10,
                validate_every=0)
size = dict(d_model=64, d_ff=128, n_encoder_layers=1, n_decoder_layers=1)
recipe = replace(recipe, load=first, vocabulary_size=1000, training=often,
                 model=recipe.model | size | dict(dropout=0.1))
train(recipe, Path(sys.argv[1]), Budget(steps=100),
      resume="--resume" in sys.argv)
''')

def start(name, *more):
    return subprocess.Popen(
        [sys.executable, folder / "run.py", folder / name, *more])

# %% [markdown]
# One run is left alone; the next is killed (`SIGKILL`, which no program can catch) when its log shows 15 steps.

# %%
def steps_of(name):
    log = folder / name / "metrics.jsonl"
    return [row["step"] for row in read_metrics(log)] if log.exists() else []

hand_back_memory()  # what is free here, for the processes to come
start("alone").wait()
victim = start("killed")
while len(steps_of("killed")) < 15 and victim.poll() is None:
    time.sleep(0.01)
victim.kill()
victim.wait()  # -9: ended by signal 9, SIGKILL

# %%
from lessons_lib.checkpoints import load_tensors

# %% tags=["nbval-check-output"]
state = load_tensors(folder / "killed" / "state.safetensors")
assert 15 <= steps_of("killed")[-1] < 100
print("a model was written: ",
      (folder / "killed" / "model.safetensors").exists())
print("a state was written: ", state[1]["at"]["step"] in range(10, 100, 10))

# %% [markdown]
# **Before you run it:** the state is a few steps older than the kill, and dropout is on. Will the resumed run end with the same weights: nearly, or to the last bit?

# %% tags=["nbval-check-output"]
print("resumed, ended with code", start("killed", "--resume").wait())
one, other = (load_tensors(folder / name / "model.safetensors")[0]
              for name in ("alone", "killed"))
print("same names:", one.keys() == other.keys())
print("same bits: ", all(torch.equal(one[name], other[name]) for name in one))
print("the log has each step once:", steps_of("killed") == list(range(1, 101)))

# %% [markdown]
# To the last bit. Chance needs no storing: dropout is drawn from (seed, step, micro-batch), order and BPE-dropout from (seed, pass), so steps after the state were made again as they were. A budget in minutes resumes too, but its rate follows the clock, so only one in steps (`--steps`) repeats exactly.
#
# **Try it.** A friend stores the weights only, and starts Adam anew on resume. Which two things go wrong in the first steps after it?
#
# <details><summary>Answer</summary>
#
# Adam's first steps are full-sized whatever the gradient (06), at whatever rate stands there; and the average has lost its memory.
#
# </details>
#
# ### Exercise 6 (stretch, 6 minutes)
# No memory of earlier steps is needed for the order of the data. There are `n` batches a pass; `shuffled(n, seed, number)` gives the order of pass `number` as a list. Which batch does step `step` read? Steps and passes count from 0.

# %% tags=["exercise"]
def batch_at(step, n, seed, shuffled):
    ### BEGIN SOLUTION
    return shuffled(n, seed, step // n)[step % n]
    ### END SOLUTION

check("batches.order", batch_at)

# %% [markdown]
# <details><summary>First hint</summary>
#
# How many whole passes lie behind step 17, if a pass has 10 batches? How many batches of the next?
#
# </details>
# <details><summary>Second hint</summary>
#
# `//` counts whole passes, `%` what is left over.
#
# </details>

# %% [markdown]
# ## 7. More processes, other devices
#
# Micro-batches need not wait for each other. The same program, started twice:
#
# ```text
# torchrun --nproc-per-node 2 -m lessons_lib train tiny
# ```
#
# `torchrun` tells each process its number, its **rank**. With two micro-batches a step, rank 0 takes the first and rank 1 the second (`micro_batches` has to be a multiple of the processes). Each divides by the tokens of both, the gradients are added up across processes (*all-reduce*), and each makes the same step on its own copy of the weights. This is **data parallelism**. In float32, tests find one process's gradients to 0.00001.
#
# On a GPU the line is
#
# ```text
# lessons train tiny --device cuda
# ```
#
# Model and batches move there, and `batch_tokens` should grow: small batches leave most of a card idle. We had no GPU: **no figure here speaks of one**.
#
# > **What the article says** (3.3, as in 07): *parallel computation*. In training three times over: all places of a sentence, sentences of a batch, processes of a step. One thing stays in sequence: step 2 needs what step 1 has left.
#
# ## 8. Reading the recorded run

# %%
import json
import math

hardware = "two cores of an AMD EPYC with AVX512-BF16, shared"
pictures.learning(rows, hardware)

# %% tags=["nbval-check-output"]
points = pictures.bleu(rows)  # (minutes, validation BLEU)
for share in (1 / 20, 1 / 3, 2 / 3, 1):
    within = [score for minute, score in points
              if minute <= share * points[-1][0]]
    print(f"{share:5.0%} of the time: BLEU {within[-1] if within else 0:.1f}")

# %% [markdown]
# (Validation, greedy, averaged weights, seed 1.) The first third brings most of it, the last little. **Before you look at the next picture:** the learning rate was to fall in one sweep (cosine). Does it?

# %%
pictures.pace(rows, hardware)

# %% [markdown]
# From minute 65 tokens a second are half as many again: others seem to have left the machine. And the rate *jumps up* after minute 50. It is half the peak times $1 + \cos(\pi \cdot \text{share})$, with the share of the way that has gone. Turned round, each row tells how long the run was planned to be:

# %% tags=["nbval-check-output"]
recipe = json.loads((shipped / "training.json").read_text())

def planned(row):
    share = math.acos(2 * row["lr"] / recipe["learning_rate"] - 1) / math.pi
    return row["seconds"] / 60 / share

jumps = [i for i in range(30, len(rows)) if rows[i]["lr"] > rows[i - 1]["lr"]]
for i in jumps:
    before, after = rows[i - 1], rows[i]
    print(f"minute {before['seconds'] / 60:.0f}, step {before['step']}:",
          f"planned for {planned(before):.0f} minutes")
    print(f"           step {after['step']}: planned for {planned(after):.0f}")
every = recipe["checkpoint_every"]
print("a state is written every", every, "steps, so at",
      after["step"] // every * every)

# %% [markdown]
# Somebody stopped the run after step 5,250, where a state had been written, and resumed it with ten more minutes.

# %% [markdown]
# ### What it cost
#
# **Assume** (not measured) 20 W for two cores and their share, 0.30 € a kilowatt-hour, and 0.10 € an hour of rent:

# %% tags=["nbval-check-output"]
def bill(seconds, watts=20, euro_kwh=0.30, euro_hour=0.10):
    joules = seconds * watts
    kwh = joules / 3.6e6
    rent = 100 * seconds / 3600 * euro_hour
    return (f"{joules / 1000:.0f} kJ, {100 * kwh * euro_kwh:.1f} cents of "
            f"power, or {rent:.0f} cents of rent")

print(bill(end["seconds"]))

# %% [markdown]
# Operations can be counted beforehand. A token passes each weight once on the way forward (a multiplication and an addition) and about twice as much on the way back: **6 · N · D** operations for N parameters and D tokens (Kaplan and others 2020; their N is without the table). For our encoder–decoder it is too much: a token passes its own half only (05).

# %% tags=["nbval-check-output"]
N, D = captioner.trained.model.n_parameters, end["tokens"]
operations = 6 * N * D
print(f"6 N D = {operations:.1e}, at most",
      f"{operations / end['seconds'] / 1e9:.0f} billion a second")

# %% [markdown]
# ### Exercise 7 (core, 6 minutes)
# Another run: 60 million parameters, 3 billion tokens, on a card whose peak is $10^{14}$ operations a second, of which training reaches 30 %. It draws 300 W. How many hours, and how many kilowatt-hours? Two numbers.

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = [10, 3]
### END SOLUTION
check("full_run.bill", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# $6 \cdot 6 \cdot 10^7 \cdot 3 \cdot 10^9$ operations, and $3 \cdot 10^{13}$ a second.
#
# </details>
# <details><summary>Second hint</summary>
#
# $1.08 \cdot 10^{18} / 3 \cdot 10^{13}$ seconds. An hour has 3,600. 300 W are 0.3 kW.
#
# </details>

# %% [markdown]
# > **What the article says** (3.3, 9): training needs large computing resources. How large can be worked out beforehand: some cents here, fortunes elsewhere.
#
# ### Where it stands
#
# Multi30k's test set of 2016, beam 5, words cut by Moses's rules (`tok` in 07), the same captions (Transformer-Tiny: this shape, post-norm, other rates):

# %%
def test_scores(name):
    facts = (shipped.parent / f"{name}-en-de" / "scores.json").read_text()
    return json.loads(facts)["scores"]["test"]

scores, wide = test_scores("tiny"), test_scores("multi30k")
published = {"Transformer-Tiny (Wu and others 2021)": 41.02,
             "Gated Fusion, sees the photo (same)": 41.96}
ours = {"this run, tiny": scores["bleu-lc-moses"],
        "the model of 00, multi30k": wide["bleu-lc-moses"]}
pictures.standing(ours | published, ours,
                  "BLEU, lower-cased, Moses-tokenised, test 2016")

# %% tags=["nbval-check-output"]
print(f"lower-cased, Moses: {scores['bleu-lc-moses']}")
print(f"cased sacreBLEU:    {scores['bleu']} ({scores['bleu interval']})")
tiny = published["Transformer-Tiny (Wu and others 2021)"]
behind = tiny - scores["bleu-lc-moses"]
print(f"behind Transformer-Tiny by {behind:.2f}")
low, high = map(float, scores["bleu interval"].split(" to "))
assert 1.8 < behind / ((high - low) / 2) < 2.6

# %% [markdown]
# It stands 3.6 points behind; half its (cased) interval's width is 1.6. The model of 00, 3.8 ahead, learned in rounds, each after the first from the weights before:
#
# | round | new | BLEU |
# |---|---|---|
# | 1 | wider, dropout 0.3 | 38.84 |
# | 2 | each caption beside a translation of ours (*data diversification*, Nguyen and others 2020) | 39.82 |
# | 3 | dropout 0.2, since training captions came out no better than the test's (39.0): nothing learned by heart; longer | 40.83 |
# | 4 | dropout 0.1, wider layers | 41.15 |
# | 5 | nearest of our translations; more English by *back* | 41.21 |
#
# The model *back* began on captions alone, 40.25; widened, on what four models had written: 43.33.
#
# ### What failed on the way
#
# Post-norm (04), stopped after nine minutes; wider, after half an hour:

# %%
import itertools

logs = {"tiny, pre-norm": "checkpoints/tiny-en-de/metrics",
        "wider, pre-norm": "training/multi30k_first",
        "tiny, post-norm": "training/post_norm",
        "wider, post-norm": "training/post_norm_wide",
        "post-norm, smaller weights": "training/post_norm_wide_071"}
runs = {name: read_metrics(data_dir() / f"{log}.jsonl")
        for name, log in logs.items()}
pictures.attempts({name: runs[name] for name in list(runs)[:4]},
                  "Post-norm stays behind")

# %% [markdown]
# It crawled, with twice the warm-up or more. Why? Ten **screens** of `tiny`, five minutes on one core each, most with one change (R-Drop, Liang and others 2021: two passes, α times their disagreement added). *Spread* is how much the memory differs from word to word of a sentence, in shares of its size.

# %%
def by(key, table):
    return itertools.groupby(table, lambda row: row[key])

screens = read_metrics(data_dir() / "studies" / "screens.jsonl")

# %% tags=["nbval-check-output"]
for level, found in by("level", screens):
    bleu, loss, spread = (row["value"] for row in found)
    print(f"{level:25} loss {loss:.2f}, BLEU {bleu:3.1f}, spread {spread:.2f}")

# %% [markdown]
# Post-norm's memory is the same at every word (0.01). First weights of queries, keys and values at 0.71 of ours mend most of the loss, neither spread nor BLEU. (The seeds' losses differ by 0.06.)
#
# Post-norm's third chance: first weights like wider pre-norm's, 2,000 steps of warm-up. **Guess:** stuck, level with pre-norm, or between?

# %%
wide = [name for name in runs if not name.startswith("tiny")]
pictures.attempts({name: runs[name] for name in wide},
                  "Post-norm's third attempt")

# %% [markdown]
# Between: 27.9 after 3,000 steps, pre-norm 32.0.
#
# What else was tried:

# %% tags=["nbval-check-output"]
for study, found in by("study", tried):
    for metric, same in by("metric", found):
        print(f"{study}: {metric}")
        for row in same:
            step = f", step {row['step']:,}" if row["step"] else ""
            print(f"{row['value']:8}  {row['level']}{step}",
                  "" if row["log"] else "*")
print("* no log kept: a rumour with a number")

# %% [markdown]
# ## 9. Train it further
#
# **Before you run it:** 40 more steps, once at the recipe's peak rate and once at a hundredth of it. Which helps?

# %%
from lessons_lib.evaluation import score

# %%
fresh, held = load("train")[:2000], load("validation")[:100]
ours = (["A boy in a red shirt is throwing a ball to his dog.",
         "A man with a beard plays the guitar on a street corner."]
        if has_multi30k() else ["The dog bites the man.",
                                "The woman gives the child an apple."])

def measure(translator):
    written = translator.translate([pair.source for pair in held], beam=1)
    return score("bleu", written, [pair.target for pair in held], 0).value

# %%
def further(rate, steps=40):
    translator = Translator.load(live)
    sides = ids_of(translator, fresh)
    def batches(number):
        rng = np.random.default_rng([1, number])
        return [batch_of(rows, *sides)
                for rows in bucketed(*lengths_of(*sides).T, 512, rng)]
    smoothing = PRESETS[live.rsplit("-", 2)[0]].training.label_smoothing
    settings = TrainingConfig(learning_rate=rate, warmup_steps=5,
                              decay="constant")
    Trainer(translator.trained.model,
            partial(translation_loss, smoothing=smoothing),
            batches, settings, Budget(steps=steps)).run()
    return translator

# %%
peak = PRESETS[live.split("-")[0]].training.learning_rate
models = {"as shipped": Translator.load(live),
          f"rate {peak / 100:g}": further(peak / 100),
          f"rate {peak:g}": further(peak)}
scored = {name: measure(model) for name, model in models.items()}
for name, model in models.items():
    print(f"{name:13} BLEU {scored[name]:.1f} on 100 sentences")
    for text in model.translate(ours, beam=1):
        print("     ", text)

# %% tags=["nbval-check-output"]
shipped_score, low, high = scored.values()
print("the small rate gains less than a point:", low - shipped_score < 1)
print("the peak rate costs more than 3:", shipped_score - high > 3)

# %% [markdown]
# Neither. The small rate gains nothing, and the peak rate undoes in seconds what its fall had gathered: section 4 again.
#
# ## 10. What does it look at?
#
# 07's picture, on a caption:

# %%
from lessons_lib.figures import alignment
from lessons_lib.widgets import search as explorers

# %%
sentence = ("A girl is taking a picture of a dog "
            "that is jumping over a fence.")
found = captioner.align(sentence)
alignment.show(found)

# %% tags=["nbval-check-output"]
looked = {word: found.source[int(row.argmax())]
          for word, row in zip(found.target, found.weights)}
print({word: looked[word] for word in ("Foto", "Zaun", "springt")})

# %% [markdown]
# *springt* (jumps) stands last in its clause and looks back at *jumping*. Type your own: which word gets lost?

# %%
trained_on = load_multi30k("train") if has_multi30k() else []
explorers.alignment_explorer(captioner, sentence, trained_on)

# %% [markdown]
# **Try it.** *In the park an old man is playing chess with a boy.* What got lost, and what was looked at all the same?
#
# <details><summary>Answer</summary>
#
# Of the chess game remains *Ein Mann spielt im Park mit einem Jungen*: a man plays in the park with a boy. *old* and *chess* got lost, though *chess* is the darkest field of several rows: what is looked at need not be said.
#
# </details>
#
# ## Quiz
#
# **1.** A bucketed run is 40 % faster a sentence than the random one. What has changed in what the model learns from a pass?
#
# <details><summary>It sees fewer sentences</summary>
#
# Every sentence is in one batch, as before.
#
# </details>
# <details><summary>Nothing but which sentences share a step</summary>
#
# Right. And the batches have to be shuffled, or the order teaches something, too.
#
# </details>
# <details><summary>It sees fewer long sentences</summary>
#
# Long sentences get batches with fewer rows, and more of them.
#
# </details>

# %% [markdown]
# **2.** Why do the masters stay in float32?
#
# <details><summary>A step is often smaller than bfloat16's spacing at the weight, and would vanish</summary>
#
# Right: 1 + 1/256 is 1.
#
# </details>
# <details><summary>bfloat16 cannot hold numbers as large as weights</summary>
#
# It holds numbers as large as float32 does; what it lacks is digits.
#
# </details>
# <details><summary>Adam exists in float32 only</summary>
#
# It would run in 16 bits, and lose its small changes as well.
#
# </details>

# %% [markdown]
# **3.** Your averaged weights score 5 points above the last ones. What do you learn about the run?
#
# <details><summary>The average has learned more</summary>
#
# It learns nothing; it is a mean of what passed.
#
# </details>
# <details><summary>The run is over</summary>
#
# Rather not: a finished run has a small rate, and the two agree.
#
# </details>
# <details><summary>Its rate is still high: the weights jump</summary>
#
# Right. Let the rate fall, and the last weights' score rises to the average's, or beyond.
#
# </details>

# %% [markdown]
# **4.** Two logs: A reached BLEU 30 after 20 minutes, B after 30. Is A's recipe faster?
#
# <details><summary>Yes: minutes are what counts</summary>
#
# Ours ran 1.5 times as fast when the neighbours left.
#
# </details>
# <details><summary>No: only steps may be compared</summary>
#
# Steps may differ in size and cost.
#
# </details>
# <details><summary>It cannot be said before hardware, load and seeds are known</summary>
#
# Right. Repeat them side by side in one run, with several seeds.
#
# </details>

# %% [markdown]
# ## Where you are

# %%
from lessons_lib.figures import model_map

model_map.show("08")

# %% [markdown]
# No new box.
#
# ## Summary
#
# 1. Padding can be half of all work: sort by length, fill a budget of places, shuffle the batches.
# 2. Mixed precision: work in bfloat16, masters in float32. It saves what the forward pass keeps; time on some processors.
# 3. The moving average shows what the weights are worth without their jumping; once the rate has fallen, the last come close to it.
# 4. Micro-batches and processes give the gradient of the whole if all divide by its tokens. A whole state and a budget in steps resume to the last bit.
# 5. Read a log for load, jumps and changes made together. Quote a score with its metric, a cost with its assumptions.
#
# ## References
#
# - [Micikevicius and others (2018)](https://arxiv.org/abs/1710.03740), section 3.1: mixed precision and master weights.
# - [Vaswani and others (2017)](https://arxiv.org/abs/1706.03762), section 6.1: averaging checkpoints.
# - [Provilkov and others (2020)](https://aclanthology.org/2020.acl-main.170/): BPE-dropout. [Liang and others (2021)](https://arxiv.org/abs/2106.14448): R-Drop.
# - Hugging Face (2024): [*Fixing Gradient Accumulation*](https://huggingface.co/blog/gradient_accumulation).
# - [Kaplan and others (2020)](https://arxiv.org/abs/2001.08361), section 2.1: 6 N D.
# - [Elliott and others (2016)](https://aclanthology.org/W16-3210/): Multi30k. [Wu and others (2021)](https://aclanthology.org/2021.acl-long.480/): the published scores. [Nguyen and others (2020)](https://arxiv.org/abs/1911.01986): data diversification.
