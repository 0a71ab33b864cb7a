# %% [markdown]
# # The training loop
#
# Notebook 05 ended with a model that knows nothing. Here it is again, asked for a translation:

# %%
import torch
from lessons_lib.presets import PRESETS, prepare
from lessons_lib.translation import Translator

torch.set_num_threads(1)  # in small models a second core mostly waits

# %%
recipe = PRESETS["grammar"]  # corpus, sizes, rates, steps
run = prepare(recipe)  # data, tokenizer, a fresh model
newborn = Translator(run.trained())
text = newborn.translate(["The dog bites the man."], beam=1)  # beam: 07
print(text[0][:70])

# %% [markdown]
# Rubbish. In section 7 the same model says *Der Hund beißt den Mann*, after less than two readings of 20,000 sentence pairs, in about a minute on one core. Nobody tells it a rule of German.
#
# **Write down your guess:** what single number, made smaller again and again, could bring that about?
#
# **You will be able to**
# - work out cross-entropy, perplexity and a smoothed loss with a pencil;
# - turn a batch of sentences into predictions, and count the ones that count;
# - say what one step of AdamW, a warm-up and clipping do to a weight;
# - write the training loop, prove it on one batch, and train a translator with it;
# - tell from a curve and one line of output which of five bugs a run has.
#
# **Prerequisites:** the whole model ([05](05_encoder_decoder.ipynb)). **Time:** 70 minutes to read, 60 for the exercises; the cells run in 95 seconds.
#
# ## 1. How wrong? Counting in bits
#
# *der Hund beißt …* (the dog bites …), and the right next word is *den*. A model's four guesses, and their costs in bits (05: a halving costs 1):
#
# | | den | der | dem | die |
# |---|---|---|---|---|
# | probability | ½ | ¼ | ⅛ | ⅛ |
# | cost | 1 | 2 | 3 | 3 |
#
# The **cross-entropy** of this prediction is the cost of the right word: 1 bit. A model that is sure of *den* would pay 0; one that gives it nothing would pay without end. PyTorch counts in **nats**, with $\ln$ for $\log_2$: 1 bit is 0.693 nats. It takes logits $z$ of shape $(N, V)$, $N$ predictions over $V$ words, and the ids $y$ of the right words, $(N,)$:
#
# $$\text{loss} = -\frac{1}{N} \sum_{n=1}^{N} \ln \text{softmax}(z_n)_{y_n}$$

# %%
import torch.nn.functional as F
from lessons_lib.losses import label_smoothed_cross_entropy

p = torch.tensor([[1/2, 1/4, 1/8, 1/8]])  # (N, V) = (1, 4)
den = torch.tensor([0])                   # (N,)

# %% tags=["nbval-check-output"]
by_hand = -p[0, 0].log()
nat = torch.tensor(2.0).log()  # nats in a bit
print(f"{by_hand:.3f} nats = {by_hand / nat:.0f} bit")

# %% tags=["nbval-check-output"]
for ours in (F.cross_entropy, label_smoothed_cross_entropy):
    torch.testing.assert_close(ours(p.log(), den), by_hand)
print("by hand, by PyTorch and by lessons_lib: the same")

# %% [markdown]
# (Logarithms do as logits: $\text{softmax}(\ln p) = p$. With several words `lessons_lib` sums, PyTorch averages.)
#
# **Try it.** Give `F.cross_entropy` the probabilities themselves, `p` instead of `p.log()`. What comes out, and for a model that is sure, `[[1.0, 0, 0, 0]]`?
#
# <details><summary>Answer</summary>
#
# 1.15 and 0.74 nats: a softmax of a softmax. Such a loss can never come near 0. No error tells you.
#
# </details>

# %% [markdown]
# Over a text, the loss is the mean cost of its words. The **perplexity** turns it back from bits into a number of choices: 2 to the mean bits ($e$ to the mean nats).
#
# ### Exercise 1 (warm-up, 4 minutes)
# Four right words had probabilities ½, ⅛, ½, ⅛. What is the perplexity?

# %% tags=["exercise"]
from lessons_lib.exercises import check

### BEGIN SOLUTION
answer = 4
### END SOLUTION
check("training.perplexity", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# The costs are 1, 3, 1 and 3 bits. Their mean?
#
# </details>
# <details><summary>Second hint</summary>
#
# Raise 2 to the mean. (Averaging probabilities first is another thing: costs add, probabilities multiply.)
#
# </details>

# %% [markdown]
# ## 2. Label smoothing
#
# A loss of 0 asks for certainty, and models that are sure of everything are often wrong. **Label smoothing** keeps ε of the target back and shares it out over all $V$ words: the right word has weight $1 - ε$, and *each* word, the right one too, gets $ε / V$ more.
#
# ### Exercise 2 (pencil, 6 minutes)
# What does the prediction of section 1 cost with ε = 0.1, in **bits**? Three decimals.

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = 1.125
### END SOLUTION
check("training.smoothed_loss", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# $0.9 \cdot 1$ for *den*; then $0.1 / 4 = 0.025$ for each of the four.
#
# </details>
# <details><summary>Second hint</summary>
#
# $0.9 \cdot 1 + 0.025 \cdot (1 + 2 + 3 + 3)$.
#
# </details>

# %% [markdown]
# **Before you run it.** Three pupils: one answers as above, one with exactly the smoothed target (0.925, 0.025, 0.025, 0.025), one is quite sure (a logit of 30 for *den*, 0 for the others). Who pays least, and does anybody pay 0?

# %%
target = torch.tensor([[.925, .025, .025, .025]])
pupils = {"as above": p.log(), "the target itself": target.log(),
          "quite sure": torch.tensor([[30.0, 0, 0, 0]])}

# %% tags=["nbval-check-output"]
for name, logits in pupils.items():
    loss = F.cross_entropy(logits, den, label_smoothing=0.1)
    ours = label_smoothed_cross_entropy(logits, den, 0.1)
    torch.testing.assert_close(ours, loss)
    print(f"{name:18} {loss / nat:.3f} bits")

# %% [markdown]
# Nobody. The perfect pupil pays 0.503 bits, the one who is quite sure 3.246: certainty is punished. So a smoothed loss has a **floor** above 0, and 2 to a smoothed loss is no perplexity. Compare losses only where ε is the same.
#
# ## 3. Teacher forcing: all predictions of a batch at once
#
# In training the words so far are the *right* ones, whatever the decoder would have written itself: **teacher forcing**. Input and target are 05's two rows, **shifted** by a place; new is the batch. Two sentences: *der Hund beißt den Mann*, *der Mann beißt* (the man bites). Ids: PAD 0, BOS 1, EOS 2, der 3, den 4, Hund 5, Mann 6, beißt 7.

# %% tags=["nbval-check-output"]
padded = torch.tensor([[1, 3, 5, 7, 4, 6, 2],
                       [1, 3, 6, 7, 2, 0, 0]])  # (B, T + 1)
print("input  \n", padded[:, :-1])  # (B, T)
print("target \n", padded[:, 1:])   # (B, T)

# %% [markdown]
# Row 2's input keeps its EOS, harmlessly: the target there is PAD, and PAD does not count.
#
# ### Exercise 3 (core, 6 minutes)
# Return input, targets and how many targets count.

# %% tags=["exercise"]
def shift(padded):
    ### BEGIN SOLUTION
    targets = padded[:, 1:]
    return padded[:, :-1], targets, int((targets != 0).sum())
    ### END SOLUTION

check("training.shift", shift)

# %% [markdown]
# <details><summary>First hint</summary>
#
# `[:, :-1]` is all but the last column, `[:, 1:]` all but the first.
#
# </details>
# <details><summary>Second hint</summary>
#
# Count on the targets: `int((targets != 0).sum())`. EOS (2) counts: when to stop has to be learned.
#
# </details>

# %% [markdown]
# **Mean over what?** Say each word of row 1 costs 1 bit (6 words), each of row 2 costs 2 (4 words). **Before you read on:** is the batch's loss 1.5?
#
# That is the mean of the rows' means, and gives a word in a short sentence more say. The course gives each prediction one vote: $(6 \cdot 1 + 4 \cdot 2) / 10 = 1.4$ bits.
#
# ### Exercise 4 (core, 8 minutes)
# Write it in nats, for logits $(B, T, V)$ and targets $(B, T)$ with PAD 0. (`F.cross_entropy` wants $(N, V)$ and $(N,)$.)

# %% tags=["exercise"]
def token_mean(logits, targets):
    ### BEGIN SOLUTION
    real = targets != 0
    return F.cross_entropy(logits[real], targets[real])
    ### END SOLUTION

check("training.token_mean", token_mean)

# %% [markdown]
# <details><summary>First hint</summary>
#
# A mask of shape $(B, T)$ picks rows: `logits[real]` has shape (10, V) in the batch of two.
#
# </details>
# <details><summary>Second hint</summary>
#
# `F.cross_entropy(logits[real], targets[real])` averages over what is left. `ignore_index=0` does it too.
#
# </details>

# %% [markdown]
# A batch too large for the memory is read in parts whose gradients add up. The divisor must still be that of the *whole*, 10, not each part's own. The gradient of the smallest model there is, a logit for each word and the same at every place, both ways:

# %%
def part(rows, divisor):
    w = torch.ones(8, requires_grad=True)  # V logits, alike everywhere
    targets = padded[rows, 1:]
    real = targets[targets != 0]
    costs = F.cross_entropy(w.expand(len(real), 8), real, reduction="sum")
    (costs / divisor).backward()
    return w.grad

# %% tags=["nbval-check-output"]
whole = part([0, 1], 10)
same = torch.allclose(part([0], 10) + part([1], 10), whole)
other = torch.allclose((part([0], 6) + part([1], 4)) / 2, whole)
print("divided by the whole:", same, "  each by its own:", other)

# %% [markdown]
# ## 4. One loss, one backward pass
#
# > **What the article says** (3.2): step 3 trains the encoder, step 4 the decoder. But with which targets would an encoder be trained? Nobody wrote down what a memory should hold. There is **one** loss, at the decoder's output, and one backward pass.
#
# A small model on the batch of two, which is read as source too. **Before you run it:** the loss looks at German words only. Does the encoder get a gradient?

# %%
from lessons_lib.config import ModelConfig
from lessons_lib.models import EncoderDecoder

def small_model(vocabulary, seed=1, **changes):
    torch.manual_seed(seed)
    return EncoderDecoder(ModelConfig(
        vocabulary, d_model=64, d_ff=128, n_encoder_layers=2,
        n_decoder_layers=2, dropout=0.0, **changes))

# %%
def decoder_loss(model, cut):
    memory, mask = model.encode(padded)
    if cut:
        memory = memory.detach()  # the same numbers, but no way back
    hidden = model.decode(padded[:, :-1], memory, mask)
    return F.cross_entropy(model.scores(hidden).flatten(0, 1),
                           padded[:, 1:].flatten(), ignore_index=0)

# %%
def gradient_length(part):
    squares = [w.grad.square().sum() for w in part.parameters()
               if w.grad is not None]
    return sum(squares, torch.tensor(0.0)).sqrt()

# %% tags=["nbval-check-output"]
for cut in (False, True):
    model = small_model(8)
    decoder_loss(model, cut).backward()
    for name in ("decoder", "encoder"):
        length = gradient_length(getattr(model, name))
        print(f"cut: {cut!s:6} gradient in the {name}: {length:.1f}")

# %% [markdown]
# It does, 3.7 long beside the decoder's 5.5, and it has no other source. Cut at the memory, the decoder's gradient is what it was, and the encoder gets 0.0: it would stay as it was born.
#
# ## 5. The step: AdamW, warm-up, clipping
#
# Plain gradient descent (00) takes rate · gradient. But how alike are the gradients of a model's weights? Those of section 4, without the zeros, sorted by size: the one that is larger than 1 % of them, and the one that is larger than 99 %.

# %% tags=["nbval-check-output"]
model = small_model(8)
decoder_loss(model, cut=False).backward()
g = torch.cat([w.grad.flatten().abs() for w in model.parameters()])
weak, strong = torch.quantile(g[g > 1e-6], torch.tensor([0.01, 0.99]))
print(f"strong: {strong:.2f}, more than 500 times the weak one:",
      bool(strong > 500 * weak))

# %% [markdown]
# They differ about a thousandfold, so one rate fits none. **Adam** (Kingma, Ba 2015) divides each by its usual size. For each weight it keeps a running mean $m$ of the gradient $g$ and $v$ of $g^2$. By hand, the first step ($t = 1$) of a weight $w = 1$ with $g = 4$, rate 0.1, $β = (0.9, 0.999)$:
#
# | | | |
# |---|---|---|
# | $m = 0.9\,m + 0.1\,g$ | 0 + 0.4 | = 0.4 |
# | $v = 0.999\,v + 0.001\,g^2$ | 0 + 0.016 | = 0.016 |
# | corrected for the start at 0: $\hat m = m / (1 - 0.9^t)$ | 0.4 / 0.1 | = 4 |
# | $\hat v = v / (1 - 0.999^t)$ | 0.016 / 0.001 | = 16 |
# | step: rate $\cdot\, \hat m / \sqrt{\hat v}$ | 0.1 · 4 / 4 | = 0.1 |
# | weight decay, 0.1: rate · 0.1 · $w$ | 0.1 · 0.1 · 1 | = 0.01 |
# | $w$ | 1 − 0.1 − 0.01 | = **0.89** |
#
# The **W** (Loshchilov, Hutter 2019) is the sixth line: **weight decay**, a small pull towards 0, stands beside the step, not in the gradient, where the division would swallow it. (The factor *rate* there is PyTorch's; Adam adds $10^{-8}$ to the root, for gradients of 0.)
#
# ### Exercise 5 (core, 12 minutes)
# Step number `t`, counted from 1. Return the new `w`, `m`, `v` (uncorrected).

# %% tags=["exercise"]
def adamw_step(w, g, m, v, t, rate, weight_decay):
    ### BEGIN SOLUTION
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    step = (m / (1 - 0.9**t)) / (v / (1 - 0.999**t))**0.5
    return w - rate * step - rate * weight_decay * w, m, v
    ### END SOLUTION

check("optimising.adamw_step", adamw_step)

# %% [markdown]
# <details><summary>First hint</summary>
#
# The lines of the table, in this order. Keep `m` and `v`; use corrected copies for the step.
#
# </details>
# <details><summary>Second hint</summary>
#
# `step = (m / (1 - 0.9**t)) / (v / (1 - 0.999**t))**0.5`, and the weight decay uses the old `w`.
#
# </details>

# %% [markdown]
# **Before you run it.** PyTorch's first step for gradients of 0.004, 4 and 4000: which goes furthest?

# %% tags=["nbval-check-output"]
for g in (0.004, 4.0, 4000.0):
    w = torch.nn.Parameter(torch.tensor([1.0]))
    w.grad = torch.tensor([g])
    torch.optim.AdamW([w], lr=0.1, weight_decay=0.1).step()
    print(f"gradient {g:8}: w = {w.item():.2f}")

# %% [markdown]
# None: 0.89 each time. Adam's first steps are **full-sized, whatever the gradient**, at the moment when it knows least. (Later, where gradients change sign, $\hat m$ shrinks, and the step with it.) Hence the **warm-up**: the rate rises in a straight line at first. (Post-norm has large gradients near the output besides; pre-norm can do without: Xiong and others 2020.) The Transformer paper's schedule, with $K$ warm-up steps:
#
# $$\text{rate}(t) = d_\text{model}^{-1/2} \cdot \min\left(t^{-1/2},\; t \cdot K^{-3/2}\right)$$
#
# With $d_\text{model} = 64$ and $K = 4$, by hand: at $t = 1$ it is ⅛ · min(1, ⅛) = 1/64, at 4 the peak, ⅛ · ½ = 1/16, at 16 ⅛ · ¼ = 1/32.
#
# ### Exercise 6 (core, 4 minutes)
# Write it.

# %% tags=["exercise"]
def schedule(step, d_model, warmup):
    ### BEGIN SOLUTION
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)
    ### END SOLUTION

check("optimising.schedule", schedule)

# %% [markdown]
# <details><summary>First hint</summary>
#
# `**-0.5` is one over the square root.
#
# </details>
# <details><summary>Second hint</summary>
#
# `min(step**-0.5, step * warmup**-1.5)`, times `d_model**-0.5`.
#
# </details>

# %% [markdown]
# Three schedules for a run of 800 steps. *Linear* and *cosine* multiply the rate that the recipe names, and fall from the first step (so their peak lies below 1) almost to 0 at the last; the paper's is drawn as a share of its peak, and never ends:

# %%
from lessons_lib.figures import gallery as pictures
from lessons_lib.optim import decay as fall  # of the rate, not of weights
from lessons_lib.optim import paper_learning_rate, warmup

# %%
def rates(t):
    peak = paper_learning_rate(100, 64, 100)
    return {"paper": paper_learning_rate(t, 64, 100) / peak,
            "linear": warmup(t, 100) * fall("linear", (t - 1) / 800),
            "cosine": warmup(t, 100) * fall("cosine", (t - 1) / 800)}

# %%
all_rates = [rates(t) for t in range(1, 801)]
lines = {name: [at[name] for at in all_rates] for name in rates(1)}
pictures.schedules(lines, warmup=100)

# %% [markdown]
# We take *linear*; the captions' long run (08) has cosine. We have not compared them.
#
# **Clipping.** One odd batch can have a gradient many times the usual. If all gradients *together* are longer than a maximum, all are scaled by one factor. By hand: (3, 4) and (12) have length $\sqrt{9 + 16 + 144} = 13$. The maximum 2.6 makes the factor 0.2: (0.6, 0.8) and (2.4).
#
# ### Exercise 7 (core, 8 minutes)
# `gradients` is a list of tensors. Return a new list.

# %% tags=["exercise"]
def clip(gradients, most):
    ### BEGIN SOLUTION
    length = sum((g**2).sum() for g in gradients)**0.5
    factor = most / length.item() if length > most else 1.0
    return [factor * g for g in gradients]
    ### END SOLUTION

check("optimising.clip", clip)

# %% [markdown]
# <details><summary>First hint</summary>
#
# One length for all: the root of the sum of all squares.
#
# </details>
# <details><summary>Second hint</summary>
#
# The factor is `most / length` where `length > most`, else 1.
#
# </details>

# %% tags=["nbval-check-output"]
weights = [torch.nn.Parameter(torch.zeros(n)) for n in (2, 1)]
weights[0].grad = torch.tensor([3.0, 4.0])
weights[1].grad = torch.tensor([12.0])
torch.nn.utils.clip_grad_norm_(weights, 2.6)
print([[round(x, 3) for x in w.grad.tolist()] for w in weights])

# %% [markdown]
# Why clip, if Adam divides by the size anyway? Because of what a spike leaves behind in $v$. Gradients of 1, with one of 1000 at step 50, $β_2 = 0.98$ as in our recipe; the size of each step, with a rate of 1:

# %%
def step_sizes(most):
    w, sizes = torch.nn.Parameter(torch.zeros(1)), []
    optimizer = torch.optim.AdamW([w], lr=1.0, betas=(0.9, 0.98),
                                  weight_decay=0)
    for t in range(1, 201):
        before, g = w.item(), 1000.0 if t == 50 else 1.0
        w.grad = torch.tensor([min(g, most)])
        optimizer.step()
        sizes.append(before - w.item())
    return sizes

# %% tags=["nbval-check-output"]
for name, most in (("unclipped", 10**9), ("clipped", 1.0)):
    sizes = step_sizes(most)
    at = [round(sizes[t - 1], 2) for t in (49, 100, 150, 200)]
    print(f"{name:10} at steps 49, 100, 150, 200: {at}")

# %% [markdown]
# Unclipped, the steps are still tiny, 0.03 for 1, 150 steps later: one bad batch has put the brake on. Clipped, nothing happened.
#
# ## 6. The loop, and a first proof
#
# All the pieces, in one function. `parameter_groups` gives matrices weight decay, biases and norms none; `clip_grad_norm_` is your `clip`, in place.

# %%
from lessons_lib.optim import parameter_groups

def fit(model, batches, steps, loss_of, rate, warm=40, look=None):
    groups = parameter_groups(model, weight_decay=0.01)
    optimizer, losses = torch.optim.AdamW(groups, betas=(0.9, 0.98)), []
    for step in range(1, steps + 1):
        loss = loss_of(model, *batches[(step - 1) % len(batches)])
        optimizer.zero_grad()                  # forget the last gradients
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        left = 1 - (step - 1) / steps          # the schedule: linear
        for group in optimizer.param_groups:
            group["lr"] = rate * warmup(step, warm) * left
        optimizer.step()
        losses.append(loss.item())
        if look:                               # whoever wants to watch
            look(step)
    return losses

# %% [markdown]
# `loss_of` turns a model and a batch into one loss. For a translator, teacher forcing and your shift:

# %%
def healthy_loss(model, source, target):
    logits = model(source, target[:, :-1])     # (B, T, V)
    return F.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(),
                           ignore_index=0)


# %% [markdown]
# (These models have no dropout. With it (04), each step begins with `model.train()`, `greedy` and `look` with `model.eval()`; no error reminds you.)
#
# Does it work? First **overfit one batch**, on purpose. A model that cannot learn eight sentences by heart has a bug, and you know it in seconds, not after a night. To read what it has learned, a **greedy** decoder: write the likeliest word, again and again.

# %%
@torch.inference_mode()  # no gradients needed
def greedy(model, source, longest=16):
    memory, mask = model.encode(source)
    written = torch.full((len(source), 1), 1)          # BOS
    for _ in range(longest):
        hidden = model.decode(written, memory, mask)   # (B, t, d_model)
        word = model.scores(hidden[:, -1]).argmax(dim=-1, keepdim=True)
        written = torch.cat([written, word], dim=1)    # (B, t + 1)
    return written[:, 1:]

# %% [markdown]
# For this section and the gallery: the first 500 training pairs of at most four English words, with a small vocabulary of their own.

# %%
from lessons_lib.batching import pad
from lessons_lib.corpus import load_grammar
from lessons_lib.tokenization import Tokenizer

# %%
def short(split, n):
    pairs = load_grammar(split)
    return [pair for pair in pairs if len(pair.source.split()) <= 4][:n]

pairs = short("train", 500)
texts = [text for pair in pairs for text in pair]
tokenizer = Tokenizer.train(texts, 1200)

# %% tags=["nbval-check-output"]
def batch_of(pairs):
    sources = [tokenizer.encode(pair.source) + [2] for pair in pairs]
    targets = [[1] + tokenizer.encode(pair.target) + [2] for pair in pairs]
    return pad(sources, 0), pad(targets, 0)

print(len(pairs), "pairs, for example:", *pairs[0])

# %%
def text_of(ids):
    ids = ids.tolist()
    return tokenizer.decode(ids[:ids.index(2)] if 2 in ids else ids)

def exact_match(model, pairs):
    written = greedy(model, batch_of(pairs)[0])
    right = [text_of(ids) == pair.target
             for ids, pair in zip(written, pairs)]
    return 100 * sum(right) / len(pairs)

# %% tags=["nbval-check-output"]
eight = small_model(tokenizer.vocabulary_size)
losses = fit(eight, [batch_of(pairs[:8])], 80, healthy_loss, rate=5e-3)
print(f"starts at {losses[0]:.1f}; ends below 0.05: {losses[-1] < 0.05}")
print(f"exact match: {exact_match(eight, pairs[:8]):.0f} %")

# %% [markdown]
# From near $\ln 1200 = 7.09$ to almost nothing, and all eight come back word for word, a share called **exact match**, 100 %: loss, masks, shift, optimiser and decoder fit together. It knows eight sentences, no more.
#
# **Try it.** Set `rate=5` in the last cell, then `rate=5e-5`, and print `max(losses), losses[-1]`. What do you see? (Put 5e-3 back.)
#
# <details><summary>Answer</summary>
#
# Exact match is 0 both times. At 5 the loss is thrown up to several hundred and ends near 100: each step jumps over the valley it aims for. At 5e-5 it has come down to 6.6 only: 80 steps are far too few. In between there is room: 5e-2 does it, too.
#
# </details>

# %% [markdown]
# `lessons_lib.training.Trainer` is this loop with a log, checkpoints, averaged weights (a running mean of the last steps' weights; both: 08) and patience (section 7). `lessons train` also shuffles the batches anew each pass. Three steps of both loops, on the same batches from the same start. In 64 bits (`double`): where a gradient is nearly 0, Adam divides rounding by rounding, and in 32 the two would drift apart.

# %%
from lessons_lib.batching import make_batch
from lessons_lib.config import TrainingConfig
from lessons_lib.losses import translation_loss
from lessons_lib.training import Budget, Trainer

# %%
def their_batch(pairs):
    sides = [[tokenizer.encode(text) for text in side]
             for side in zip(*pairs)]
    return make_batch(*sides, 0, 1, 2)  # PAD, BOS, EOS

def their_loss(model, batch):
    return translation_loss(model, batch, smoothing=0.0)

# %%
mine, theirs = small_model(1200).double(), small_model(1200).double()
eights = [pairs[i:i + 8] for i in (0, 8, 16)]
settings = TrainingConfig(learning_rate=5e-3, warmup_steps=2,
                          decay="linear")  # the schedule
library = [their_batch(group) for group in eights]
Trainer(theirs, their_loss, lambda number: library, settings,
        Budget(steps=3)).run()
ours = [batch_of(group) for group in eights]
losses = fit(mine, ours, 3, healthy_loss, rate=5e-3, warm=2)

# %% tags=["nbval-check-output"]
for one, other in zip(mine.parameters(), theirs.parameters()):
    torch.testing.assert_close(one, other)
print("after three steps: the same weights")

# %% [markdown]
# ## 7. A minute of training
#
# Now the whole corpus, 20,000 pairs, with the recipe of `lessons train grammar`, shortened to 800 steps, with a higher rate and a shorter warm-up to suit. (What translates is the averaged weights.) Each row of its log, `metrics.jsonl`, goes to the picture as it comes; in a terminal, `lessons train grammar` draws a bar from the same rows.
#
# **Before you run it:** where will the loss start, and what share of 200 **held-out** sentences, which it never trains on, will be right, word for word, at the end?

# %%
import tempfile
from dataclasses import replace
from pathlib import Path
from lessons_lib.figures.live_curve import LiveCurve
from lessons_lib.presets import train

# %%
faster = replace(recipe.training, learning_rate=3.5e-3, warmup_steps=100,
                 validate_every=200)
recipe = replace(recipe, training=faster, n_validation=200)

# %%
folder = Path(tempfile.mkdtemp())
curve = LiveCurve(800)
trained = train(recipe, folder, Budget(steps=800), on_log=curve.show)

# %% [markdown]
# A fresh model pays about $\ln V$; the picture begins at step 20, a little lower:

# %% tags=["nbval-check-output"]
V = trained.tokenizer.vocabulary_size
print(f"ln {V} = {torch.tensor(V).log():.2f}")

# %% [markdown]
# **Who bites whom?** The corpus keeps back 100 sentences with their mirrors, none of which was trained on:

# %% tags=["nbval-check-output"]
from lessons_lib.evaluation import exact_match as share_right

translator = Translator(trained)
for english in ("The dog bites the man.", "The man bites the dog."):
    print(english, "->", translator.translate([english], beam=1)[0])

# %%
right = {}
for split in ("validation", "mirrored"):
    sources, targets = zip(*load_grammar(split)[:200])
    written = translator.translate(list(sources), beam=1)
    right[split] = share_right(written, list(targets))
    words = sum(len(source.split()) for source in sources) / 200
    print(f"{split}: {right[split]:.1f} % right, word for word;",
          f"{words:.1f} words a sentence")

# %% tags=["nbval-check-output"]
print("both above 60 %:", min(right.values()) > 60)

# %% [markdown]
# Right both ways, and so are most of the mirrored sentences. With seeds 2 and 3 we saw 73 and 78.5 % right in validation, about 90 % of the mirrored ones; these are shorter, probably that is why. These are this corpus's sentences: of anything else the model knows nothing.
#
# Does the small decoder of section 6 find the same? `Translator` with `beam=1` is our `greedy`, with text around it:

# %% tags=["nbval-check-output"]
ids = torch.tensor([translator.ids("The dog bites the man.") + [2]])
written = greedy(trained.model, ids)[0].tolist()
print(trained.tokenizer.decode(written[:written.index(2)]))

# %% [markdown]
# (*der* is small: the first capital comes back at the end, 05.)
#
# The log, read again from its file: a row every 20 steps, with `lr` the learning rate and `passes` the readings of all pairs so far:

# %% tags=["nbval-check-output"]
from lessons_lib.metrics import read_metrics

rows = read_metrics(folder / "metrics.jsonl")
print(sorted(rows[0]))
curve.redraw()  # in case your page has missed its last rows
print("the rows that the picture drew:", rows == curve.rows)
print("whole passes over the pairs:", rows[-1]["passes"])

# %% tags=["nbval-check-output"]
scores = [row["validation"]["exact_match"]
          for row in rows if "validation" in row]
print("measured:", len(scores), "times")
print("much better than half-way:", scores[-1] > scores[1] + 10)

# %% [markdown]
# **When to stop?** Here the score rises to the end. And with little data? 150 short pairs; the loss on the first 50 of them ("training") and on 100 held-out ones. **Before you run it:** draw both lines as you expect them.

# %%
few = [batch_of(pairs[i:i + 50]) for i in (0, 50, 100)]
held_out = batch_of(short("validation", 100))
model = small_model(tokenizer.vocabulary_size)
training, outside = [], []

# %%
def look(step):
    if step % 15 == 0:
        with torch.inference_mode():
            training.append(healthy_loss(model, *few[0]).item())
            outside.append(healthy_loss(model, *held_out).item())

# %%
fit(model, few, 120, healthy_loss, 1e-2, look=look)
best = outside.index(min(outside))
marks = [15 * (i + 1) for i in range(len(outside))]
pictures.early_stopping(marks, training, outside, marks[best])

# %%
def stop_at(scores, patience):
    """Where to stop and which to keep: lower is better."""
    for i in range(len(scores)):
        kept = scores.index(min(scores[:i + 1]))
        if i - kept >= patience:
            return i, kept
    return len(scores) - 1, kept

# %% tags=["nbval-check-output"]
stopped, kept = stop_at(outside, patience=2)
print("kept the lowest:", kept == best)
print("stopped 2 later:", stopped - kept == 2)
print("held-out loss has risen since:", outside[-1] > outside[kept] + 0.2)
print("training loss has fallen since:", training[-1] < training[kept])

# %% [markdown]
# It learns its sentences by heart; on others it grows surer where it is wrong. **Early stopping** with a **patience** of 2: after two measurements without a new best, stop and go back to the best. The library's: `TrainingConfig(validate_every=15, patience=2)`.
#
# ## 8. The gallery: which run is which?
#
# Six runs, 150 steps each, on the 500 short pairs. One is healthy, five have one planted bug each:
#
# | name | what is wrong |
# |---|---|
# | `healthy` | nothing |
# | `no causal mask` | each place may look at the words to come |
# | `no shift` | the target is the input itself |
# | `padding in the loss` | PAD counts as a word to predict |
# | `post-norm without warm-up` | norms after the sum (04), full rate from the first step |
# | `unit-normal projections` | all weights drawn with variance 1, the output table too |
#
# **Before you run it**, write down for each: where does its loss start, how fast does it fall, and can it translate?

# %%
batches = [batch_of(pairs[i:i + 50]) for i in range(0, 500, 50)]

def loss_with(bug):
    def loss_of(model, source, target):
        given, wanted = target[:, :-1], target[:, 1:]
        if bug == "no shift":
            wanted = given
        memory, mask = model.encode(source)
        if bug == "no causal mask":
            x = model.target_entrance(model.embed(given))
            hidden = model.decoder(x, None, memory, mask)
        else:
            hidden = model.decode(given, memory, mask)
        leave_out = -100 if bug == "padding in the loss" else 0
        return F.cross_entropy(model.scores(hidden).flatten(0, 1),
                               wanted.flatten(), ignore_index=leave_out)
    return loss_of

# %% tags=["nbval-check-output"]
ours = loss_with("healthy")(eight, *batches[0])
torch.testing.assert_close(ours, healthy_loss(eight, *batches[0]))
print("without a bug it is the loss of section 6")

# %%
import random
from lessons_lib.exercises.training import BUGS
from lessons_lib.tokenization import SPECIAL

def pieces_of(ids):
    return " ".join(SPECIAL[i] if i < 4 else tokenizer.decode([i])
                    for i in ids.tolist())

# %%
def exhibit(bug):
    post = bug.startswith("post-norm")
    model = small_model(tokenizer.vocabulary_size,
                        norm_placement="post" if post else "pre")
    if bug.startswith("unit"):
        for w in model.parameters():
            if w.ndim == 2:
                torch.nn.init.normal_(w)
    losses = fit(model, batches, 150, loss_with(bug), 1e-2,
                 warm=0 if post else 40)
    line = greedy(model, batch_of(pairs[:1])[0])[0]
    return losses, exact_match(model, pairs[:200]), pieces_of(line)

# %%
order = random.Random(30).sample(BUGS, 6)
runs = {letter: exhibit(bug) for letter, bug in zip("ABCDEF", order)}
curves = {letter: losses for letter, (losses, _, _) in runs.items()}
pictures.curves(curves, start=7.09)

# %% [markdown]
# The dashed line is $\ln V$. Exact match is over 200 of the trained sentences: here we ask only whether it has learned them. The line is what each writes, piece by piece and marks included, for *We build these bridges* (*Wir bauen diese Brücken*). Our `greedy` does not stop at EOS, printed `<eos>`; what follows is cut off before comparing:

# %%
print("   first  40th  last   match  writes")
for letter, (losses, match, line) in runs.items():
    three = "".join(f"{losses[i]:6.2f}" for i in (0, 39, -1))
    print(letter + three, f"{match:5.1f} %  " + " ".join(line.split()[:8]))

# %% [markdown]
# ### Exercise 8 (stretch, 12 minutes)
# Which is which? Use the names of the table.

# %% tags=["exercise"] stub="answer = dict(A=..., B=..., C=..., D=..., E=..., F=...)"
### BEGIN SOLUTION
answer = dict(A="post-norm without warm-up", B="no shift", C="healthy",
              D="unit-normal projections", E="padding in the loss",
              F="no causal mask")
### END SOLUTION
check("training.gallery", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Start with those that are easy: one begins far above $\ln V$, one is at 0 almost at once. Which of the rest cannot write although its loss is low?
#
# </details>
# <details><summary>Second hint</summary>
#
# Two runs translate well. Padding is easy to predict: which of the two has the lower loss at step 40? And which has learned what comes after EOS? The last one falls, but lags behind.
#
# </details>

# %% [markdown]
# <details><summary>Why each looks as it does (after you have tried)</summary>
#
# - **No shift.** The word to predict is the word read last. A fresh model leans that way already, since its output table is its input table (05): it starts at half of $\ln V$. To repeat is learned at once; at BOS it writes BOS, for ever.
# - **No causal mask.** The next word stands in the input. The loss falls below the healthy run's, and in decoding there is no next word to copy.
# - **Padding in the loss.** More than a third of the places are PAD, and easy, so the mean looks better early on, and means nothing. It has even learned what comes after EOS: PAD. With more padding the real words hardly count.
# - **Post-norm without warm-up.** Full-sized first steps, where the last block is pushed hard from the start (04): it crawls beside the healthy run, and ends above 3.
# - **Unit-normal projections.** The table makes scores far too large, the projections saturate attention (04); training has to undo both.
#
# </details>

# %% [markdown]
# > **What the article says** (3.2): initialise with a normal distribution. One run does; its *scale* ruins it.
#
# The scale of the output table decides the start: with variance 1 the loss starts above $3 \ln V$, with $1/d_\text{model}$ (the healthy run) less than 1 away from $\ln V$.

# %%
def told(bug):
    losses, match, _ = runs["ABCDEF"[order.index(bug)]]
    return dict(first=losses[0], at_40=losses[39],
                last=sum(losses[-10:]) / 10, match=match)

healthy, no_mask, no_shift, padded_loss, post, unit = map(told, BUGS)

# %% tags=["nbval-check-output"]
places = torch.cat([target[:, 1:].flatten() for _, target in batches])
print(f"places that are PAD: {100 * (places == 0).float().mean():.0f} %")
print("unit-normal starts above 3 ln V:", unit["first"] > 3 * 7.09)
print("healthy starts near it:", abs(healthy["first"] - 7.09) < 1)
print("no shift, step 40, below 0.3:", no_shift["at_40"] < 0.3)
print("padding counted, step 40, below healthy:",
      padded_loss["at_40"] < healthy["at_40"])
print("post-norm ends 4 times as high:",
      post["last"] > 4 * healthy["last"])

# %% tags=["nbval-check-output"]
able, unable = (healthy, padded_loss), (no_mask, no_shift, post, unit)
lowest = min(run["last"] for run in able)
print("most lines right:", min(run["match"] for run in able) > 50)
print("hardly a line right:", max(run["match"] for run in unable) < 5)
print("lowest losses at the end: no shift, then no mask:",
      no_shift["last"] < no_mask["last"] < lowest)

# %% [markdown]
# The lowest losses belong to the two models without shift and without mask, and neither can write a sentence. **Never judge a run by its loss alone: decode a line.**
#
# **Try it.** Give post-norm its warm-up back: `warm=40` for all, in `exhibit`, and `exhibit("post-norm without warm-up")[1]` in a cell of its own.
#
# <details><summary>Answer</summary>
#
# About four lines of five are right again (with three seeds we saw 78, 80 and 91 %). Post-norm is no bug; post-norm at full rate from the first step is one.
#
# </details>

# %% [markdown]
# ## Quiz
#
# **1.** Your loss starts at 7.1, $V$ is 1,200. Is that good?
#
# <details><summary>Bad: a good model starts near 0</summary>
#
# A fresh model knows nothing yet, so it pays about $\ln V$. (Even the leaking run of section 8 started at 7.6: the start does not show every bug.)
#
# </details>
# <details><summary>Good: it is $\ln V$, an impartial guess</summary>
#
# Right. $\ln 1200 = 7.09$.
#
# </details>
# <details><summary>Nobody can say without the data</summary>
#
# Before training the data hardly matter.
#
# </details>

# %% [markdown]
# **2.** With label smoothing of 0.1 your loss stays at 1.5 and no longer falls. What do you conclude?
#
# <details><summary>Nothing yet: part of it is the floor</summary>
#
# Right. Smoothed targets cost something even for a perfect model. Look at unsmoothed loss or translations.
#
# </details>
# <details><summary>The perplexity is $e^{1.5} = 4.5$</summary>
#
# Only an unsmoothed loss has a perplexity.
#
# </details>
# <details><summary>The learning rate is too low</summary>
#
# Perhaps; the loss alone does not say.
#
# </details>

# %% [markdown]
# **3.** How does the encoder learn, if no target is ever given for it?
#
# <details><summary>It is trained first, by itself</summary>
#
# With which targets? That is the article's slip.
#
# </details>
# <details><summary>It does not: only the decoder changes</summary>
#
# Section 4 measured its gradient.
#
# </details>
# <details><summary>By the gradient that comes back through cross-attention</summary>
#
# Right. One loss, one backward pass.
#
# </details>

# %% [markdown]
# **4.** All gradients of your model are suddenly 1000 times as large, for ever. What does AdamW do, without clipping, in the long run?
#
# <details><summary>Steps 1000 times as long</summary>
#
# That is plain gradient descent.
#
# </details>
# <details><summary>Steps as before</summary>
#
# Right. $\hat m$ and $\sqrt{\hat v}$ both grow by 1000.
#
# </details>
# <details><summary>Steps 1000 times as short</summary>
#
# Only $m$ divided by $v$ without the root would do that.
#
# </details>

# %% [markdown]
# **5.** A friend's loss reaches 0.01 in a minute on 20,000 pairs. What do you ask for first?
#
# <details><summary>One decoded sentence</summary>
#
# Right. A leaking mask or a missing shift has the loveliest curve.
#
# </details>
# <details><summary>The learning rate</summary>
#
# Perhaps, but section 7's healthy minute ended below 0.2. Look at what it writes.
#
# </details>
# <details><summary>A larger model</summary>
#
# First see whether this one can write.
#
# </details>

# %% [markdown]
# ## Where you are

# %%
from lessons_lib.figures import model_map

model_map.show("06")

# %% [markdown]
# No box is new: the whole has got its numbers.
#
# ## Summary
#
# 1. The loss is the mean cost of the right words, in nats; a fresh model pays about $\ln V$; perplexity is $e$ to it. Smoothing adds a floor.
# 2. Teacher forcing predicts all places at once; targets are the input shifted by one; PAD does not count; divide by the predictions of the whole batch.
# 3. One loss and one backward pass train decoder and encoder together.
# 4. AdamW's steps do not grow with the scale of the gradients, and the first are full-sized: warm up, clip by the common length, weight decay beside the step.
# 5. Overfit one batch first; stop when held-out scores no longer improve; decode a line before you believe a curve.
#
# Next, [07](07_decode_and_evaluate.ipynb) searches for better sentences than greedy ones, and scores them.
#
# ## References
#
# - Vaswani and others (2017): [*Attention Is All You Need*](https://arxiv.org/abs/1706.03762), sections 5.3 (optimiser, schedule) and 5.4 (label smoothing).
# - Kingma, Ba (2015): [*Adam: A Method for Stochastic Optimization*](https://arxiv.org/abs/1412.6980), algorithm 1.
# - Loshchilov, Hutter (2019): [*Decoupled Weight Decay Regularization*](https://arxiv.org/abs/1711.05101), algorithm 2.
# - Szegedy and others (2016): [*Rethinking the Inception Architecture for Computer Vision*](https://arxiv.org/abs/1512.00567), section 7 (label smoothing).
# - Pascanu, Mikolov, Bengio (2013): [*On the difficulty of training recurrent neural networks*](https://arxiv.org/abs/1211.5063), section 3.2 (clipping).
# - Xiong and others (2020): [*On Layer Normalization in the Transformer Architecture*](https://arxiv.org/abs/2002.04745), section 3 (post-norm and warm-up).
# - The article, sections 2.3 and 3.2.
