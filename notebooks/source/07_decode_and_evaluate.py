# %% [markdown]
# # Decode and evaluate
#
# **You will be able to**
# - turn next-word probabilities into a text, and say which rule chose it;
# - count what a cache saves and what it keeps;
# - work BLEU out with a pencil, and quote it so that others get the same number;
# - tell a real difference between two translators from luck;
# - find the sentences on which a translator fails.
#
# **Prerequisites:** encoder–decoder and costs in bits of [05](05_encoder_decoder.ipynb); the greedy decoder of [06](06_training_loop.ipynb). **Time:** 80 minutes to read, 60 for the exercises; the cells run in 15 seconds.
#
# ## 1. The likeliest word is not the likeliest text
#
# A trained model says how likely each next word is; somebody has to turn that into a text. Here is a small one. Its source is *the dog bites the man*, and it gives the costs of next words in bits (½ costs 1, ¼ 2, certainty 0). Words not listed share the rest, never taken.

# %%
tree = {  # what is written: {next word: bits}
    "": {"der": 1, "den": 2},
    "der": {"Mann": 2},
    "der Mann": {"beißt": 2},
    "der Mann beißt": {"den": 1},
    "der Mann beißt den": {"Hund": 1},
    "der Mann beißt den Hund": {"⟨e⟩": 0},
    "den": {"Mann": 0},
    "den Mann": {"⟨e⟩": 1, "beißt": 2},
    "den Mann beißt": {"der": 0},
    "den Mann beißt der": {"Hund": 0},
    "den Mann beißt der Hund": {"⟨e⟩": 1, "Hund": 2},
    "den Mann beißt der Hund Hund": {"⟨e⟩": 0},
}

# %% tags=["nbval-check-output"]
def next_bits(text):
    return tree[" ".join(text)]

print("at the start:", next_bits([]))

# %% [markdown]
# *der* marks who acts, *den* who suffers; ⟨e⟩ is the end, EOS. Greedy decoding takes the cheapest word each time.
#
# **Before you run it:** which text will it write, and who bites in it?

# %% tags=["nbval-check-output"]
def greedy(next_bits):
    text, bits = [], 0
    while "⟨e⟩" not in text:
        costs = next_bits(text)
        word = min(costs, key=costs.get)
        text, bits = text + [word], bits + costs[word]
    return text, bits

text, bits = greedy(next_bits)
print(" ".join(text), "|", bits, "bits")

# %% [markdown]
# *The man bites the dog*, 7 bits. *der* was the cheapest first word, and what follows costs 6. *den Mann beißt der Hund* (the dog bites the man, object in front) costs 5. Greedy never sees it: it cannot take a word back.

# %%
from lessons_lib.figures import search as pictures

pictures.tree()

# %% [markdown]
# The four ends: **S** breaks off (*den Mann*, the man), **L** is right, **R** stutters (*Hund Hund*), **G** is greedy's mirror.
#
# **Try it.** Let *der* cost 2 at the start and *den* 1. What does greedy write? (Put it back, run the cells again.)
#
# <details><summary>Answer</summary>
#
# *den Mann ⟨e⟩*: it breaks off.
#
# </details>
#
# ## 2. Beam search
#
# **Beam search** keeps not one beginning but several, the **beam**, and lets them compete. With beam 2 by hand; each sum is the bits so far:
#
# | after | kept | finished |
# |---|---|---|
# | 1 word | der 1, den 2 | |
# | 2 words | den Mann **2**, der Mann 3 | |
# | 3 words | den Mann beißt 4, der Mann beißt 5 | S 3 |
# | 4 words | den Mann beißt der 4, der Mann beißt den 6 | S 3 |
# | 5 words | den Mann beißt der Hund 4, der Mann beißt den Hund 7 | S 3 |
# | 6 words | den Mann beißt der Hund Hund 6 | S 3, L 5 |
#
# *den Mann* overtakes at the second word. At the third S ends: it is put aside, and its place goes to the next best. At the sixth G ends, too, with 7, but third: an end counts only among the cheapest two. One step in code, all candidates ranked *together*:

# %% tags=["nbval-check-output"]
def advance(kept, beam, next_bits, end="⟨e⟩"):
    grown = [(text + [word], bits + cost) for text, bits in kept
             for word, cost in next_bits(text).items()]
    grown.sort(key=lambda one: one[1])
    ended = [one for one in grown[:beam] if one[0][-1] == end]
    going = [one for one in grown if one[0][-1] != end]
    return going[:beam], ended

two = [(["den", "Mann"], 2), (["der", "Mann"], 3)]
kept, ended = advance(two, 2, next_bits)
print("kept: ", kept)
print("ended:", ended)

# %% [markdown]
# Repeat it until `beam` texts are finished (each is a **hypothesis**):

# %% tags=["nbval-check-output"]
def beam_search(next_bits, beam, end="⟨e⟩"):
    kept, finished = [([], 0)], []
    while kept and len(finished) < beam:
        kept, ended = advance(kept, beam, next_bits, end)
        finished += ended
    return finished[:beam]

for beam in (1, 2, 4):
    for text, bits in beam_search(next_bits, beam):
        print(f"beam {beam}: {bits} bits  {' '.join(text)}")

# %% [markdown]
# Beam 1 is greedy.
#
# ### Exercise 1 (warm-up, 5 minutes)
# *the child sleeps.* (*Kind*, child, is neuter: *das Kind*; *der Kind* is no German, *ein Kind* is *a* child.)
#
# ```text
# start ─1─ der ─3─ Kind ─1─ schläft ─1─ ⟨e⟩
#       ├2─ ein ─2─ Kind ─1─ schläft ─0─ ⟨e⟩
#       └3─ das ─0─ Kind ─0─ schläft ─1─ ⟨e⟩
# ```
#
# How many bits does the cheapest text cost that is found by greedy, by beam 2 and by beam 3? Three numbers.

# %% tags=["exercise"]
from lessons_lib.exercises import check

### BEGIN SOLUTION
answer = [6, 5, 4]
### END SOLUTION
check("decoding.three_beams", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# After one word a beam of 2 keeps the sums 1 and 2, and never sees 3 again.
#
# </details>
# <details><summary>Second hint</summary>
#
# Greedy: 1 + 3 + 1 + 1. Which search still has which line?
#
# </details>
#
# ### The same on a real model
#
# Your search asks for a function from a beginning to costs. A model gives one, on ids (`topk`: the 20 cheapest):

# %% tags=["nbval-check-output"]
import math

import torch
from lessons_lib.tokenization import BOS_ID, EOS_ID
from lessons_lib.translation import Translator

torch.set_grad_enabled(False)  # nothing is trained in this notebook
torch.set_num_threads(1)  # small steps: a second core only waits
translator = Translator.load("grammar-en-de")
model, tokenizer = translator.trained.model, translator.trained.tokenizer

def model_bits(source):  # source (1, S)
    memory, mask = model.encode(source)
    def next_bits(ids):
        hidden = model.decode(torch.tensor([[BOS_ID] + ids]), memory, mask)
        log_p = model.scores(hidden[0, -1]).log_softmax(dim=-1)  # (V,)
        bits, words = (-log_p / math.log(2)).topk(20, largest=False)
        return dict(zip(words.tolist(), bits.tolist()))
    return next_bits

source = torch.tensor([translator.ids("The dog bites the man.") + [EOS_ID]])
three = beam_search(model_bits(source), beam=3, end=EOS_ID)
print(tokenizer.decode(three[0][0][:-1]))

# %% [markdown]
# ## 3. Which finished text wins?
#
# Beam 2 found S, 3 bits, and L, 5. Words cost, so the sum favours the short text, *the man* and stop. A *better* search finds more of those. The usual mend divides by a power α of the length $n$, ⟨e⟩ counted:
#
# $$\text{score} = \frac{\text{bits}}{n^{\alpha}} \qquad \text{(lowest wins)}$$
#
# This **length penalty** in fact *forgives* length. **Before you run it:** which text wins with α = 0, 1 and 1.2?

# %% tags=["nbval-check-output"]
ends = [("S", 3, 3), ("L", 5, 6), ("R", 6, 7), ("G", 7, 6)]  # bits, tokens

def winner(score, best=min):
    return best(ends, key=score)[0]

print("total bits (α = 0):          ", winner(lambda e: e[1]))
print("bits ÷ length (α = 1):       ", winner(lambda e: e[1] / e[2]))
print("bits ÷ length^1.2 (α = 1.2): ", winner(lambda e: e[1] / e[2]**1.2))

# %%
pictures.penalties(ends, against="L")

# %% [markdown]
# With greedy's G, four rules and four winners. L overtakes S at $\log_2(5/3) = 0.74$, the stutter R overtakes L at 1.18. Knobs come in other shapes: Wu and others (2016), and the Transformer paper with α = 0.6, divide by $((5 + n)/6)^\alpha$. Here S then wins until α = 1.60, so "length penalty 1" says little without its formula:

# %% tags=["nbval-check-output"]
def wu(bits, n, alpha):
    return bits / ((5 + n) / 6)**alpha

for alpha in (0.6, 1.0, 1.55, 1.65):
    scores = {name: round(wu(bits, n, alpha), 2) for name, bits, n in ends}
    print(f"α = {alpha:<4} {scores}  wins: {min(scores, key=scores.get)}")

# %% [markdown]
# **When the search stops** decides too. Ours stops when `beam` texts are finished: with beam 2 after S and L, so R is never finished:

# %% tags=["nbval-check-output"]
def best_text(beam, alpha):
    def score(one):
        return one[1] / len(one[0])**alpha
    return " ".join(min(beam_search(next_bits, beam), key=score)[0])

for beam, alpha in ((1, 1.0), (2, 0.0), (2, 1.0), (2, 1.2), (4, 1.2)):
    print(f"beam {beam}, α = {alpha}: {best_text(beam, alpha)}")

# %% [markdown]
# At α = 1.2 beam 2 still gives L, beam 4 the stutter. The library's search stops as ours does, divides by the length (α = 1), and writes at most 30 tokens here. `DecodingState` holds the beginnings as *rows*, stepped all at once:

# %% tags=["nbval-check-output"]
from lessons_lib import decoding
from lessons_lib.models import DecodingState

state = DecodingState(model, source)
(theirs,) = decoding.beam_search(state, BOS_ID, EOS_ID, [30], beam=3)
ids, bits = min(three, key=lambda one: one[1] / len(one[0]))
assert ids[:-1] == theirs.tokens
nats = -theirs.log_probability
torch.testing.assert_close(bits * math.log(2), nats, atol=1e-3, rtol=0)
print("your search and the library's: the same text, the same cost")

# %% [markdown]
# **Try it.** Which text wins if you *multiply* by the length? Add a line to the cell with `winner`.
#
# <details><summary>Answer</summary>
#
# S, 9 against 30.
#
# </details>
#
# ### Exercise 2 (pencil, 5 minutes)
# Score S, L and R with α = ½. Three numbers, two decimals.

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = [1.73, 2.04, 2.27]
### END SOLUTION
check("decoding.root_of_length", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# α = ½ is the square root: 3 bits divided by √3 for S.
#
# </details>
# <details><summary>Second hint</summary>
#
# √6 = 2.45, √7 = 2.65.
#
# </details>
#
# ### Step by step on a real sentence
#
# The smaller caption translator (trained on Multi30k), on a sentence of ours. *Schwimmbecken* is neuter, *Pool* masculine: *ein blaues Pool* is wrong.

# %%
captions = Translator.load("tiny-en-de")
sentence = "A little girl is jumping into a blue pool."
girl = pictures.search(captions, sentence)
pictures.beam_step(girl, 13, 2)

# %% [markdown]
# *Pool* costs less, having fewer tokens; divided by the length, the right text wins. Move it yourself:
#
# 1. Beam 2: at which step do *Pool* and *Schwimm…* first stand side by side?
# 2. Beam 1 to 4 at the last step: does the winner (bold) change?
# 3. Beam 4 lists the same words twice. How can that be?

# %%
from lessons_lib.widgets import search as live

live.beam_explorer(girl)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# 1. At step 10, 7.8 and 7.6 bits. Before, both were mostly one text, its words cut into tokens differently, then *ein* beside *einen*.
# 2. No. But beam 1 writes it for 6.8 bits, beam 2 for 8.1: greedy's tokens were pushed out. A wider beam *can* find less.
# 3. Words can be cut into tokens in several ways. To the search these are different texts, which take each other's places.
#
# </details>
#
# ## 4. The KV cache
#
# > **What the article says** (3.3): the Transformer's strength is *parallel computation*. True of training and reading, where all words are known. Writing is sequential: word 6 waits for word 5.
#
# So each step runs the decoder again. Writing 6 tokens runs 1 + 2 + … + 6 = 21 positions. But keys and values of earlier positions never change, since the causal mask hides later words from them. Keep them in a **KV cache**, and a step runs only the newest position: 6 in all. A hook (called at each pass) counts:

# %% tags=["nbval-check-output"]
ran = []  # positions
hook = model.decoder.register_forward_hook(
    lambda module, given, result: ran.append(given[0].shape[1]))
written = torch.tensor([[BOS_ID] + theirs.tokens[:5]])  # (1, 6)

memory, mask = model.encode(source)
whole = [model.scores(model.decode(written[:, :t], memory, mask)[:, -1])
         for t in range(1, 7)]
print("without cache:", ran, "=", sum(ran))
ran.clear()
state = DecodingState(model, source)
kept_up = [state.step(written[:, t]) for t in range(6)]
print("with cache:   ", ran, "=", sum(ran))
hook.remove()

# %% tags=["nbval-check-output"]
for logits, log_p in zip(whole, kept_up):  # (1, V) each
    torch.testing.assert_close(torch.log_softmax(logits, dim=-1), log_p,
                               atol=1e-4, rtol=1e-4)
print("with and without cache: the same probabilities at all 6 steps")

# %% [markdown]
# In time, for eight texts side by side, up to 120 tokens:

# %%
import time

def milliseconds(work, repeats=5):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return min(times)  # what else runs can only make it slower

positions = [1, 20, 40, 60, 80, 100, 120]
tokens = torch.full((8, 121), 50)
eight = [part.expand(8, *part.shape[1:]) for part in (memory, mask)]
without = [milliseconds(lambda t=t: model.scores(
    model.decode(tokens[:, :t], *eight)[:, -1])) for t in positions]

# %%
state = DecodingState(model, source.expand(8, -1))
steps = [milliseconds(lambda: state.step(tokens[:, 0]), 1)
         for _ in range(124)]
cached = [min(steps[t - 1:t + 4]) for t in positions]  # of five steps
pictures.cache_times(positions, without, cached, "this machine's CPU")

# %% tags=["nbval-check-output"]
assert without[-1] > 2 * without[0]
assert without[-1] > 3 * cached[-1]
print("at 120 tokens a step without cache takes over 3 times as long")

# %% [markdown]
# With a cache the line looks flat, though a new query meets all earlier keys. And it takes memory. For the small model of 05 ($d_\text{model}$ 4, one layer), a source of 5, 6 steps on:
#
# - text: K and V, 6 rows of 4: 48 numbers;
# - source, for cross-attention: K and V, 5 rows, once: 40.

# %% tags=["nbval-check-output"]
from lessons_lib.config import ModelConfig
from lessons_lib.models import EncoderDecoder

small = EncoderDecoder(ModelConfig(
    vocabulary_size=10, d_model=4, n_heads=2, d_ff=8, n_encoder_layers=1,
    n_decoder_layers=1, dropout=0.0, pad_id=0)).eval()
state = DecodingState(small, torch.tensor([[3, 4, 5, 6, 2]]))
for token in (1, 4, 6, 7, 3, 5):
    state.step(torch.tensor([token]))
sizes = [(part.k.numel(), part.v.numel())
         for layer in state.caches for part in (layer.own, layer.memory)]
print("K and V of the text, of the source:", sizes)
print("together:", sum(k + v for k, v in sizes))

# %% [markdown]
# 88, in two heads of 2 or one of 4. Two beams keep 176. Queries are asked once and not kept. When beams are dropped or doubled, the cache's rows must move along (`reorder`), or one text goes on with another's past.
#
# ### Exercise 3 (pencil, 5 minutes)
# Same width and source, but **two** layers and **8** tokens. How many positions does the decoder run without cache, how many with, and how many numbers does the cache hold at the end?

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = [36, 8, 208]
### END SOLUTION
check("decoding.cache", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# 1 + 2 + … + 8 without. For the cache, first one layer: K and V of 8 rows and of 5 rows, 4 numbers each.
#
# </details>
# <details><summary>Second hint</summary>
#
# One layer keeps 2 · 8 · 4 + 2 · 5 · 4 = 104.
#
# </details>
#
# ## 5. BLEU by hand
#
# Exact match is too strict for real text, which has many good translations. **BLEU** (Papineni and others 2002) counts the **n-grams**, runs of $n$ words, that a hypothesis shares with a **reference**, a person's translation:
#
# | reference | hypothesis |
# |---|---|
# | der Hund beißt den Mann | der Hund beißt den **Hund** |
# | der Mann beißt den Hund | der Mann beißt **der** Hund |
#
# The first, by hand:
#
# - single words: *der, Hund, beißt, den* are found. The second *Hund* is not: an n-gram counts at most as often as the reference has it (a **clipped count**). 4 of 5.
# - pairs: *der Hund, Hund beißt, beißt den* found, *den Hund* not: 3 of 4.
# - triples: 2 of 3. Runs of four: *der Hund beißt den*, 1 of 2.
#
# | n | 1 | 2 | 3 | 4 |
# |---|---|---|---|---|
# | first | 4/5 | 3/4 | 2/3 | 1/2 |
# | second | 4/5 | 2/4 | 1/3 | 0/2 |
#
# BLEU adds the counts of **all** sentences, multiplies the four shares, takes the fourth root, and says it in per cent.
#
# ### Exercise 4 (pencil, 6 minutes)
# What is BLEU of these two sentences?

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = 50.0
### END SOLUTION
check("judging.bleu_by_hand", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Add numerators and denominators down each column: 8/10 for single words.
#
# </details>
# <details><summary>Second hint</summary>
#
# 8/10 · 5/8 · 3/6 · 1/4: multiply the upper numbers, 120, and the lower, 1920.
#
# </details>
#
# ### In code

# %% tags=["nbval-check-output"]
from collections import Counter

def ngrams(text, n):
    words = text.split()
    return Counter(tuple(words[i:i + n]) for i in range(len(words) - n + 1))

references = ["der Hund beißt den Mann", "der Mann beißt den Hund"]
hypotheses = ["der Hund beißt den Hund", "der Mann beißt der Hund"]

def shares(hypotheses, references):
    pairs = list(zip(hypotheses, references))
    found = [sum((ngrams(h, n) & ngrams(r, n)).total() for h, r in pairs)
             for n in (1, 2, 3, 4)]
    total = [sum(ngrams(h, n).total() for h in hypotheses)
             for n in (1, 2, 3, 4)]
    return found, total

matched, total = shares(hypotheses, references)
print("found:", matched, " of:", total)
print("BLEU: ", 100 * (math.prod(matched) / math.prod(total))**0.25)

# %% [markdown]
# (`&` keeps the smaller count: the clipping.) The standard implementation is **sacreBLEU** (Post 2018):

# %% tags=["nbval-check-output"]
from sacrebleu.metrics import BLEU, CHRF

metric = BLEU(tokenize="none", smooth_method="none")

def show(result):
    by_n = ", ".join(f"{share:.1f}" for share in result.precisions)
    print(f"BLEU {result.score:.1f}  by n: {by_n}  brevity {result.bp:.3f}")

show(metric.corpus_score(hypotheses, [references]))
print(metric.get_signature())

# %% [markdown]
# 50.0, and a **signature**, which belongs to the number: `tok` says how words were cut, `nrefs` how many references a sentence has, `smooth` what is done with a count of 0. The course's `score` uses the defaults:

# %% tags=["nbval-check-output"]
from lessons_lib.evaluation import score

course = score("bleu", hypotheses, references, n_bootstrap=0)
print(f"{course.value:.1f}  {course.signature}")

# %% [markdown]
# Four slips, four other numbers:

# %% tags=["nbval-check-output"]
from statistics import mean

unclipped = [10, *matched[1:]]  # every word is in its reference
sentences = [metric.corpus_score([h], [[r]]).score
             for h, r in zip(hypotheses, references)]
single = BLEU(effective_order=True)  # no runs longer than the text
smoothed = [single.sentence_score(h, [r]).score
            for h, r in zip(hypotheses, references)]
quotients = [m / t for m, t in zip(matched, total)]
fourth_root = (math.prod(unclipped) / math.prod(total))**0.25
print(f"words not clipped:          {100 * fourth_root:.1f}")
print(f"mean of the sentences:      {mean(sentences):.1f}")
print(f"the same, smoothed:         {mean(smoothed):.1f}")
print(f"arithmetic mean of shares:  {100 * mean(quotients):.1f}")

# %% [markdown]
# The second sentence alone scores 0, sharing no run of four. BLEU is a number about a **corpus**: add counts, never average sentences.
#
# ### Exercise 5 (core, 10 minutes)
# With several references an n-gram counts at most as often as in the reference that has it *most* often. Return how many n-grams of the hypothesis count (texts are lists of words).

# %% tags=["exercise"]
def clipped_matches(hypothesis, references, n):
    ### BEGIN SOLUTION
    def runs(words):
        starts = range(len(words) - n + 1)
        return Counter(tuple(words[i:i + n]) for i in starts)

    allowed = Counter()
    for reference in references:
        allowed |= runs(reference)  # the larger count of each
    return (runs(hypothesis) & allowed).total()
    ### END SOLUTION

check("judging.clipped_matches", clipped_matches)

# %% [markdown]
# <details><summary>First hint</summary>
#
# For each run: `min(times here, most times in any reference)`.
#
# </details>
# <details><summary>Second hint</summary>
#
# `a | b` of two counters keeps the larger count of each key, `a & b` the smaller.
#
# </details>
#
# ## 6. How BLEU is fooled
#
# **What is missing?** Shares do not see it. So BLEU multiplies by a **brevity penalty** $e^{1 - r/c}$ when all texts together ($c$ words) are shorter than the references ($r$).
# With $p_n$, the share of runs of $n$:
#
# $$\text{BLEU} = 100 \cdot e^{\min(0,\ 1 - r/c)} \cdot (p_1 p_2 p_3 p_4)^{1/4}$$
#
# Cut the wrong last word of the first hypothesis: *der Hund beißt den*. The counts become 8/9, 5/7, 3/5, 1/3.
#
# ### Exercise 6 (pencil, 4 minutes)
# What is BLEU now, more or less than 50.0? One decimal ($e^{-1/9} = 0.895$).

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = 53.4
### END SOLUTION
check("judging.brevity", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# The fourth root of 120/945 is the square root of a square root.
#
# </details>
# <details><summary>Second hint</summary>
#
# The root is 0.597; 9 words against 10.
#
# </details>

# %% tags=["nbval-check-output"]
shorter = ["der Hund beißt den", hypotheses[1]]
show(metric.corpus_score(shorter, [references]))

# %% [markdown]
# BLEU is fooled by saying less, and by being wrong in the right places. **Before you run it:** which of the three will BLEU (smoothed, for single sentences) like best? (chrF: below.)

# %% tags=["nbval-check-output"]
reference = ["der Hund beißt den Mann"]
for text, meaning in (("den Mann beißt der Hund", "right"),
                      ("der Mann beißt den Hund", "the mirror"),
                      ("der Hund beißt der Mann", "no German")):
    bleu = single.sentence_score(text, reference).score
    chrf = CHRF().sentence_score(text, reference).score
    print(f"{text}  {meaning:11} BLEU {bleu:.1f}  chrF {chrf:.1f}")

# %% [markdown]
# The sentence that does not say who is bitten wins, 42.7 against 31.9 for the right one.
#
# **chrF** (Popović 2015; here chrF2) counts runs of 1 to 6 *characters*, spaces left out: the share of the hypothesis that is found, and, with weight β = 2, of the reference. No words to cut, no all-or-nothing at four. It tells right from mirror, 76.8 from 56.6 (*denMan* is a run of six); the broken sentence still leads.
#
# Two systems: A is always right and puts the object first; B has forgotten case:

# %% tags=["nbval-check-output"]
events = [  # who, does, whom, and whom in the case that it needs
    ("Hund", "beißt", "Mann", "Mann"), ("Wolf", "sucht", "Bär", "Bären"),
    ("Koch", "hört", "Lehrer", "Lehrer"),
    ("Vater", "besucht", "Arzt", "Arzt")]
wanted = [f"Der {a} {does} den {case}." for a, does, _, case in events]
system_a = [f"Den {case} {does} der {a}." for a, does, _, case in events]
system_b = [f"Der {a} {does} der {b}." for a, does, b, _ in events]
for name, texts in (("A, right:", system_a), ("B, no case:", system_b)):
    bleu, chrf = [score(metric_name, texts, wanted, n_bootstrap=0).value
                  for metric_name in ("bleu", "chrf")]
    print(f"{name:12} BLEU {bleu:2.0f}  chrF {chrf:.0f}  {texts[1]}")

# %% [markdown]
# (*The dog bites the man, the wolf seeks the bear, the cook hears the teacher, the father visits the doctor.*) 4 against 26, and A is the better translator: the reference's word order is one of several. (A shares no pair of words with it: the 4 is smoothing.)
#
# What helps: more references; **learned metrics** such as COMET (Rei and others 2020), networks that read source, hypothesis and reference and were trained on people's judgements. They agree with people more often than BLEU (Freitag and others 2022), but have blind spots. And a small test of what *you* need: section 8.
#
# > **What the article says** (2.4, and step 6 of 3.2): models are evaluated by "BLEU, ROUGE and other metrics". Say for what: n-gram overlap for translation and for summaries (**ROUGE**: how much of the reference is found), with signature and interval. Elsewhere: perplexity, accuracy, chrF, learned metrics, people.
#
# ## 7. Is the difference real?
#
# Five sentences, graded by people for two systems:
#
# | | 1 | 2 | 3 | 4 | 5 | mean |
# |---|---|---|---|---|---|---|
# | A | 60 | 55 | 70 | 40 | 50 | 55 |
# | B | 56 | 53 | 69 | 40 | 52 | 54 |
# | A − B | 4 | 2 | 1 | 0 | −2 | **1** |
#
# Would A lead with other sentences? There are none. So draw sets of five from these five, **with replacement** (one may come twice, another not at all), and see how the mean moves: the **bootstrap**. With a die (roll a 6 again): 1 1 3 5 4 gives 4, 4, 1, −2, 0, mean 1.4. All $5^5 = 3{,}125$ draws:

# %% tags=["nbval-check-output"]
from itertools import product

A, B = [60, 55, 70, 40, 50], [56, 53, 69, 40, 52]
differences = [a - b for a, b in zip(A, B)]
means = sorted(mean(draw) for draw in product(differences, repeat=5))
low, high = means[78], means[-79]  # 2.5 % of 3,125 lie outside on each side
print(len(means), "draws, 95 % of them from", low, "to", high)
at_most_0 = sum(m <= 0 for m in means) / len(means)
print(f"at or below 0: {100 * at_most_0:.1f} %")

# %%
from lessons_lib.figures import judging as charts

charts.draws(means, low, high)

# %% [markdown]
# The **95 % interval**, −0.8 to 2.8, holds 0: A's lead is *not shown*. That is not "equal": five are far too few.
#
# The draws kept a sentence's two scores together: they are **paired**. Drawn apart, hard sentences fall to one side by chance (the **standard error** is the typical distance of a draw's mean from the mean):

# %% tags=["nbval-check-output"]
from statistics import pstdev

paired = pstdev(differences) / 5**0.5
apart = ((pstdev(A)**2 + pstdev(B)**2) / 5)**0.5
print(f"standard error, paired {paired:.2f}, apart {apart:.2f}:",
      f"factor {apart / paired:.1f}")

# %% [markdown]
# ### Exercise 7 (core, 10 minutes)
# Return a list of `n_draws` means of first minus second, drawn in pairs from two lists of scores. Use `random` or torch.

# %% tags=["exercise"]
def bootstrap(first, second, n_draws):
    ### BEGIN SOLUTION
    import random

    gaps = [a - b for a, b in zip(first, second)]
    return [mean(random.choices(gaps, k=len(gaps))) for _ in range(n_draws)]
    ### END SOLUTION

check("bootstrap.draws", bootstrap)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Take the differences first.
#
# </details>
# <details><summary>Second hint</summary>
#
# `random.choices(gaps, k=len(gaps))` draws with replacement, `random.sample` without.
#
# </details>
#
# ### Two real systems: greedy and beam 5
#
# The same translator on Multi30k's 1,000 test sentences of 2016. Each sentence's counts are recorded, so you need no data (`python data/decoding/record.py` makes them again):

# %%
import csv
from lessons_lib.runtime import data_dir

with open(data_dir() / "decoding" / "sentences.csv") as file:
    head, *rows = csv.reader(file)
table = torch.tensor([[int(cell) for cell in row] for row in rows])
column = {name: i for i, name in enumerate(head)}

def counts_of(name):  # (1000, 6): reference words, words, matches of 1 to 4
    first = column[f"{name}_length"]
    return table[:, [column["reference"], *range(first, first + 5)]]

# %% tags=["nbval-check-output"]
def brevity_of(counts):
    reference, length = counts[:, :2].sum(dim=0).tolist()
    return min(1.0, math.exp(1 - reference / length))

def bleu_of(counts):
    found = counts[:, 2:].sum(dim=0).tolist()
    total = [(counts[:, 1] - n).clamp(min=0).sum().item() for n in range(4)]
    mean = (math.prod(found) / math.prod(total))**0.25
    return 100 * brevity_of(counts) * mean

for name in ("greedy", "beam5"):
    print(f"{name:7} BLEU {bleu_of(counts_of(name)):.2f}")

# %% [markdown]
# To bootstrap BLEU, redraw *sentences* and add their counts again. **Before you run it:** will the two intervals overlap, and will that of the difference hold 0?

# %% tags=["nbval-check-output"]
generator = torch.Generator().manual_seed(0)
draws = torch.randint(1000, (1000, 1000), generator=generator)

def interval(name, scores):
    low, high = sorted(scores)[25], sorted(scores)[-26]
    print(f"{name:19} {low:5.1f} to {high:4.1f}")
    return low, high

g = [bleu_of(counts_of("greedy")[draw]) for draw in draws]
b = [bleu_of(counts_of("beam5")[draw]) for draw in draws]
interval("greedy", g)
interval("beam 5", b)
gain5 = interval("difference, paired", [y - x for x, y in zip(g, b)])
other = b[1:] + b[:1]  # beam 5 on other draws than greedy's
apart = interval("difference, apart", [y - x for x, y in zip(g, other)])

# %% [markdown]
# The two systems' intervals overlap by three quarters; the paired *difference* lies above 0. Drawn apart, it is three times as wide and holds 0. Judge the paired difference, never two intervals by eye. The library's `compare` is this test on texts (Koehn 2004); its **p-value** says how often chance would make so large a difference. Live, on Multi30k if found, else on the grammar corpus's longest sentences:

# %%
from lessons_lib.corpus import has_multi30k, load_grammar, load_multi30k
from lessons_lib.evaluation import compare

if has_multi30k():
    name, judged, pairs = "Multi30k test", captions, load_multi30k("test")
else:
    name, judged, pairs = "grammar", translator, load_grammar("longer")
pairs = pairs[:100]
sources, golden = [p.source for p in pairs], [p.target for p in pairs]
by_beam = {beam: judged.translate(sources, beam=beam) for beam in (1, 5)}
test = compare("bleu", by_beam[1], by_beam[5], golden)
print(f"{name}, {len(pairs)} sentences: beam 5 minus greedy "
      f"{test.difference:+.1f} BLEU, p = {test.p_value:.3f}")

# %% [markdown]
# Multi30k gives +0.7, p = 0.56: on 100 sentences so little is not shown. The grammar model, lost on sentences longer than any it trained on, gains 6.1, p = 0.006.
#
# ### Greedy and beams 2 to 16
#
# Recorded, one model. α = 0 picks among finished texts by the sum, α = 1 by bits ÷ length:

# %% tags=["nbval-check-output"]
import json

recorded = json.loads((data_dir() / "decoding" / "beams.json").read_text())
print("beam  α   BLEU  chrF  words   bits  changed")
for row in recorded:
    bits = -row["log_probability"] / math.log(2)  # from nats, a text
    print(f"{row['beam']:4} {row['penalty']:2.0f} {row['bleu']:6.1f}",
          f"{row['chrf']:5.1f} {row['words']:6.2f}",
          f"{bits:6.1f} {row['changed']:7}")
print("words in a reference:", round(recorded[0]["reference_words"], 2))

# %% tags=["nbval-check-output"]
wide = [bleu_of(counts_of("beam16")[draw]) for draw in draws]
print("beam 16 (α = 0), paired, minus")
gain16 = interval("greedy", [y - x for x, y in zip(g, wide)])
loss16 = interval("beam 5 (α = 1)", [y - x for x, y in zip(b, wide)])

for name in ("greedy", "beam16"):
    counts = counts_of(name)
    bleu, brevity = bleu_of(counts), brevity_of(counts)
    print(f"{name:7} penalty {brevity:.2f}, BLEU without {bleu / brevity:.1f}")

# %%
gains = {(5, 1.0): gain5, (16, 0.0): gain16}
charts.beams(recorded, gains, "Multi30k test 2016")

# %% [markdown]
# Wider beams do find likelier texts (18.1 to 15.9 bits by the sum), and those are shorter: 12.0 to 11.3 words, where people wrote 12.1. By the sum, beam 16 is not shown to differ from greedy, and is shown to be worse than beam 5 by length. Its brevity penalty, 0.93, eats what its words gain (without penalties 39.3, greedy 36.7): likelier is not better. (Stahlberg and Byrne 2019 searched one model exactly: for half of the sentences its likeliest text was empty.)
#
# What do they write by length? Sentences of ours:

# %%
mine = ["A little girl is jumping into a blue pool.",
        "Three people are taking a break from hiking in the mountains.",
        "In front of a church a man is playing the guitar "
        "for some children."]
for beam in (1, 2, 16):
    print(f"beam {beam}")
    for text in captions.translate(mine, beam=beam):
        print("   ", text)

# %% [markdown]
# Beams 1 and 2 lose the man (*in front of a church plays guitar*) and the mountains, beam 16 finds both. But *Wanderung* (hike) becomes *einem Wander*, no word at all. A wider beam obeys the model more closely, right or wrong.
#
# ## 8. Where does it fail?
#
# Split the 1,000 sentences by length, and by how often a sentence's rarest word occurred in training:

# %% tags=["nbval-check-output"]
def group(label, rows):
    counts = counts_of("beam5")[rows]
    size = len(counts)
    redrawn = torch.randint(size, (500, size), generator=generator)
    scores = sorted(bleu_of(counts[draw]) for draw in redrawn)
    print(f"{label:8} {size:4} sentences, BLEU {bleu_of(counts):.1f}")
    return label, bleu_of(counts), scores[12], scores[-13]

words_in, rarest = table[:, column["source"]], table[:, column["rarest"]]
print("English words")
lengths = [group(f"{low}–{high}", (words_in >= low) & (words_in <= high))
           for low, high in ((4, 8), (9, 12), (13, 16), (17, 40))]
print("the rarest word: times in training")
rarity = [group(f"{low}–{high}" if high < 10**6 else f"{low}+",
                (rarest >= low) & (rarest <= high))
          for low, high in ((0, 2), (3, 20), (21, 100), (101, 10**6))]

# %%
charts.groups(lengths, rarity, "beam 5, Multi30k test 2016")

# %% [markdown]
# From short to long BLEU falls from 41 to 32, from common words to rare ones from 54 to 28. (The two go together: a longer sentence has more chances of a rare word.)
#
# *bites* stands in 5 of 29,000 training captions. So:

# %%
print(captions.translate(["The dog bites the man."])[0])

# %% [markdown]
# *The dog ties the man.* Fluent, grammatical, wrong.
#
# ### Who bites whom
#
# The grammar corpus has 100 sentences, each with its mirror. A translator that knows who did it gets **both** right. The shipped grammar model, live:

# %% tags=["nbval-check-output"]
mirrored = load_grammar("mirrored")  # 200 sentences: pair after pair
outputs = translator.translate([pair.source for pair in mirrored], beam=1)
right = [text == pair.target for text, pair in zip(outputs, mirrored)]
both = sum(right[i] and right[i + 1] for i in range(0, 200, 2))
assert both >= 95
print("both of a pair right: at least 95 of 100")
print("\n".join(outputs[:2]))

# %% [markdown]
# Now the same recipe trained **without positions** (recorded, one seed: `python data/decoding/positions.py`). **Before you run it:** its encoder reads a *bag* of words. How many pairs will be right?

# %% tags=["nbval-check-output"]
runs = json.loads((data_dir() / "decoding" / "positions.json").read_text())
targets = [pair.target for pair in mirrored]
for name, run in runs.items():
    bleu = score("bleu", run["written"], targets, n_bootstrap=0).value
    print(f"{name:18} test {run['test']:.1f} %,",
          f"mirrored {run['mirrored']:.1f} %, BLEU {bleu:.1f}")
    print(f"{'':18} both of a pair right: {run['both right']:.0f} of 100,",
          f"the same text twice: {run['same text']:.0f}")

# %% tags=["nbval-check-output"]
for pair, text in zip(mirrored[:4], runs["without positions"]["written"]):
    print(f"{pair.source:37}  {text}")

# %% [markdown]
# Same words, same vectors, same text. How many pairs are like that?

# %% tags=["nbval-check-output"]
def bag(sentence):
    return sorted(translator.ids(sentence))

alike = [i for i in range(0, 200, 2)
         if bag(mirrored[i].source) == bag(mirrored[i + 1].source)]
blind = runs["without positions"]["written"]
print("pairs with the same words:", len(alike))
twice = sum(blind[i] == blind[i + 1] for i in alike)
print("of these, the same text twice:", twice)

# %% [markdown]
# All 68: one text for two meanings. In the other 32 the verb could tell who acts (*the boys answer*, *he answers*); only 3 came out right. And BLEU gives 40.8 to a translator that cannot tell biter from bitten.
#
# ### What does it look at?
#
# German puts the participle last. Does the decoder know where to look? Cross-attention, mean over layers and heads:

# %%
from lessons_lib.figures import alignment

bread = translator.align("Today the man has eaten the bread.")
alignment.show(bread)

# %% tags=["nbval-check-output"]
looked = {word: bread.source[int(row.argmax())]
          for word, row in zip(bread.target, bread.weights)}
print({word: looked[word] for word in ("hat", "Brot", "gegessen")})

# %% [markdown]
# *gegessen* (eaten) comes last and looks back at *eaten*: nobody told it to. (A picture, not a proof: what a word looks at need not be why it was written.) Type your own, in the corpus's words:

# %%
today = "Today the dog bites the man."
live.alignment_explorer(translator, today, load_grammar("train"))

# %% [markdown]
# **Try it.** *The woman puts on the jacket when she is tired.* Where does *an* look, the second part of the verb *zieht … an*?
#
# <details><summary>Answer</summary>
#
# At *on*.
#
# </details>
#
# ### Exercise 8 (stretch, 15 minutes)
# Live subtitles cannot wait for the end of the sentence. **wait-k** (Ma and others 2019): read $k$ words, then write one, read one, write one, …; when the source has ended, write on until "⟨e⟩".
#
# `next_word(read, written)` gives the next word for two lists of words. Return a list of pairs: each word written, and how many source words had been read for it.

# %% tags=["exercise"]
def wait_k(source, k, next_word):
    ### BEGIN SOLUTION
    written = []
    while True:
        n_read = min(k + len(written), len(source))
        word = next_word(source[:n_read], [w for w, _ in written])
        if word == "⟨e⟩":
            return written
        written.append((word, n_read))
    ### END SOLUTION

check("decoding.wait_k", wait_k)

# %% [markdown]
# <details><summary>First hint</summary>
#
# A loop: how many words are read now? Ask with `source[:n_read]`; stop at "⟨e⟩", else append.
#
# </details>
# <details><summary>Second hint</summary>
#
# `n_read = min(k + len(written), len(source))`.
#
# </details>
#

# %% [markdown]
# Out of German it is hard: in *weil der Hund den Mann beißt* (because the dog bites the man) the biting comes last, and English wants it earlier. Into German, a late verb can wait.
#
# ## Quiz
#
# **1.** Chosen by the sum, beam 16 finds texts that the model thinks likelier than beam 5's, yet BLEU is no better. What happened?
#
# <details><summary>The search has a bug: likelier is better</summary>
#
# Likelier *to the model*, which is not better.
#
# </details>
# <details><summary>It found shorter texts, which cost fewer bits</summary>
#
# Right. Look at how long they are.
#
# </details>
# <details><summary>Beam search cannot find a likelier text than greedy</summary>
#
# It does: on our tree 3 bits against 7.
#
# </details>

# %% [markdown]
# **2.** A paper reports BLEU as the mean of its sentences' scores. What follows?
#
# <details><summary>It equals the corpus score, up to rounding</summary>
#
# 33.4 against 50.0 on two sentences.
#
# </details>
# <details><summary>It is the same for all systems, so comparisons stand</summary>
#
# A sentence without a common run of four scores 0, which hits systems differently.
#
# </details>
# <details><summary>It cannot be set beside corpus scores</summary>
#
# Right. Counts are added first; ask for the signature.
#
# </details>

# %% [markdown]
# **3.** Two systems have intervals 34.9 to 38.0 and 35.7 to 38.8. Is the difference real?
#
# <details><summary>No: the intervals overlap</summary>
#
# Both meet the same sentences, so overlap says little.
#
# </details>
# <details><summary>It cannot be told from these: ask for the paired interval</summary>
#
# Right. It may be several times narrower.
#
# </details>
# <details><summary>Yes: the second is higher at both ends</summary>
#
# So it would be for luck, too.
#
# </details>

# %% [markdown]
# **4.** A system mixes up *der* and *den* everywhere. Which of these shows it best?
#
# <details><summary>Mirrored pairs, both of which have to be right</summary>
#
# Right: a test of what you need.
#
# </details>
# <details><summary>BLEU on 10,000 sentences instead of 1,000</summary>
#
# A case error still costs one word of many.
#
# </details>
# <details><summary>A lower loss on the test set</summary>
#
# It averages over all tokens; few decide about case.
#
# </details>

# %% [markdown]
# ## Where you are

# %%
from lessons_lib.figures import model_map

model_map.show("07")

# %% [markdown]
# Nothing was added.
#
# ## Summary
#
# 1. Greedy cannot take a word back; beam search keeps several beginnings. The length rule and the stopping rule choose the winner: say both.
# 2. A likelier text is not a better one, and often a shorter one.
# 3. The KV cache turns 1 + 2 + … + T positions into T, for 2 · d_model numbers a token and layer.
# 4. BLEU: clipped counts added over the corpus, geometric mean, brevity penalty, signature. It can prefer wrong to right: test what you need.
# 5. A difference comes with a paired interval over sentences.
#
# Next, [08](08_train_the_translator.ipynb): real captions.
#
# ## References
#
# - [Papineni and others (2002)](https://aclanthology.org/P02-1040/), section 2: BLEU. [Post (2018)](https://aclanthology.org/W18-6319/): sacreBLEU. [Popović (2015)](https://aclanthology.org/W15-3049/): chrF.
# - [Rei and others (2020)](https://aclanthology.org/2020.emnlp-main.213/): COMET. [Freitag and others (2022)](https://aclanthology.org/2022.wmt-1.2/): metrics against people.
# - [Koehn (2004)](https://aclanthology.org/W04-3250/): paired bootstrap.
# - [Wu and others (2016)](https://arxiv.org/abs/1609.08144), section 7, and [Vaswani and others (2017)](https://arxiv.org/abs/1706.03762), section 6.1: beam search. [Stahlberg and Byrne (2019)](https://aclanthology.org/D19-1331/): exact search.
# - [Ma and others (2019)](https://aclanthology.org/P19-1289/): wait-k.
# - "Zen and the Art of Computer Programming" (pen name, undated): *大语言模型原理与工程实践：大语言模型训练技术选型技巧* (Chinese), sections 2.4, 3.2, 3.3. The article.
