# %% [markdown]
# # The Transformer block
#
# **You will be able to**
# - work out layer norm and a sublayer, pre-norm and post-norm, with a pencil;
# - say what each part of the block is for, and what goes wrong without it;
# - build the block, equal to PyTorch's own in both arrangements (dropout aside);
# - choose a scale for the first weights, and measure what another does to a deep stack.
#
# **Prerequisites:** [01](01_attention_by_hand.ipynb), [02](02_multi_head_attention.ipynb) and [03](03_text_to_tensors.ipynb). **Time:** 70 minutes to read, 45 for the exercises; the cells run in 15 seconds.
#
# ## What keeps a deep stack alive?
#
# *The dog bites the man*: attention lets five words look at each other, and a model does so many times. Why not stack attention on attention, and nothing else? Take random vectors for the words and random matrices, as before any training.
#
# How alike are *dog* and *man* after each layer? The **cosine similarity** tells: 1 if two vectors point the same way, 0 at right angles.
#
# **Write down your guess:** after how many layers are the two hard to tell apart?

# %% tags=["nbval-check-output"]
import torch
import torch.nn.functional as F
from lessons_lib.attention import MultiHeadAttention
from lessons_lib.layers import initialise

torch.manual_seed(0)
x = torch.randn(1, 5, 64)  # (B, S, d_model) the dog bites the man
for layer in range(5):
    alike = F.cosine_similarity(x[0, 1], x[0, 4], dim=0).item()
    print(f"after {layer} layers: dog and man {alike:5.2f}")
    x = MultiHeadAttention(64, 4).apply(initialise)(x)[0].detach()

# %% [markdown]
# After two. Each output is a mean of the same few values; the vectors get shorter at first, so weights get more even; and means of means draw together (Dong and others 2021). The sentence is one word, said five times.
#
# Models that stack dozens of layers use **blocks**: attention, with four parts that look at no other word. You build them here: feed-forward network (section 1), layer norm (2), a way around it all, which is a sum (3, 4), dropout (5). Section 7 stacks 32 blocks and asks again.
#
# ## 1. Feed-forward: each word for itself
#
# Attention *mixes*, and some questions no mixture answers. Notebook 01 had a werewolf, animal and human, (1, 1, 0, 0). *Is this word both?* The answer should be 1 for the werewolf, 0 for *dog*, *man* and *the*.
#
# A **linear layer** is $xW + b$: a product with a matrix, plus a bias. It cannot tell. Of animal and human, (1, 1) + (0, 0) = (1, 0) + (0, 1), so in the answers of any linear layer
#
# $$\text{werewolf} + \text{the} = \text{dog} + \text{man}$$
#
# and 1 + 0 is not 0 + 0. One bend is enough. **ReLU** (rectified linear unit) sets what is negative to 0:
#
# | | animal + human − 1 | ReLU |
# |---|---|---|
# | werewolf | 1 + 1 − 1 = 1 | **1** |
# | dog | 1 + 0 − 1 = 0 | 0 |
# | man | 0 + 1 − 1 = 0 | 0 |
# | the | 0 + 0 − 1 = −1 | 0 |
#
# The **feed-forward network** asks $d_\text{ff}$ such questions at once, and writes what follows from the answers:
#
# $$\text{FF}(x) = \text{ReLU}(x W_1 + b_1)\, W_2 + b_2$$
#
# $W_1$ has shape $(d_\text{model}, d_\text{ff})$ and **expands**, $W_2$ has $(d_\text{ff}, d_\text{model})$ and **contracts**. Here $d_\text{ff} = 1$: the question *both?*, and the rule that whoever is both acts (*action* becomes 10):

# %% tags=["nbval-check-output"]
torch.set_printoptions(precision=2, sci_mode=False)

#                  animal human action place
words = torch.tensor([[1.0, 1.0, 0.0, 0.0],   # werewolf
                      [1.0, 0.0, 0.0, 0.0],   # dog
                      [0.0, 1.0, 0.0, 0.0],   # man
                      [0.0, 0.0, 0.0, 0.0]])  # the     (S, d_model)
W_1 = torch.tensor([[1.0], [1.0], [0.0], [0.0]])  # (d_model, d_ff)
W_2 = torch.tensor([[0.0, 0.0, 10.0, 0.0]])       # (d_ff, d_model)
b_1, b_2 = torch.tensor([-1.0]), torch.zeros(4)

# %% tags=["nbval-check-output"]
def feed_forward(x, W_1, b_1, W_2, b_2):
    hidden = F.relu(x @ W_1 + b_1)  # (S, d_ff) expand and bend
    return hidden @ W_2 + b_2       # (S, d_model) contract

print(feed_forward(words, W_1, b_1, W_2, b_2))

# %% [markdown]
# Only the werewolf acts. A trained network has thousands of such questions, which nobody has named.
#
# **Try it.** Set `b_1` to 0 and run both cells. What is the question now? (Put −1.0 back, run them again.)
#
# <details><summary>Answer</summary>
#
# How many of the two: 20 for the werewolf, 10 for *dog* and *man*, 0 for *the*.
#
# </details>

# %% [markdown]
# **Before you run the next cell.** Leave the ReLU out, but take $d_\text{ff} = 8$. What can these 76 numbers do that one 4 × 4 matrix and a bias cannot?

# %% tags=["nbval-check-output"]
torch.manual_seed(1)
V_1, c_1 = torch.randn(4, 8), torch.randn(8)
V_2, c_2 = torch.randn(8, 4), torch.randn(4)

# %% tags=["nbval-check-output"]
two_layers = (words @ V_1 + c_1) @ V_2 + c_2
one_layer = words @ (V_1 @ V_2) + (c_1 @ V_2 + c_2)
torch.testing.assert_close(two_layers, one_layer)
print("one matrix does it, of shape", tuple((V_1 @ V_2).shape))

# %% [markdown]
# Nothing: two linear layers are one. The bend is the point.
#
# Change *dog*: which words' outputs move, with attention, with the network?

# %% tags=["nbval-check-output"]
from torch import nn

sentence = ["the", "dog", "bites", "the", "man"]
X = torch.randn(1, 5, 4)
changed = X.clone()
changed[0, 1] += 1.0  # another dog

# %% tags=["nbval-check-output"]
attention = MultiHeadAttention(4, 2)
network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))
outputs = {"attention": (attention(X)[0], attention(changed)[0]),
           "network": (network(X), network(changed))}
for name, (before, after) in outputs.items():
    moved = (after - before).abs().amax(dim=-1)[0] > 1e-6  # (S,)
    print(f"{name}:", [w for w, m in zip(sentence, moved) if m])

# %% [markdown]
# Attention carries news between words; the network thinks over **each word alone**. (`nn.Linear` is PyTorch's linear layer; it keeps $W$ transposed.)
#
# Where do most of a layer's parameters sit? At the Transformer paper's size, $d_\text{model} = 512$ and $d_\text{ff} = 4 \cdot 512$:

# %% tags=["nbval-check-output"]
def count(module):
    return sum(p.numel() for p in module.parameters())

d = 512
large = nn.Sequential(nn.Linear(d, 4 * d), nn.ReLU(), nn.Linear(4 * d, d))
mixing, thinking = count(MultiHeadAttention(d, 8)), count(large)
print(f"attention {mixing:,}, feed-forward {thinking:,}")
print(f"feed-forward's share: {thinking / (mixing + thinking):.0%}")

# %% [markdown]
# Two thirds: attention has four matrices of $d_\text{model}^2$ numbers, the network two of $4\,d_\text{model}^2$.
#
# ### Exercise 1 (warm-up, 3 minutes)
# A feed-forward network with $d_\text{model} = 4$ and $d_\text{ff} = 16$ reads five words. How many parameters has it, biases included?

# %% tags=["exercise"]
from lessons_lib.exercises import check

### BEGIN SOLUTION
answer = 148
### END SOLUTION
check("blocks.count_parameters", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# A linear layer from $n$ numbers to $m$ has $n \cdot m$ weights and $m$ biases.
#
# </details>
# <details><summary>Second hint</summary>
#
# From 4 to 16, then from 16 to 4. Do the words have networks of their own?
#
# </details>
#
# ## 2. Layer norm: the same loudness for every word
#
# What attention or the network reads should not depend on how *loud* a word is. **Layer norm** sees to that. Take (0, 0, 4, 4):
#
# | | | |
# |---|---|---|
# | **1. mean** | (0 + 0 + 4 + 4) / 4 | = 2 |
# | **2. subtract it** | | (−2, −2, 2, 2) |
# | **3. variance**: the mean of the squares | (4 + 4 + 4 + 4) / 4 | = 4 |
# | **4. standard deviation**: its root | $\sqrt 4$ | = 2 |
# | **5. divide by it** | | **(−1, −1, 1, 1)** |
#
# Ten times as loud, (0, 0, 40, 40) has the mean 20 and the standard deviation 20: (−1, −1, 1, 1) again. For a word $x$ of $d_\text{model}$ numbers with mean $\mu$ and variance $\sigma^2$ (Ba and others 2016):
#
# $$\text{LN}(x) = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} \cdot \gamma + \beta$$
#
# $\varepsilon = 0.00001$ prevents 0 / 0 where nothing differs, as in (3, 3, 3, 3). **Gain** $\gamma$ and bias $\beta$ are learned, $d_\text{model}$ numbers each; they start at 1 and 0.

# %% tags=["nbval-check-output"]
rows = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 40.0, 40.0]])
mean = rows.mean(dim=-1, keepdim=True)                          # (2, 1)
variance = (rows - mean).square().mean(dim=-1, keepdim=True)    # (2, 1)
normed = (rows - mean) / (variance + 1e-5).sqrt()               # (2, 4)
torch.testing.assert_close(F.layer_norm(rows, (4,)), normed)
torch.testing.assert_close(nn.LayerNorm(4)(rows), normed)
print("by hand, F.layer_norm and nn.LayerNorm:\n", normed)

# %% [markdown]
# Four near misses. **Before you run the cell:** in which two do the quiet and the loud row *not* come out alike?

# %% tags=["nbval-check-output"]
centred = rows - mean
column = (rows.var(0, correction=0) + 1e-5).sqrt()  # (d_model,)
misses = {
    "n - 1 instead of n:": centred / rows.std(dim=-1, keepdim=True),
    "variance, no root:": centred / variance,
    "mean kept (RMSNorm):": rows / rows.square().mean(-1, True).sqrt(),
    "down the column:": (rows - rows.mean(0)) / column,
}
for name, result in misses.items():
    quiet, loud = (" ".join(f"{v:5.2f}" for v in row) for row in result)
    print(f"{name:21} {quiet}   {loud}")

# %% [markdown]
# Divided by the variance, loud becomes *quiet*: ∓0.05. Down the column a word depends on its neighbours. `std` divides by $n - 1$ unless you say `correction=0`: ∓0.87. **RMSNorm** (Zhang, Sennrich 2019) is another norm, in many recent models.
#
# ### Exercise 2 (pencil, 4 minutes)
# Norm (6, 6, 0, 8). Four numbers, two decimals.

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = [0.33, 0.33, -1.67, 1.0]
### END SOLUTION
check("norms.by_hand", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# The mean is 5. How far is each number from it?
#
# </details>
# <details><summary>Second hint</summary>
#
# (1, 1, −5, 3). The squares sum to 36; divide by 4, take the root.
#
# </details>
#
# ### Exercise 3 (core, 8 minutes)
# Write `layer_norm(x)` for $x$ of shape $(\ldots, d_\text{model})$, with $\varepsilon = 0.00001$, without $\gamma$ and $\beta$, from mean and variance. (`F.layer_norm` would pass, and teach you nothing.)

# %% tags=["exercise"]
def layer_norm(x):
    ### BEGIN SOLUTION
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = x.var(dim=-1, keepdim=True, correction=0)
    return centred / (variance + 1e-5).sqrt()
    ### END SOLUTION

check("norms.layer_norm", layer_norm)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Mean and variance along the last axis, with `keepdim=True`.
#
# </details>
# <details><summary>Second hint</summary>
#
# `x.var(dim=-1, keepdim=True, correction=0)` divides by $n$. Add 1e-5 to it, *then* take the root.
#
# </details>
#
# ## 3. The way around
#
# A **sublayer** $f$ (attention, or the network) does not replace $x$. It answers with a *change*, which is added:
#
# $$x + f(x)$$
#
# The way around $f$ is a **residual connection** (He and others 2016); what runs along it through the stack is the **stream**. If $f$ answers 0, the word passes unharmed.
#
# Where does the norm stand?
#
# - **post-norm** $\text{LN}(x + f(x))$: in the paper of 2017;
# - **pre-norm** $x + f(\text{LN}(x))$: in most models today.
#
# By hand, with $x = (0, 0, 4, 4)$ and a small $f$: swap the middle two numbers, then ReLU.
#
# | | pre-norm | post-norm |
# |---|---|---|
# | 1 | LN(x) = (−1, −1, 1, 1) | f: swap (0, 4, 0, 4), ReLU changes nothing |
# | 2 | f: swap (−1, 1, −1, 1), ReLU (0, 1, 0, 1) | x + f(x) = (0, 4, 4, 8) |
# | 3 | x + that = **(0, 1, 4, 5)** | mean 4, deviation $\sqrt 8 = 2.83$: **(−1.41, 0, 0, 1.41)** |

# %% tags=["nbval-check-output"]
def LN(x):
    return F.layer_norm(x, x.shape[-1:])

def f(x):
    return F.relu(x[..., [0, 2, 1, 3]])  # swap the middle two, ReLU

x = torch.tensor([0.0, 0.0, 4.0, 4.0])
print("pre-norm: ", x + f(LN(x)))
print("post-norm:", LN(x + f(x)))

# %% [markdown]
# **Before you run the next cell.** Now $10x$, the loud word. What does each arrangement give?

# %% tags=["nbval-check-output"]
loud = 10 * x
print("pre-norm: ", loud + f(LN(loud)))
print("post-norm:", LN(loud + f(loud)))

# %% [markdown]
# Pre-norm: the sublayer adds the same 1 as before, a whisper beside 40. Post-norm: what it gave for $x$. The size is forgotten.
#
# As a picture, and with sliders:
#
# 1. Raise **third** and **fourth** to 6 together. Which result hardly moves?
# 2. Set all four to the same number. What is left of the word at the end, on either side?

# %%
from lessons_lib.figures import blocks as pictures

pictures.show_placements()

# %%
from lessons_lib.widgets import blocks as live

live.placements()

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# 1. Post-norm's is back where it was: (0, 0, 6, 6) is (0, 0, 4, 4), only louder.
# 2. Pre-norm hands the word on as it is: its norm is 0, so $f$ adds 0. Post-norm hands on zeros: the word is lost.
#
# </details>

# %% [markdown]
# The two, and the same pieces put together in other ways:

# %% tags=["nbval-check-output"]
arrangements = {
    "x + f(LN(x))     pre-norm": x + f(LN(x)),
    "LN(x + f(x))     post-norm": LN(x + f(x)),
    "LN(x) + f(LN(x)) normed x carried around": LN(x) + f(LN(x)),
    "x + LN(f(x))     norm on the answer": x + LN(f(x)),
    "f(LN(x))         no way around": f(LN(x)),
    "LN(f(x))         no way around": LN(f(x)),
}
for name, result in arrangements.items():
    print(f"{name:41} {result}")

# %% [markdown]
# All six differ. The last two are somebody's bugs; the third and fourth are in use (BLOOM's option; Swin V2, Liu and others 2022). A test on shapes would pass them all.
#
# ### Exercise 4 (pencil, 8 minutes)
# The same $f$, another word: $x = (-1, 3, -1, 3)$. Pre-norm and post-norm, four numbers each. Mind the ReLU.

# %% tags=["exercise"] stub="pre = ...\npost = ..."
### BEGIN SOLUTION
pre = [-1.0, 3.0, 0.0, 4.0]
post = [-1.4, 0.2, -0.2, 1.4]
### END SOLUTION
check("blocks.pre_by_hand", pre)
check("blocks.post_by_hand", post)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Pre: the norm of $x$ is (−1, 1, −1, 1). Post: $f(x)$ first, without any norm.
#
# </details>
# <details><summary>Second hint</summary>
#
# Pre: $f$ swaps to (−1, −1, 1, 1), ReLU leaves (0, 0, 1, 1). Post: $f(x) = (0, 0, 3, 3)$; the sum, (−1, 3, 2, 6), has mean 2.5.
#
# </details>
#
# ## 4. Deep: what grows, and what the norms take
#
# **Before you run it.** Let $f$ hand back what it reads, and stack three sublayers. How does the standard deviation of (0, 0, 4, 4) go on from 2, with pre-norm?

# %% tags=["nbval-check-output"]
pre = post = x
print("pre-norm  2.0", end="")
for _ in range(3):
    pre, post = pre + LN(pre), LN(post + post)
    print(f"  {pre.std(correction=0):.1f}", end="")
print("  ends at", pre, "\npost-norm ends at", post)

# %% [markdown]
# 3, 4, 5. Each sublayer adds 1, to a stream of 2, 3, then 4: a half, a third, a quarter. With pre-norm the stream **grows**, and later sublayers count for less. The stack ends with one more norm, the **final norm**: what reads it need not know how many blocks there were. With post-norm nothing grows.
#
# And the way back, from the end of the stack to its start? An addition hands the gradient on whole. A norm divides it, as it divides the numbers: (0, 0, 4, 4) has deviation 2, so what moves one of its numbers by 0.2 moves the normed one by at most 0.1. Say $f$'s answer is as large as the stream and independent of it: the variances 1 and 1 add up to 2, and the norm divides by $\sqrt 2$, at each sublayer:
#
# $$\left(\tfrac{1}{\sqrt 2}\right)^{12} = \tfrac{1}{64} \quad\text{after 12 sublayers (6 blocks)}$$
#
# To measure it, let $f$ answer with fresh random numbers: the gradient has only the way around. Its length is the root of the sum of its squares.

# %% tags=["nbval-check-output"]
def left_of_gradient(sublayers, pre):
    n = 2**18  # many numbers, so that chance plays a small part
    first = torch.randn(n, requires_grad=True)
    stream, ask = first, torch.randn(n)  # ask: what a loss would want
    for _ in range(sublayers):
        total = stream + torch.randn(n)  # a change of size 1
        stream = total if pre else LN(total)
    out = LN(stream) if pre else stream  # the final norm
    (gradient,) = torch.autograd.grad(out @ ask, first)
    return (gradient.norm() / ask.norm()).item()

# %% [markdown]
# **Before you run it:** what is left with pre-norm, final norm included?

# %% tags=["nbval-check-output"]
torch.manual_seed(0)
for name, pre in (("pre-norm", True), ("post-norm", False)):
    print(f"{name}: one part in {1 / left_of_gradient(12, pre):.1f}")

# %% [markdown]
# Pre-norm divides once, at the end, by the stream's size $\sqrt{13}$. With post-norm the straight road is nearly gone. Other roads lead through $f$; section 7 adds up all of them.
#
# ## 5. Dropout: noise while it trains
#
# **Dropout** (Srivastava and others 2014) sets each number to 0 with probability $p$; PyTorch multiplies the others by $1 / (1 - p)$. So no number can rely on another, which works against learning by heart. It stands on each sublayer's answer before that is added, on the embeddings with their positions, and often inside the network.
#
# By hand, $p = 0.25$: of eight ones about two become 0, the others $1 / 0.75 = 1.33$. On average the mean stays 1.

# %% tags=["nbval-check-output"]
generator = torch.Generator().manual_seed(0)

def dropout(x, p):
    keep = torch.rand(x.shape, generator=generator) >= p
    return x * keep / (1 - p)

print(dropout(torch.ones(8), 0.25))

# %% [markdown]
# Ours, PyTorch's and the library's draw different numbers. What can be compared:

# %% tags=["nbval-check-output"]
from lessons_lib.layers import Dropout

ones = torch.ones(1_000_000)
ways = {"ours": dropout(ones, 0.25), "PyTorch": nn.Dropout(0.25)(ones),
        "lessons_lib": Dropout(0.25)(ones)}
for name, result in ways.items():
    dropped = (result == 0).float().mean()
    print(f"{name:12} dropped {dropped:.2f}  largest {result.max():.2f}",
          f" mean {result.mean():.2f}")

# %% [markdown]
# PyTorch's Transformer layer also drops attention **weights** (so does `lessons_lib`, if asked; section 6's block does not). Then, despite 01, rows no longer sum to 1. *bites* gave 0.62, 0.07 and 0.31:

# %% tags=["nbval-check-output"]
weights = torch.tensor([0.62, 0.07, 0.31])
for _ in range(3):
    print(f"this time the row sums to {dropout(weights, 0.25).sum():.2f}")
many = dropout(weights.expand(100_000, 3), 0.25).sum(dim=-1)
print(f"mean of 100,000 draws:    {many.mean():.2f}")

# %% [markdown]
# Only on average. **Before you run it:** while the model trains, are two calls equal? And while it is used?

# %% tags=["nbval-check-output"]
noisy = nn.Dropout(0.25)
for training in (True, False):
    noisy.train(training)  # train(False) is eval()
    same = torch.equal(noisy(ones), noisy(ones))
    print(f"training: {training!s:5}  twice the same: {same}")

# %% [markdown]
# When the model is *used*, `eval()` turns dropout off; `train()` turns it on. Forget `eval()`, and each call may give another translation.
#
# ## 6. The block, assembled
#
# Two detours from the stream, each with a norm in front:

# %%
pictures.show_block()

# %% [markdown]
# ### Exercise 5 (core, 10 minutes)
# Write the pre-norm block. You get $x$ of shape $(S, d_\text{model})$ and four functions that keep this shape. (No dropout.)

# %% tags=["exercise"]
def pre_norm_block(x, attention, feed_forward, norm_1, norm_2):
    ### BEGIN SOLUTION
    x = x + attention(norm_1(x))
    return x + feed_forward(norm_2(x))
    ### END SOLUTION

check("blocks.pre_norm_block", pre_norm_block)

# %% [markdown]
# <details><summary>First hint</summary>
#
# The first detour is `x + attention(norm_1(x))`. What does the second one start from?
#
# </details>
# <details><summary>Second hint</summary>
#
# Give `x` its new value, then do the same with `feed_forward` and `norm_2`.
#
# </details>

# %% [markdown]
# As a PyTorch module (Python runs `__init__` when a block is made, `forward` when it is called), with both arrangements and dropout; the way around is written once:

# %% tags=["nbval-check-output"]
class Block(nn.Module):
    def __init__(self, d_model, n_heads, d_ff, p=0.0, pre=True):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.expand = nn.Linear(d_model, d_ff)
        self.contract = nn.Linear(d_ff, d_model)
        self.norm_1 = nn.LayerNorm(d_model)
        self.norm_2 = nn.LayerNorm(d_model)
        self.dropout, self.pre = nn.Dropout(p), pre

    def around(self, f, norm, x):
        if self.pre:
            return x + self.dropout(f(norm(x)))
        return norm(x + self.dropout(f(x)))

    def think(self, x):
        return self.contract(self.dropout(F.relu(self.expand(x))))

    def forward(self, x, mask=None):  # x (B, S, d_model)
        def look(y):
            return self.attention(y, mask=mask)[0]

        x = self.around(look, self.norm_1, x)
        return self.around(self.think, self.norm_2, x)

# %% [markdown]
# *The dog bites the man* goes through it: four columns, *place* from −2 to 2, two heads, $d_\text{ff} = 8$.

# %% tags=["nbval-check-output"]
#                  animal human action place
thread = torch.tensor([[[0.0, 0.0, 0.0, -2.0],   # the
                        [1.0, 0.0, 0.0, -1.0],   # dog
                        [0.0, 0.0, 1.0, 0.0],    # bites
                        [0.0, 0.0, 0.0, 1.0],    # the
                        [0.0, 1.0, 0.0, 2.0]]])  # man  (B, S, d_model)
block = Block(4, 2, 8)
print(f"{count(block)} parameters, {tuple(thread.shape)} in,", end=" ")
print(f"{tuple(block(thread).shape)} out")

# %% [markdown]
# 80 for attention, 76 for the network, 16 for two norms. The shape stays, so blocks can be stacked. Is it right? We copy the weights of the library's `EncoderLayer`; `state_dict()` lists them by name, in the same order as ours. All are random: with gains 1 and biases 0, exchanged norms would pass.

# %% tags=["nbval-check-output"]
from lessons_lib.config import ModelConfig
from lessons_lib.layers import EncoderLayer

mask = torch.tensor([[[[True, True, True, True, False]]]])  # hide man
for placement in ("pre", "post"):
    config = ModelConfig(vocabulary_size=10, d_model=4, n_heads=2, d_ff=8,
                         dropout=0.0, norm_placement=placement)
    library, block.pre = EncoderLayer(config), placement == "pre"
    for p in library.parameters():
        nn.init.normal_(p, std=0.5)  # gains and biases too
    copies = zip(block.state_dict(), library.state_dict().values())
    block.load_state_dict(dict(copies))
    torch.testing.assert_close(block(thread), library(thread, None))
    torch.testing.assert_close(block(thread, mask), library(thread, mask))
    print(f"{placement}-norm: equal, with a mask and without")

# %% [markdown]
# PyTorch's `nn.TransformerEncoderLayer` keeps $W_q$, $W_k$ and $W_v$ as one matrix, which `chunk(3)` cuts, and its mask means the opposite (02). Otherwise its order is ours:

# %% tags=["nbval-check-output"]
def in_our_order(layer):
    W, b, *rest = layer.state_dict().values()
    qkv = [part for pair in zip(W.chunk(3), b.chunk(3)) for part in pair]
    return qkv + rest

# %% tags=["nbval-check-output"]
for placement in ("pre", "post"):
    block.pre = placement == "pre"
    theirs = nn.TransformerEncoderLayer(
        4, 2, 8, dropout=0.0, batch_first=True, norm_first=block.pre)
    for p in theirs.parameters():
        nn.init.normal_(p, std=0.5)
    copies = zip(block.state_dict(), in_our_order(theirs))
    block.load_state_dict(dict(copies))
    hidden = ~mask[:, 0, 0]  # (B, S) True where looking is forbidden
    torch.testing.assert_close(
        block(thread, mask), theirs(thread, src_key_padding_mask=hidden))
    print(f"{placement}-norm: equal to PyTorch's")

# %% [markdown]
# This is the **encoder's** layer; the decoder's has three detours (notebook 05).
#
# ## 7. Where to start: the scale of the weights
#
# Before training, all matrices hold random numbers. How large? An output is a sum of products, as 01's scores were; how many it adds up is the **fan-in**. With weights and inputs of size 1 the output has the size $\sqrt{\text{fan-in}}$. (*Size*: the root of the mean square.)

# %% tags=["nbval-check-output"]
def size(x):
    return x.square().mean().sqrt().item()

torch.manual_seed(0)
print("fan-in   normal, 1   uniform, 1   normal, 1/√fan-in")
for n in (64, 256, 1024):
    read, normal = torch.randn(1000, n), torch.randn(n, 1000)
    uniform = (torch.rand(n, 1000) * 2 - 1) * 3**0.5  # also of size 1
    sizes = [size(read @ W) for W in (normal, uniform, normal / n**0.5)]
    print(f"{n:6} {sizes[0]:11.0f} {sizes[1]:12.0f} {sizes[2]:19.1f}")

# %% [markdown]
# > **What the article says** (3.2): weights are usually initialised with a normal distribution. That leaves out the scale. Normal or uniform, the sizes are 8, 16, 32; divided by $\sqrt{\text{fan-in}}$, they are 1.
#
# Four ways to start, **all normal**, which differ in their standard deviation alone:
#
# | name | standard deviation | |
# |---|---|---|
# | unit | 1 | the standard normal |
# | 0.02 | 0.02 | GPT; BERT, cut off at two deviations |
# | **Glorot** | $\sqrt{2 / (\text{fan-in} + \text{fan-out})}$ | also called *Xavier*; **fan-out**: how many numbers come out |
# | 0.02 scaled | 0.02, and $0.02 / \sqrt{2 \cdot \text{depth}}$ in the two layers that lead back into the stream | GPT-2, as Hugging Face codes it: a stack adds $2 \cdot \text{depth}$ changes |

# %% tags=["nbval-check-output"]
def std(kind, weight, leads_back, depth):
    glorot = (2 / sum(weight.shape)) ** 0.5  # fan-out + fan-in
    scaled = 0.02 / (2 * depth) ** 0.5 if leads_back else 0.02
    return {"unit": 1, "0.02": 0.02, "Glorot": glorot,
            "0.02 scaled": scaled}[kind]

def draw_weights(blocks, kind):
    for block in blocks:
        for name, p in block.named_parameters():
            # W_o of attention, W_2 of the network
            back = "project_out" in name or "contract" in name
            if p.dim() == 2:
                nn.init.normal_(p, std=std(kind, p, back, len(blocks)))
            elif "norm" not in name:
                nn.init.zeros_(p)  # biases

# %% [markdown]
# One block, 128 wide. How much of its attention does a word give to its favourite of five? An even share is 0.20. **Before you run it:** with unit weights, nearer to 0.2 or to 1?

# %% tags=["nbval-check-output"]
torch.set_num_threads(1)  # five words: a second core only waits

def stack(depth, kind, pre, seed=None):
    torch.manual_seed(depth if seed is None else seed)
    # double: 64 bits, for the same digits on every machine
    blocks = [Block(128, 4, 512, pre=pre).double() for _ in range(depth)]
    draw_weights(blocks, kind)
    return blocks

heard, ask = torch.randn(2, 1, 5, 128, dtype=torch.float64,
                         generator=torch.Generator().manual_seed(1))
kinds = ("unit", "0.02", "Glorot", "0.02 scaled")
for kind in kinds:
    weights = stack(1, kind, pre=True)[0].attention(LN(heard))[1]
    print(f"{kind:12} favourite's weight {weights.amax(dim=-1).mean():.2f}")

# %% [markdown]
# 1.00: queries and keys have the size $\sqrt{128}$. A score adds up 32 products of size 128 and is divided by $\sqrt{32}$: size 128. The softmax is saturated.
#
# Now stacks of 2 to 32 blocks. **Before you run them,** three guesses:
#
# 1. With which start is the pre-norm stream loudest?
# 2. With which are *dog* and *man* still two words after 32 blocks?
# 3. Which keeps them apart better, pre-norm or post-norm?
#
# We measure the stream's size, how alike *dog* and *man* are, and the gradient's length at the parameters of the first and the last block (section 4: at the stream). (One draw of weights each.)

# %% tags=["nbval-check-output"]
def measure(blocks, pre):
    stream = heard
    for block in blocks:
        stream = block(stream)
    out = LN(stream) if pre else stream  # pre-norm's final norm
    (out * ask).mean().backward()        # a stand-in for a loss
    first, last = (torch.cat([p.grad.flatten() for p in b.parameters()])
                   for b in (blocks[0], blocks[-1]))
    alike = F.cosine_similarity(stream[0, 1], stream[0, 4], dim=0)
    numbers = first.norm(), last.norm(), alike
    return size(stream), *(number.item() for number in numbers)

# %% tags=["nbval-check-output"]
depths, results = (2, 4, 8, 16, 32), {"pre": {}, "post": {}}
for placement, runs in results.items():
    pre = placement == "pre"
    for kind in kinds:
        runs[kind] = {n: measure(stack(n, kind, pre), pre) for n in depths}

print("before any block, dog and man: "
      f"{F.cosine_similarity(heard[0, 1], heard[0, 4], dim=0):.2f}")
print(f"{'':17}{'size after':>16}{'dog and man after':>21}")
print(f"{'blocks':17}{2:8}{32:8} {2:6} {8:6} {32:6}")
for placement, runs in results.items():
    for kind, by in runs.items():
        sizes = "".join(f"{by[n][0]:8.1f}" for n in (2, 32))
        alike = [round(by[n][3], 2) + 0 for n in (2, 8, 32)]
        print(f"{placement:5}{kind:12}{sizes}", *(f"{a:6.2f}" for a in alike))

# %%
pictures.depth({placement: {kind: {n: (row[3], row[1])
                                   for n, row in by.items()}
                            for kind, by in runs.items()}
                for placement, runs in results.items()})

# %% [markdown]
# - **Unit**: pre-norm's stream has the size 280.9 after two blocks; what the embedding said is lost.
# - **Glorot**: the stream grows from 1.6 to 6.1, like $\sqrt{\text{depth}}$, and *dog* and *man* draw together: 0.93 with pre-norm; with post-norm, where each norm shrinks what came straight, 0.98 after 8 blocks and 1.00 after 32. One word again.
# - **0.02**, plain or scaled: the words stay apart, with pre-norm 0.00 and −0.04. The price: $0.02 \cdot \sqrt{128}$ is 0.23, so each answer is a whisper.
#
# So what keeps a deep stack alive? The way around, and answers small enough that 64 of them do not drown what they are added to. Pre-norm keeps the words apart for longer, post-norm keeps the size; neither saves the unit weights. And the gradient?

# %% tags=["nbval-check-output"]
print(f"{'gradient after ... blocks':27}", *(f"{n:8}" for n in depths))
for placement in ("pre", "post"):
    for kind, which, name in (("unit", 1, "first"), ("Glorot", 1, "first"),
                              ("Glorot", 2, "last")):
        row = [results[placement][kind][n][which] for n in depths]
        numbers = " ".join(f"{number:8.2f}" for number in row)
        print(f"{placement:5}{kind:9}{name:5} block   {numbers}")

print("five draws of 32 blocks, gradient of the first block")
for kind, pre in (("unit", True), ("Glorot", False)):
    drawn = [measure(stack(32, kind, pre, seed), pre)[1]
             for seed in range(5)]
    print(f"{'pre ' if pre else 'post'} {kind:8}"
          f"{min(drawn):.2f} to {max(drawn):.2f}")

# %% [markdown]
# Unit weights make it a matter of luck: 2,076.72 after 32 blocks, in five other draws 25 to 1,128. With Glorot's, post-norm's *first* block is not starved, 1.49 here, 0.36 to 1.05 in those: what the norms take from the straight road, the roads through $f$ bring back. Pre-norm's *last* block gets less with depth, 0.47 to 0.14, as its answer counts for less; post-norm's stays between 0.63 and 0.71, pushed hard from the first step on. Hence, say Xiong and others (2020), post-norm needs a **warm-up**, small first steps (notebook 06).
#
# **Try it.** In `std` write `0.2` for the unit weights' `1` and run from that cell on. How loud is the stream now? (Put it back, run the cells again.)
#
# <details><summary>Answer</summary>
#
# It grows from 10.8 to 49.0, and *dog* and *man* end at 0.88. 0.2 is still more than $1 / \sqrt{128} = 0.09$.
#
# </details>
#
# ### Exercise 6 (stretch, 12 minutes)
# A rule for any width: `starting_std(fan_in, depth)`. If `depth` is `None`, the layer's output should have the size of its input, 1. Otherwise the layer leads back into the stream, one of two in each of `depth` blocks: their answers, independent of each other, should *together* have size 1.

# %% tags=["exercise"]
def starting_std(fan_in, depth):
    ### BEGIN SOLUTION
    changes = 1 if depth is None else 2 * depth
    return 1 / (fan_in * changes) ** 0.5
    ### END SOLUTION

check("blocks.starting_std", starting_std)

# %% [markdown]
# <details><summary>First hint</summary>
#
# An output's variance is `fan_in` times the weights' variance. Which variance makes that 1?
#
# </details>
# <details><summary>Second hint</summary>
#
# `2 * depth` answers of variance $v$ have $2 \cdot \text{depth} \cdot v$ together. Choose $v$, then the weights' variance; the root comes last.
#
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## 8. Optional: the article's listing

# %% [markdown]
# *You may skip to the quiz.* The article's block (5.2) is in Keras; it names PyTorch, too (7.2):

# %% tags=["nbval-check-output"]
from lessons_lib import listing

print(listing.PRINTED)

# %% [markdown]
# It is post-norm. Section 5.4 calls `TransformerBlock(64, 2, 64)` on an `x` of shape (10, 50). **Before you run the next cell:** where will it stop first?
#
# We run it with Keras 3, which brings `Layer`, on PyTorch instead of TensorFlow. Each step mends what stopped the one before.

# %%
steps, origin = listing.results()
print(origin)

# %% tags=["nbval-check-output"]
for number, step in enumerate(steps, 1):
    print(f"{number:2} {step.given}\n     {step.result}")

# %% [markdown]
# > **What the article says** (5.1–5.4), and what came of it:
# >
# > - **1–4.** Four names are never imported or defined. Keras has no `FFNN`; ours is two `Dense` layers.
# > - **5, 7.** (10, 50) has no batch axis: attention fails.
# > - **6.** Even (1, 10, 64) fails: `LayerNormalization(64)` means *along axis 64*, not *64 wide*.
# > - **8.** With a batch axis, 50 meets 64 at `out1 + ffn_output`.
# > - **9.** It runs. But Keras reads (64, 2) as 64 heads of width 2, not 2 heads of 32; and `dff` = 64 expands nothing.
# > - **10.** No mask argument: padding is hidden only by Keras' `mask_zero`, the future never.
# > - **11.** It is said to encode *and decode*, but has no cross-attention.
#
# Mended, it is section 6's `Block` with `pre=False`. Run what you publish.

# %% [markdown]
# ## Quiz
#
# **1.** A colleague leaves out the ReLU and doubles $d_\text{ff}$. What has she got?
#
# <details><summary>A network twice as strong</summary>
#
# Twice the parameters, and without a bend still only a matrix.
#
# </details>
# <details><summary>Nothing that one matrix and a bias could not do</summary>
#
# Right. Two linear layers are one, at any width.
#
# </details>
# <details><summary>The same network: the norm bends too</summary>
#
# The norm stands before the network, not inside.
#
# </details>

# %% [markdown]
# **2.** Two words are $x$ and $10x$. What does pre-norm attention see of the difference?
#
# <details><summary>Nothing: both are normed to the same vector</summary>
#
# Right. The stream keeps the difference; the sublayer does not see it.
#
# </details>
# <details><summary>The second is ten times as loud</summary>
#
# But attention reads the normed word.
#
# </details>
# <details><summary>The second gets ten times the weight</summary>
#
# Its key is the same, so its weight is too.
#
# </details>

# %% [markdown]
# **3.** Why does a pre-norm stack end with one more norm?
#
# <details><summary>Because the last sublayer has none</summary>
#
# It has, in front of it.
#
# </details>
# <details><summary>To undo dropout's scaling</summary>
#
# Dropout keeps the mean; there is nothing to undo.
#
# </details>
# <details><summary>Because the stream grows with every block</summary>
#
# Right: 2, 3, 4, 5.
#
# </details>

# %% [markdown]
# **4.** You translate the same sentence twice and get two translations. The first thing to look for?
#
# <details><summary>Different weights in the two calls</summary>
#
# Weights change only in training.
#
# </details>
# <details><summary>A forgotten <code>eval()</code></summary>
#
# Right. In training mode dropout draws anew at each call.
#
# </details>
# <details><summary>A mask that lets the future in</summary>
#
# That is wrong in the same way twice.
#
# </details>

# %% [markdown]
# **5.** "We initialise with a normal distribution", says a report. What do you ask?
#
# <details><summary>With which standard deviation, at which width and depth?</summary>
#
# Right. The scale decides; the shape hardly matters.
#
# </details>
# <details><summary>Why not a uniform one?</summary>
#
# At the same size, section 7 saw no difference.
#
# </details>
# <details><summary>With which seed?</summary>
#
# A seed changes the luck, not the scale.
#
# </details>

# %% [markdown]
# ## Where you are
#
# Norm and way around are drawn post-norm, as in the paper; pre-norm adds a final norm on top of each stack:

# %%
from lessons_lib.figures import model_map

model_map.show("04")

# %% [markdown]
# ## Summary
#
# 1. The feed-forward network expands, bends and contracts each word for itself; without the bend it is one matrix.
# 2. Layer norm gives each word mean 0 and standard deviation 1 (divide by $n$), so that a sublayer does not hear how loud it is.
# 3. A sublayer's answer is added. Pre-norm leaves the road free, and the stream grows; post-norm holds its size, and divides the straight gradient at each sublayer.
# 4. Dropout zeroes and rescales while training, keeps the mean, breaks row sums; in use `eval()` turns it off.
# 5. The scale of the first weights, not their distribution, decides how a deep stack starts: about $1 / \sqrt{\text{fan-in}}$, less where an answer is one of many.
#
# Next, [05](05_encoder_decoder.ipynb) puts the blocks together.
#
# ## References
#
# - Vaswani and others (2017): [*Attention Is All You Need*](https://arxiv.org/abs/1706.03762), sections 3.1 (post-norm), 3.3 (feed-forward), 5.4 (dropout).
# - Ba, Kiros, Hinton (2016): [*Layer Normalization*](https://arxiv.org/abs/1607.06450), section 3.
# - He and others (2016): [*Deep Residual Learning for Image Recognition*](https://arxiv.org/abs/1512.03385), section 3.
# - Xiong and others (2020): [*On Layer Normalization in the Transformer Architecture*](https://arxiv.org/abs/2002.04745), figure 1, section 3.
# - Dong, Cordonnier, Loukas (2021): [*Attention is Not All You Need*](https://arxiv.org/abs/2103.03404).
# - Glorot, Bengio (2010): [*Understanding the Difficulty of Training Deep Feedforward Neural Networks*](https://proceedings.mlr.press/v9/glorot10a.html), section 4.2.
# - Radford and others (2019): [*Language Models are Unsupervised Multitask Learners*](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf), section 2.3.
# - Srivastava and others (2014): [*Dropout: A Simple Way to Prevent Neural Networks from Overfitting*](https://jmlr.org/papers/v15/srivastava14a.html).
# - "Zen and the Art of Computer Programming" (pen name, undated): *大语言模型原理与工程实践：大语言模型训练技术选型技巧* (Chinese), sections 3.2, 5.1–5.4. The article.
