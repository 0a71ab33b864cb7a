# %% [markdown]
# # Attention by hand
#
# **You will be able to**
# - work attention out with a pencil for a sentence of three words;
# - say what each part of the formula is for, and show what goes wrong without it;
# - build it in loops and in matrices, equal to PyTorch's own;
# - keep a word from looking at the words to come;
# - find the mistakes in a published example.
#
# **Prerequisites:** tensors, shapes and `@`, as in [00](00_start_here.ipynb). **Time:** 65 minutes to read, 50 for the exercises; the cells run in 15 seconds.
#
# ## A riddle
#
# The article that this course follows and corrects works one example of attention (its section 4.3). Two words $w_1$ and $w_2$, with $Q = [1, 0]$, $K = [0, 1]$, $V = [1, 1]$, and then:
#
# $$\text{softmax}\left(\frac{1 \times 0 + 0 \times 1}{\sqrt{1}}\right)[1, 1] = [0.5, 0.5]\,[1, 1] = [0.5, 0.5]$$
#
# Take the last step only, weights times values, in two ways:

# %% tags=["nbval-check-output"]
import torch

weights = torch.tensor([0.5, 0.5])
values = torch.tensor([1.0, 1.0])
print("number by number:", weights * values)
print("matrix product:  ", weights @ values)

# %% [markdown]
# The article went number by number. The formula it quotes asks for a matrix product, and that gives 1. So is 1 the right answer?
#
# **Write down your guess:** [0.5, 0.5], or 1, or something else? Section 9 settles it.
#
# ## 1. Who bites?
#
# *dog bites man.* Who does it? To find out, *bites* looks at every word and takes something over from each, more from some, less from others. That is **attention**, the heart of the *Transformer*, the model that this course builds. It needs three kinds of vectors:
#
# - a **query** $q$: what *bites* asks for;
# - a **key** $k$ for each word: what the word is found by;
# - a **value** $v$ for each word: what it hands over when it is found.
#
# Our numbers are invented:
#
# | | dog | bites | man |
# |---|---|---|---|
# | key $k$ | (3, 2) | (0, 1) | (2, 0) |
# | value $v$ | (10, 0) | (0, 0) | (0, 10) |
#
# Read the first number of a key as *how well can I bite?* *dog* has 3, *man* 2, the word *bites* 0. The query of *bites* is $q = (1, 0)$: it asks for that first number and ignores the second, which has no such name; *dog* and *man* will ask for it (sections 3 and 5). A value says what comes along: 10 in front for an animal, 10 behind for a human.
#
# Four lines of arithmetic:
#
# | | dog | bites | man | |
# |---|---|---|---|---|
# | **1. score** $q \cdot k$ | 1·3 + 0·2 = 3 | 1·0 + 0·1 = 0 | 1·2 + 0·0 = 2 | place by place, then add |
# | **2. divide** by $\sqrt 2$ | 2.12 | 0 | 1.41 | 2: how many numbers $q$ has (section 6) |
# | **3. weight** | $e^{2.12} = 8.34$ | $e^{0} = 1$ | $e^{1.41} = 4.11$ | together 13.45 |
# | | 0.62 | 0.07 | 0.31 | divided by 13.45 |
# | **4. output** | 0.62 · (10, 0) | + 0.07 · (0, 0) | + 0.31 · (0, 10) | = **(6.2, 3.1)** |
#
# The dog is the likelier biter. A shortcut for your pencil: $e^{1/\sqrt 2} = 2.03$, so here **each point of score doubles the weight**. Scores 3, 0, 2 make 8 : 1 : 4, and $8/13$ is 0.62.
#
# The same with PyTorch. The comments name the shapes: $S$ is the number of words that can be looked at (here 3), $d_\text{head}$ how many numbers a query and a key have (here 2; one such attention is called a **head**; the Transformer paper writes $d_k$), $d_v$ how many a value has (here also 2).

# %% tags=["nbval-check-output"]
torch.set_printoptions(precision=2, sci_mode=False)

q = torch.tensor([1.0, 0.0])     # (d_head,) the query of bites
K = torch.tensor([[3.0, 2.0],    # dog
                  [0.0, 1.0],    # bites
                  [2.0, 0.0]])   # man      (S, d_head) a key a row
V = torch.tensor([[10.0, 0.0], [0.0, 0.0], [0.0, 10.0]])  # (S, d_v)
print("scores:", K @ q)          # (S,) step 1

# %% tags=["nbval-check-output"]
def attend(q, K, V):
    scores = K @ q / 2**0.5                      # (S,) steps 1 and 2
    weights = scores.exp() / scores.exp().sum()  # (S,) step 3
    return weights @ V, weights                  # (d_v,) step 4, (S,)

output, weights = attend(q, K, V)
print("weights:", weights, " output:", output)

# %% [markdown]
# **Before you run the next cell.** What happens to the weights when *bites* asks ten times as loudly, $q = (10, 0)$? And when it asks nothing, $q = (0, 0)$?

# %% tags=["nbval-check-output"]
for loudness in (0, 1, 10):
    output, weights = attend(loudness * q, K, V)
    print(f"q = ({loudness}, 0)  weights: {weights}  output: {output}")

# %% [markdown]
# Asked loudly, *dog* gets all the weight (1.00): attention **looks a word up**. Asked nothing, every word gets a third: attention **averages**. All else lies between.
#
# **Try it.** Make −1 a fourth loudness: *bites* asks for the opposite. Who gets most?
#
# <details><summary>Answer</summary>
#
# *bites* itself, 0.73; *man* 0.18, *dog* 0.09.
#
# </details>
#
# ## 2. Move it yourself

# %%
from lessons_lib.figures import attention as pictures

pictures.steps()

# %% [markdown]
# A score says how far a key reaches in the direction of the query, times the length of the arrow $q$. Now the same picture with sliders (click a slider, then use the arrow keys):
#
# 1. Move **q, second** down from 0 and watch the scores. Where does *man* overtake *dog*? Make a guess first.
# 2. Press **Reset**, choose *man*, and move its two **value** sliders. Which panels change?
# 3. Try to push the output out of the dashed triangle.

# %%
from lessons_lib.widgets import attention as live

live.attention_explorer()

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# 1. At −0.5 both have score 2; below that *man* leads. *dog*'s second number, 2, now counts against it.
# 2. Only the last, step 4. Values play no part in who is found; they are what is handed over.
# 3. It cannot leave: it is a mixture of the values.
#
# </details>
#
# ### Exercise 1 (warm-up, 3 minutes)
# Find a query for *bites* with which *man* gets more than half of the weight.

# %% tags=["exercise"] stub="query = ..."
from lessons_lib.exercises import check

### BEGIN SOLUTION
query = [1.0, -1.0]
### END SOLUTION
check("attention.bend_the_query", query)

# %% [markdown]
# <details><summary>First hint</summary>
#
# With $q = (a, b)$ the score of *man* is $2a$, that of *dog* $3a + 2b$.
#
# </details>
# <details><summary>Second hint</summary>
#
# Keep $a = 1$. Which $b$ puts *man* one point ahead, so that it has twice *dog*'s weight?
#
# </details>
#
# ## 3. Softmax: from scores to shares
#
# Why not divide each score by their sum? For *bites*, 3, 0, 2 would become 0.6, 0, 0.4: not bad. Now take *dog*, whose query is $(-1, 1)$: the first number of a key should be small, the second large. Its scores are:
#
# | | dog | bites | man |
# |---|---|---|---|
# | $q \cdot k$ | −3 + 2 = **−1** | 0 + 1 = **1** | −2 + 0 = **−2** |
#
# **Before you run the next cell.** *bites* fits best, *man* worst. Which gets the largest plain share?

# %% tags=["nbval-check-output"]
scores = K @ torch.tensor([-1.0, 1.0])  # (S,) what dog asks for
print("plain share:", scores / scores.sum())

# %% [markdown]
# *man*, the worst match, gets everything (1.00), and *bites*, the best, gets less than nothing (−0.50). Dividing by the sum, −2, turns the order round. The **softmax** does not. For scores $z$ of shape $(S,)$:
#
# $$\text{softmax}(z)_i = \frac{e^{z_i}}{\sum_{j=1}^{S} e^{z_j}}$$
#
# $e^z$ is positive and grows with $z$: shares are positive, sum to 1 and keep the order.

# %% tags=["nbval-check-output"]
def softmax(z):
    return z.exp() / z.exp().sum()

z = scores / 2**0.5  # (S,)
for shift in (0, 80, 1000):
    print(f"scores plus {shift:4}: {softmax(z + shift)}")

# %% [markdown]
# Adding 80 to every score changes nothing, since $e^{z + 80} = e^{z} e^{80}$ and the factor cancels. Only **differences** of scores count. With 1000 the computer answers `nan`, *not a number*: 32-bit numbers end near $e^{88}$, so $e^{1000}$ becomes $\infty$, and $\infty / \infty$ has no value.
#
# **Try it.** Take −1000 as a fourth shift. What comes out, and why?
#
# <details><summary>Answer</summary>
#
# `nan`: every power becomes 0, and 0 / 0 has no value.
#
# </details>
#
# ### Exercise 2 (core, 12 minutes)
# Write a softmax that survives such scores. You may move all scores of a row by one amount first. The scores come as $(\ldots, S)$: share out each row (`dim=-1`, the last side).

# %% tags=["exercise"]
def stable_softmax(scores):
    ### BEGIN SOLUTION
    shifted = scores - scores.max(dim=-1, keepdim=True).values  # the largest becomes 0
    return shifted.exp() / shifted.exp().sum(dim=-1, keepdim=True)
    ### END SOLUTION

check("attention.stable_softmax", stable_softmax)

# %% [markdown]
# <details><summary>First hint</summary>
#
# $e^{z}$ is harmless when $z \le 0$: it lies between 0 and 1. Which amount, taken off every score, makes the largest exactly 0?
#
# </details>
# <details><summary>Second hint</summary>
#
# `scores.max(dim=-1, keepdim=True).values` is each row's largest score, with a last side of length 1, so that it can be subtracted from the row. The sum needs `dim=-1, keepdim=True` too.
#
# </details>

# %% [markdown]
# `torch.softmax(z, dim=-1)` does the same; we use it now.
#
# ## 4. Why three matrices?
#
# In a model each word arrives as a single vector $x$ of $d_\text{model}$ numbers. Ours has $d_\text{model} = 4$ columns: *animal*, *human*, *action*, and *place*, which stays 0 in this notebook. $T$ is the number of words that ask; here the sentence asks itself, so $T = S = 3$.

# %% tags=["nbval-check-output"]
#                 animal human action place
X = torch.tensor([[1.0, 0.0, 0.0, 0.0],   # dog
                  [0.0, 0.0, 1.0, 0.0],   # bites
                  [0.0, 1.0, 0.0, 0.0]])  # man        (T, d_model)
print("who fits whom, without matrices:\n", X @ X.T)  # .T: rows to columns

# %% [markdown]
# Each word finds only itself. But *bites* is looking for something **unlike** itself. So three matrices make three vectors of each word:
#
# $$Q = X W_q, \qquad K = X W_k, \qquad V = X W_v$$
#
# $W_q$ and $W_k$ have shape $(d_\text{model}, d_\text{head})$, $W_v$ has $(d_\text{model}, d_v)$. By hand: *dog* is $(1, 0, 0, 0)$, so it picks the first row of each matrix. Its key is the first row of $W_k$.

# %% tags=["nbval-check-output"]
# row 4 of W_k, (-1, 0), is for notebook 02: place is 0 here
W_q = torch.tensor([[-1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
W_k = torch.tensor([[3.0, 2.0], [2.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
W_v = torch.tensor([[10.0, 0.0], [0.0, 10.0], [0.0, 0.0], [0.0, 0.0]])

Q, K, V = X @ W_q, X @ W_k, X @ W_v  # (T, d_head), (S, d_head), (S, d_v)
print("Q:\n", Q, "\nK:\n", K)

# %% [markdown]
# $Q$'s row for *bites* is $(1, 0)$, and $K$ is section 1's table. The three matrices, each head's own, are what a model **learns**; it would find others than ours, rarely readable ones.
#
# > **What the article says** (4.2): $Q$, $K$ and $V$ are vectors that the *encoder* (the part that reads) puts out. It puts out one vector a word, so all three would be the same. $XX^\top$ has shown what that finds (with our words only itself; with any words a symmetric table). They are three learned projections (products with a matrix) of the *input* of the layer, one of several that a model stacks. (Where a *decoder*, which writes, looks at an encoder, only $K$ and $V$ come from the encoder's output: notebook 02.)
#
# **Why not one matrix for $Q$ and $K$?** Compare the scores, asker by row, asked by column:

# %% tags=["nbval-check-output"]
print("one matrix, K @ K.T:\n", K @ K.T)
print("two matrices, Q @ K.T:\n", Q @ K.T)

# %% [markdown]
# With one matrix *dog* fits *bites* as well as *bites* fits *dog* (2 and 2): the table is symmetric, whatever the matrix. With two, *bites* wants *dog* with 3, *dog* wants *bites* with 1. To look for somebody is not to be looked for.
#
# **Why a separate $V$?** Let the words hand over their keys instead:

# %% tags=["nbval-check-output"]
weights = torch.softmax(K @ Q[1] / 2**0.5, dim=-1)  # (S,) Q[1]: bites
print("keys handed over:  ", weights @ K)
print("values handed over:", weights @ V)

# %% [markdown]
# (6.2, 3.1) says 62 % animal, 31 % human. (2.47, 1.31) says how well the found words bite, and nothing of animal or human. What a word is found by need not be what it has to tell.
#
# **Try it.** Give *man* teeth: set the second row of `W_k` to `[4.0, 0.0]`, run that cell and the last one. What does *bites* take over? (Put it back, run both again.)
#
# <details><summary>Answer</summary>
#
# (3.2, 6.4): *man* leads, 4 to 3.
#
# </details>
#
# ### Exercise 3 (pencil, 6 minutes)
# *werewolf bites man.* A werewolf is animal and human, $x = (1, 1, 0, 0)$, so its key is the *sum* of two rows of $W_k$, and its value likewise. What is the output of *bites*? Two numbers, one decimal each. (Doubling is near enough.)

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = [8.7, 9.7]  # doubling gives 8.6 and 9.7
### END SOLUTION
check("attention.werewolf", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# The werewolf's key is (3, 2) + (2, 0) = (5, 2), its value (10, 0) + (0, 10). The query of *bites* is still (1, 0).
#
# </details>
# <details><summary>Second hint</summary>
#
# Scores 5, 0, 2. Doubling makes them 32 : 1 : 4 of 37. Multiply the three shares by (10, 10), (0, 0) and (0, 10).
#
# </details>
#
# ## 5. Loops, matrices, PyTorch
#
# Now every word asks, first in loops:

# %% tags=["nbval-check-output"]
def attention_loops(Q, K, V):
    rows = []
    for q in Q:  # each word asks once
        scores = torch.stack([q @ k for k in K]) / len(q)**0.5  # (S,)
        weights = torch.softmax(scores, dim=-1)                 # (S,)
        rows.append(sum(w * v for w, v in zip(weights, V)))     # (d_v,)
    return torch.stack(rows)  # (T, d_v)

print(attention_loops(Q, K, V))

# %% [markdown]
# *bites* has the pencil's (6.2, 3.1). *dog* takes over little of anything: it found *bites* (0.73), whose value is empty.
#
# All scores at once are one product, $Q K^\top$: row $i$, column $j$ holds the score of word $i$ for word $j$. All outputs are another:
#
# $$\text{Attention}(Q, K, V) = \text{softmax}\left(\frac{Q K^\top}{\sqrt{d_\text{head}}}\right) V$$
#
# **Before you run it:** let 2 words ask 5 others, $T = 2$ and $S = 5$, with $d_\text{head} = 4$ and $d_v = 3$. Which shapes do the weights and the output have?

# %% tags=["nbval-check-output"]
def attention(Q, K, V):
    scores = Q @ K.T / Q.shape[-1]**0.5      # (T, S)
    weights = torch.softmax(scores, dim=-1)  # (T, S) along the keys
    return weights @ V, weights              # (T, d_v), (T, S)

two, five, told = torch.ones(2, 4), torch.ones(5, 4), torch.ones(5, 3)
output, weights = attention(two, five, told)
print("weights:", tuple(weights.shape), " output:", tuple(output.shape))

# %% [markdown]
# A row of weights for each word that asks, a column for each that is asked. For our sentence (`assert_close` says nothing if they are equal up to rounding):

# %% tags=["nbval-check-output"]
output, weights = attention(Q, K, V)
torch.testing.assert_close(output, attention_loops(Q, K, V))
print("weights:\n", weights)
print("row sums:   ", weights.sum(dim=1))
print("column sums:", weights.sum(dim=0))

# %% [markdown]
# Each **row** of weights sums to 1: a word has one unit of attention to spend. The columns sum to 1.37, 1.09 and 0.53: nothing limits how much attention a word *receives*, and *dog* is popular.
#
# > **What the article says** (4.2), twice. First, that softmax gives *each key vector's* probability distribution. It runs over the keys, once for each *query*. Second, that the similarities are summed with weights to give the word's new representation. Compute that:

# %% tags=["nbval-check-output"]
scores = Q @ K.T  # (T, S)
print("weighted sum of similarities, bites:", weights[1] @ scores[1])
print("weighted sum of values, bites:      ", weights[1] @ V)

# %% [markdown]
# 2.47 is a single number with no animal and no human left in it. (Section 4's 2.47: with $q = (1, 0)$ a score is the key's first number.) What is summed are the **values**.
#
# PyTorch has attention built in; so has our library:

# %% tags=["nbval-check-output"]
import torch.nn.functional as F
from lessons_lib.attention import scaled_dot_product_attention

theirs = F.scaled_dot_product_attention(Q, K, V)
ours, our_weights = scaled_dot_product_attention(Q, K, V)
torch.testing.assert_close(theirs, output)
torch.testing.assert_close(ours, output)
torch.testing.assert_close(our_weights, weights)
print("loops, matrices, PyTorch and lessons_lib: the same")

# %% [markdown]
# The library's source: your three lines, checks, a mask (section 8), and `dropout`, which 04 explains.

# %%
from lessons_lib.figures.source import show_source

show_source(scaled_dot_product_attention, docstring=False)

# %% [markdown]
# **Try it.** Let *man* ask what *bites* asks: in section 4 set the second row of `W_q` to `[1.0, 0.0]`, run that cell and this section. Which output rows change? (Put it back, run them again.)
#
# <details><summary>Answer</summary>
#
# Only *man*'s: it becomes *bites*'.
#
# </details>
#
# ## 6. Why divide by $\sqrt{d_\text{head}}$?
#
# By hand: let a coin decide whether a number in a query or a key is +1 or −1. For $d_\text{head} = 1$ the score is +1 or −1. For 4 it is the sum of four such products: mostly −2, 0 or 2, at times ±4. The **variance** is the average squared distance from the mean; its root is the typical size. Each product here has mean 0 and variance 1. Variances of independent numbers add up, so the score's is $d_\text{head}$, and scores spread like $\sqrt{d_\text{head}}$ (the paper's footnote 4). Measured on 4,000 queries with three keys each (`randn` draws numbers of mean 0, variance 1; `manual_seed` sets the **seed** from which chance starts):

# %% tags=["nbval-check-output"]
generator = torch.Generator().manual_seed(0)
sizes = (1, 4, 16, 64, 256, 1024)
drawn = {}
for d in sizes:
    queries = torch.randn(4000, 1, d, generator=generator)
    keys = torch.randn(4000, 3, d, generator=generator)
    drawn[d] = queries, keys
    scores = (queries * keys).sum(dim=-1)  # (4000, 3)
    divided = scores / d**0.5
    print(f"d_head {d:4}: variance {scores.var():4.0f},", end=" ")
    print(f"divided {divided.var():.1f}")

# %% [markdown]
# **Try it.** Draw queries three times as large, `3 * torch.randn(...)`. What will the last column show? (Put it back, run the cell again.)
#
# <details><summary>Answer</summary>
#
# About 9, the square of 3.
#
# </details>
#
# **Before you run the next cell.** How much weight does the luckiest of the three random keys get at $d_\text{head} = 64$ if you do not divide: about 0.5, 0.7 or 0.9?
#
# The table also shows the **gradient**: how strongly that weight answers when its query changes a little. The loss's gradient at the query (00) has it as a factor. You get its size at a typical query (median) and on average (mean). (You may skip the function.)

# %% tags=["nbval-check-output"]
def luckiest(d, divisor):
    queries, keys = drawn[d]
    queries = queries.clone().requires_grad_()
    scores = (queries * keys).sum(dim=-1) / divisor          # (4000, 3)
    largest = torch.softmax(scores, dim=-1).amax(dim=-1)     # (4000,)
    gradient = torch.autograd.grad(largest.sum(), queries)[0]
    size = gradient.norm(dim=-1)                             # (4000, 1)
    return largest.mean().item(), size.median().item(), size.mean().item()

print(f"{'':8}{'undivided':24}÷ √d_head")
print("d_head  weight  median    mean  weight  median    mean")
for d in sizes:
    columns = *luckiest(d, 1), *luckiest(d, d**0.5)
    print(f"{d:6}", *(f"{number:7.2f}" for number in columns))

# %% [markdown]
# 0.93: one key takes nearly everything, by chance alone. The softmax is **saturated**, and that harms learning. The typical gradient grows at first, as the keys' arrows grow; then saturation wins, and it falls to 0.05 at 64, to 0.00 at 256. Some queries, close to a tie, get a larger one than with division, so the mean even rises: learning becomes all or nothing. Divided by $\sqrt{d_\text{head}}$ the luckiest weight settles at 0.6, the gradient near 0.3.
#
# Would dividing by $d_\text{head}$ itself be safer? The dotted line ($d$ is $d_\text{head}$):

# %%
pictures.divisors({d: [luckiest(d, x) for x in (1, d**0.5, d)] for d in sizes})

# %% [markdown]
# No: the weights sink to a third each, and the gradient fades as well. What counts is the width of **one head**, not $d_\text{model}$. All this concerns the *start* of training; a trained head may be sure of itself.
#
# ### Exercise 4 (stretch, 15 minutes)
# As score $z_j$ grows, weight $w_i$ changes at the rate
#
# $$\frac{\partial w_i}{\partial z_j} = \begin{cases} w_i (1 - w_i) & i = j \\ -\,w_i w_j & i \ne j\end{cases}$$
#
# Return this table, shape $(S, S)$, for weights of shape $(S,)$. Guess first: what is it for (1, 0, 0)?

# %% tags=["exercise"]
def softmax_gradient(weights):
    ### BEGIN SOLUTION
    return torch.diag(weights) - torch.outer(weights, weights)
    ### END SOLUTION

check("attention.softmax_gradient", softmax_gradient)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Both cases contain $-\,w_i w_j$: on the diagonal $w_i (1 - w_i) = w_i - w_i w_i$.
#
# </details>
# <details><summary>Second hint</summary>
#
# `torch.outer(weights, weights)` is the table of all $w_i w_j$; `torch.diag(weights)` puts the weights on a diagonal.
#
# </details>
#
# ## 7. Man bites dog
#
# **Before you run it.** Now the man bites. What does *bites* take over?

# %% tags=["nbval-check-output"]
order = [2, 1, 0]  # man, bites, dog
other_X = X[order]
other_output, _ = attention(other_X @ W_q, other_X @ W_k, other_X @ W_v)
print("dog bites man:\n", output)
print("in the other order:\n", other_output)
torch.testing.assert_close(other_output, output[order])

# %% [markdown]
# (6.2, 3.1) again: the dog bites, says *bites*, in either sentence. The rows follow the words. Attention is **blind to order**.
#
# *Der Hund beißt den Mann* (the dog bites the man) or *der Mann beißt den Hund* (the man bites the dog)? A translator that reads like this cannot know. Notebook 02 fills the column *place* by hand; 03 asks where such a column comes from.
#
# **Try it.** Set `order = [1, 0, 2]`, guess, and run the cell. Then put `[2, 1, 0]` back and run it again, for section 8.
#
# <details><summary>Answer</summary>
#
# The same rows, *bites*' (6.2, 3.1) first.
#
# </details>
#
# ## 8. The causal mask: do not look ahead
#
# So far every word saw all, as a reader may; a writer has only what is written. It learns to guess the next word: at *dog* the answer is *bites*. If *dog* could look at *bites*, it would copy instead of guess. So each word may see the words up to **and including itself**; it has to guess the one after.
#
# By hand, for *bites*: scores 3 and 0, *man* is not there. 8 : 1 of 9 makes 0.89 and 0.11, and the output 0.89 · (10, 0) = (8.9, 0).
#
# In matrices *not there* is a score of $-\infty$, since $e^{-\infty} = 0$. A **mask** in this course is True where looking is allowed; this one, the **causal mask**, is True on and below the diagonal. `tril` keeps the lower triangle, `~mask` swaps True and False, `masked_fill` fills a copy where it finds True:

# %% tags=["nbval-check-output"]
mask = torch.tril(torch.ones(3, 3, dtype=torch.bool))  # (T, S) lower half
scores = (Q @ K.T / Q.shape[-1]**0.5).masked_fill(~mask, float("-inf"))
weights = torch.softmax(scores, dim=-1)
print("scores:\n", scores)
print("weights:\n", weights)
print("output:\n", weights @ V)

# %% [markdown]
# The mask comes *before* the softmax, so the remaining words share the full unit.

# %%
_, free = attention(Q, K, V)
pictures.maps(["dog", "bites", "man"], free, weights, mask)

# %% tags=["nbval-check-output"]
from lessons_lib.attention import causal_mask

ours, _ = scaled_dot_product_attention(Q, K, V, mask=causal_mask(3))
theirs = F.scaled_dot_product_attention(Q, K, V, is_causal=True)
torch.testing.assert_close(ours, weights @ V)
torch.testing.assert_close(theirs, weights @ V)
print("masked by hand, by lessons_lib and by PyTorch: the same")

# %% [markdown]
# (The library fills in the lowest finite number instead of −∞, since with −∞ a row with nothing allowed becomes `nan`: see 02.) Two tempting short cuts, for *bites*:
#
# | | weights | output |
# |---|---|---|
# | scores of $-\infty$ (right) | 0.89, 0.11, 0 | (8.9, 0) |
# | scores set to 0 | 0.81, 0.10, 0.10 | (8.1, 1.0): $e^0 = 1$, *man* still speaks |
# | weights set to 0 | 0.62, 0.07, 0 | (6.2, 0): 0.31 is lost |
#
# ### Exercise 5 (core, 10 minutes)
# Write attention with a causal mask for $T = S$ words, without `F`, and return the output. The check tries other sizes than ours.

# %% tags=["exercise"]
def causal_attention(Q, K, V):
    ### BEGIN SOLUTION
    allowed = torch.tril(torch.ones(len(Q), len(K), dtype=torch.bool))
    scores = Q @ K.T / Q.shape[-1]**0.5
    return torch.softmax(scores.masked_fill(~allowed, float("-inf")), dim=-1) @ V
    ### END SOLUTION

check("attention.causal_attention", causal_attention)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Take `attention` of section 5. One line goes between scores and softmax. Return only the output.
#
# </details>
# <details><summary>Second hint</summary>
#
# The mask is `torch.tril(torch.ones(len(Q), len(K), dtype=torch.bool))`. Put −∞ where it is **not** True: `scores.masked_fill(~mask, float("-inf"))`.
#
# </details>

# %% [markdown]
# **Try it** (after exercise 5). *man bites dog* again: `causal_attention(other_X @ W_q, other_X @ W_k, other_X @ W_v)`. Does *bites* still give the same answer?
#
# <details><summary>Answer</summary>
#
# No: (0, 8.0). It now sees *man* and itself, not *dog*: 4 : 1 of 5. A mask lets a little of the order in.
#
# </details>
#
# ## 9. The riddle, solved by you
#
# How are the brackets of $Q = [1, 0]$, $K = [0, 1]$, $V = [1, 1]$ meant? Three readings:
#
# | reading | $Q$ | $K$ | $V$ | |
# |---|---|---|---|---|
# | **a** | [[1], [0]] | [[0], [1]] | [[1], [1]] | two words, one number each: $d_\text{head} = 1$ |
# | **b** | [[1, 0]] | [[0, 1]] | [[1, 1]] | one word, two numbers |
# | **c** | [[1, 0], [1, 0]] | [[0, 1], [0, 1]] | [[1], [1]] | two such words: all scores are 0 |
#
# ### Exercise 6 (core, 4 minutes)
# Which weights does the **first** word have in each reading? As many numbers as there are keys, three decimals; $e^1 = 2.718$.

# %% tags=["exercise"] stub="answer = {\"a\": ..., \"b\": ..., \"c\": ...}"
### BEGIN SOLUTION
answer = {"a": [0.269, 0.731], "b": [1.0], "c": [0.5, 0.5]}
### END SOLUTION
check("riddle.three_readings", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# In **a** the first word asks with 1, and the keys are 0 and 1: scores 0 and 1. In **b**, how many keys are there?
#
# </details>
# <details><summary>Second hint</summary>
#
# **a**: $e^0 = 1$ and $e^1 = 2.718$, of 3.718. **b**: one key, whatever its score, gets $e^z / e^z$. **c**: two equal scores.
#
# </details>

# %% [markdown]
# Now the outputs. What did you write down at the start?

# %% tags=["nbval-check-output"]
def numbers(rows):
    return torch.tensor(rows, dtype=torch.float32)

readings = {  # Q, K, V
    "a": ([[1], [0]], [[0], [1]], [[1], [1]]),
    "b": ([[1, 0]], [[0, 1]], [[1, 1]]),
    "c": ([[1, 0], [1, 0]], [[0, 1], [0, 1]], [[1], [1]]),
}
for name, reading in readings.items():
    outputs, shares = scaled_dot_product_attention(*map(numbers, reading))
    print(f"{name}: first word's weights {shares[0]}, output {outputs[0]}")

# %% [markdown]
# Every output is made of ones. So [0.5, 0.5] is never the output: it is the *weights* of reading c, and of a's second word. Two more things are wrong. The softmax of a single score is a single weight, 1. And the line mixes readings: $1 \times 0 + 0 \times 1$ multiplies vectors of two numbers (b and c), $\sqrt 1$ divides for vectors of one (a).
#
# **Before you run the next cell:** which two values would show the weights?

# %% tags=["nbval-check-output"]
equal, different = numbers([[1], [1]]), numbers([[1, 0], [0, 1]])
for w in ([0.5, 0.5], [0.9, 0.1], [0.0, 1.0]):
    w, shown = numbers(w), w
    print(f"{shown}   equal: {w @ equal}   different: {w @ different}")

# %% [markdown]
# So ones are right, and say nothing: **an example with equal values cannot show attention**. With $v_1 = (1, 0)$ and $v_2 = (0, 1)$ it can: then the output *is* the weights.
#
# **Try it.** In `readings`, put `[[1, 0], [0, 1]]` for the values of a and c. Which output is the article's?
#
# <details><summary>Answer</summary>
#
# That of c, (0.5, 0.5). Reading a gives its own weights, (0.27, 0.73).
#
# </details>
#
# ## Quiz
#
# **1.** All scores of a row are 5. What are the weights of its four words?
#
# <details><summary>5 each</summary>
#
# Those are the scores. Weights sum to 1.
#
# </details>
# <details><summary>It depends on $d_\text{head}$</summary>
#
# Divided, they stay equal.
#
# </details>
# <details><summary>0.25 each</summary>
#
# Right. There are no differences: attention averages.
#
# </details>

# %% [markdown]
# **2.** You double every number of all *values*. What happens?
#
# <details><summary>The output doubles, the weights stay</summary>
#
# Right. Values have no say in who is found.
#
# </details>
# <details><summary>The weights get sharper, the output changes</summary>
#
# That is what doubling *queries* does.
#
# </details>
# <details><summary>Nothing: the weights still sum to 1</summary>
#
# They do, and mix what is twice as large.
#
# </details>

# %% [markdown]
# **3.** A friend runs the softmax over `dim=0` of the $(T, S)$ scores. What does she get?
#
# <details><summary>An error: the shapes do not fit</summary>
#
# They do fit, which makes the slip dangerous.
#
# </details>
# <details><summary>Columns that sum to 1, rows that do not</summary>
#
# Right. *bites* then spends 1.61 units and gets (6.4, 7.7).
#
# </details>
# <details><summary>The right weights, transposed</summary>
#
# Other scores are shared out together, so other weights come out.
#
# </details>

# %% [markdown]
# **4.** Why does the causal mask leave the diagonal open?
#
# <details><summary>Because a row with nothing allowed would be nan</summary>
#
# True for the first row, no reason for the others.
#
# </details>
# <details><summary>Because each word is its own best match</summary>
#
# It need not be: *bites* fits itself with 0, *dog* with 3.
#
# </details>
# <details><summary>Because word $i$ has to guess word $i + 1$, it may know itself</summary>
#
# Right. Closed, it would guess without the word before.
#
# </details>

# %% [markdown]
# **5.** Your model's heads are 64 wide, and you forget to divide. Queries hardly learn at first. Why?
#
# <details><summary>The scores have spread to about ±8 and the softmax is saturated</summary>
#
# Right. $\sqrt{64} = 8$; typical gradients are tiny.
#
# </details>
# <details><summary>The weights do not sum to 1 any more</summary>
#
# They do, at any scale.
#
# </details>
# <details><summary>All weights become equal</summary>
#
# That is the opposite slip, dividing by $d_\text{head}$.
#
# </details>

# %% [markdown]
# ## Where you are
#
# The paper's figure 1; the lit parts are built (framed layers: six in the paper, four in 00):

# %%
from lessons_lib.figures import model_map

model_map.show("01")

# %% [markdown]
# ## Summary
#
# 1. Attention: scores $QK^\top$, divided by $\sqrt{d_\text{head}}$; softmax over the keys, for each query; then the *values* summed with these weights.
# 2. $Q$, $K$ and $V$ are learned projections of the layer's input: what a word asks, what it is found by, what it hands over.
# 3. Softmax makes shares of any scores; only differences count, so subtracting the largest is safe.
# 4. The square root keeps the scores' variance at 1 at first; without it the softmax saturates and typical gradients vanish.
# 5. Attention is blind to order; a causal mask, set before the softmax, hides the words to come.
#
# Next, [02](02_multi_head_attention.ipynb): several heads.
#
# ## References
#
# - Vaswani and others (2017): [*Attention Is All You Need*](https://arxiv.org/abs/1706.03762), section 3.2.1 (the formula; footnote 4 for the variance).
# - Bahdanau, Cho, Bengio (2015): [*Neural Machine Translation by Jointly Learning to Align and Translate*](https://arxiv.org/abs/1409.0473), section 3.1.
# - Bridle (1990): *Probabilistic Interpretation of Feedforward Classification Network Outputs* (the name softmax).
# - "Zen and the Art of Computer Programming" (pen name, undated): *大语言模型原理与工程实践：大语言模型训练技术选型技巧* (Chinese), sections 4.2, 4.3. The article.
