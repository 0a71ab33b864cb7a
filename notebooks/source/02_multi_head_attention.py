# %% [markdown]
# # Multi-head attention
#
# **You will be able to**
# - put sentences of different length into one batch, and hide the filling;
# - say why one head is not enough, and what $W_o$ is for;
# - cut one big matrix into heads, and find the bug that raises no error;
# - build multi-head attention, for self- and cross-attention, equal to PyTorch's;
# - say what attention costs as sentences grow.
#
# **Prerequisites:** [01](01_attention_by_hand.ipynb), and broadcasting as in [00](00_start_here.ipynb). **Time:** 75 minutes to read, 65 for the exercises; the cells run in 10 seconds.
#
# ## 1. Two sentences, one batch
#
# A model reads many sentences at once. Take two: *dog bites man*, and the longer *man bites dog, dog bites man*. The vectors are those of 01, now rows of a table, so that a number, a word's **id**, fetches each.

# %% tags=["nbval-check-output"]
import torch
torch.set_printoptions(precision=2, sci_mode=False)

#                      animal human action place
table = torch.tensor([[0.0, 0.0, 0.0, 0.0],   # 0: see below
                      [1.0, 0.0, 0.0, 0.0],   # 1: dog
                      [0.0, 0.0, 1.0, 0.0],   # 2: bites
                      [0.0, 1.0, 0.0, 0.0]])  # 3: man
try:
    torch.stack([table[[1, 2, 3]], table[[3, 2, 1, 1, 2, 3]]])
except RuntimeError as error:
    print(error)

# %% [markdown]
# A tensor is a box, with no ragged edge. So the short sentence is **padded**: filled up with a made-up word, PAD, of id 0. Here its vector is all zeros, and so are its key and its value.
#
# **Before you run the next cell.** In 01 *bites* took over (6.2, 3.1) from *dog bites man*. Now three zero vectors stand behind it. Will it take over more, less, or the same?

# %% tags=["nbval-check-output"]
# the matrices of 01
W_q = torch.tensor([[-1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
W_k = torch.tensor([[3.0, 2.0], [2.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
W_v = torch.tensor([[10.0, 0.0], [0.0, 10.0], [0.0, 0.0], [0.0, 0.0]])

ids = torch.tensor([[1, 2, 3, 0, 0, 0],
                    [3, 2, 1, 1, 2, 3]])  # (B, S) B sentences
X = table[ids]                            # (B, S, d_model)
Q, K, V = X @ W_q, X @ W_k, X @ W_v       # (B, S, d_head), d_v for V

# %% tags=["nbval-check-output"]
def attend(Q, K, V, mask=None):
    # transpose swaps two sides; K.T would turn the batch as well
    scores = Q @ K.transpose(-2, -1) / Q.shape[-1]**0.5    # (B, T, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = torch.softmax(scores, dim=-1)                # (B, T, S)
    return weights @ V, weights

output, weights = attend(Q, K, V)
print("bites: weights", weights[0, 1])
print("bites: output ", output[0, 1])
print("spent on PAD by dog, bites, man:", weights[0, :3, 3:].sum(dim=1))

# %% [markdown]
# Less: (5.1, 2.5). **Zeros are not harmless: a score of 0 still earns $e^0 = 1$.** By doubling, 8 : 1 : 4 has become 8 : 1 : 4 : 1 : 1 : 1. It is worse for *dog*, whose own scores are −1, 1 and −2: PAD's 0 beats two of them, and *dog* spends half (0.52) on nothing. No error tells you.
#
# A **padding mask** mends it: True where a word stands, `ids != 0`, of shape $(B, S) = (2, 6)$. The scores have shape $(B, T, S) = (2, 6, 6)$.
#
# **Before you run the next cell.** Which shape must the mask get, so that all queries of a sentence share its row?

# %% tags=["nbval-check-output"]
mask = (ids != 0)[:, None, :]  # None inserts a side of 1
output, weights = attend(Q, K, V, mask)
print("mask:", tuple(mask.shape))
print("weights, first sentence:\n", weights[0])
print("outputs of its words:\n", output[0, :3])

# %% [markdown]
# $(B, 1, S)$: the 1 is stretched over the queries. *bites* has (6.2, 3.1) again. Without the inserted side, shapes (2, 6) and (2, 6, 6) do not fit. But six sentences of six words would fit, and sentence $t$'s mask would land on query $t$.
#
# Rows 4 to 6 are the PADs asking, a third for each word. That is harmless: nobody looks at them, and the loss will leave them out (06). Padding is hidden as **columns**, not as rows.
#
# **Try it.** Make PAD loud, `[9.0, 9.0, 9.0, 9.0]` in the first row of `table`, and run this section's cells again. Which outputs change? (Put it back, run them again.)
#
# <details><summary>Answer</summary>
#
# Without the mask all of the first sentence's. With it only the PADs' own rows, which nobody reads.
#
# </details>
#
# ### Exercise 1 (warm-up, 5 minutes)
# A batch of 5 sentences, the longest with 7 words; $d_\text{model} = 16$, $d_\text{head} = 4$, $d_v = 3$. What are the shapes of these, as tuples (`mask` with its inserted side)?

# %% tags=["exercise"] stub="shapes = {\"X\": ..., \"Q\": ..., \"scores\": ..., \"mask\": ..., \"output\": ...}"
from lessons_lib.exercises import check

### BEGIN SOLUTION
shapes = {"X": (5, 7, 16), "Q": (5, 7, 4), "scores": (5, 7, 7), "mask": (5, 1, 7), "output": (5, 7, 3)}
### END SOLUTION
check("masks.shapes_of_a_batch", shapes)

# %% [markdown]
# <details><summary>First hint</summary>
#
# The first side of each is the number of sentences; short ones are padded to the longest.
#
# </details>
# <details><summary>Second hint</summary>
#
# Scores: for each sentence, a row a query, a column a key. The mask has a 1 where it is to be stretched. The output mixes values.
#
# </details>
#
# ### Exercise 2 (core, 7 minutes)
# Write attention that takes the ids, hides PAD (id 0) and returns the output $(B, T, d_v)$. Leave PAD's own rows as they come.

# %% tags=["exercise"]
def padded_attention(Q, K, V, ids):
    ### BEGIN SOLUTION
    scores = Q @ K.transpose(-2, -1) / Q.shape[-1]**0.5
    scores = scores.masked_fill((ids == 0)[:, None, :], float("-inf"))
    return torch.softmax(scores, dim=-1) @ V
    ### END SOLUTION

check("masks.padded_attention", padded_attention)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Scores, mask, softmax, values, in this order. `masked_fill` fills a copy where it finds True: where ids is 0.
#
# </details>
# <details><summary>Second hint</summary>
#
# `(ids == 0)[:, None, :]` is True at PADs, and its middle side is stretched over the queries.
#
# </details>

# %% [markdown]
# ## 2. A column for the place
#
# 01 left a blind spot: *bites* gave the same answer in *man bites dog*. So we fill the fourth column by hand: place −1 for the word on the left, 0 for the middle, 1 for the right. The fourth row of $W_k$, (−1, 0), waits for it: it takes a word's place off the first number of its key, *how well can I bite?* To stand on the left is now worth a point.
#
# | *dog bites man* | dog | bites | man |
# |---|---|---|---|
# | place | −1 | 0 | 1 |
# | key | (3, 2) + (1, 0) = (4, 2) | (0, 1) | (2, 0) − (1, 0) = (1, 0) |
# | score for *bites*, $q = (1, 0)$ | 4 | 0 | 1 |
# | doubling | 16 | 1 | 2 of 19 |
#
# **Before you run it.** In *man bites dog* the dog stands on the right. Which scores does *bites* see, and who wins?

# %% tags=["nbval-check-output"]
def placed(order):
    x = table[order].clone()  # a copy: the table keeps its zeros
    x[:, 3] = torch.tensor([-1.0, 0.0, 1.0])
    return x                  # (3, d_model)

sentences = {"dog bites man": placed([1, 2, 3]),
             "man bites dog": placed([3, 2, 1])}
for name, x in sentences.items():
    output, weights = attend(x @ W_q, x @ W_k, x @ W_v)
    print(f"{name}: weights {weights[1]}  output {output[1]}")

# %% [markdown]
# 3 for *man* (2 + 1), 0, and 2 for *dog* (3 − 1): (8.5, 1.0) has become (3.1, 6.2). Now, without a mask, *bites* tells the two sentences apart.
#
# ## 3. Two questions, two heads
#
# *Who bites, and who is bitten?* Head A asks the first question: it likes animals, and the left. Head B asks the second: it likes humans, and the right:

# %% tags=["nbval-check-output"]
# A's first two rows, swapped; a place to the right counts (1, 0)
W_q_B = torch.tensor([[0.0, 1.0], [-1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
W_k_B = torch.tensor([[2.0, 0.0], [3.0, 2.0], [0.0, 1.0], [1.0, 0.0]])

x = sentences["dog bites man"]
print("scores A:", (x @ W_q @ (x @ W_k).T)[1])
print("scores B:", (x @ W_q_B @ (x @ W_k_B).T)[1])

# %% [markdown]
# Could *one* head ask both? Put both queries side by side, and both keys: a query of four numbers, whose scores are the sums, 5, 0 and 5.
#
# **Before you run it.** What does such a head answer, and what in *man bites dog*?

# %% tags=["nbval-check-output"]
both_q = torch.cat([W_q, W_q_B], dim=1)  # (d_model, 4)
both_k = torch.cat([W_k, W_k_B], dim=1)  # (d_model, 4)
for name, x in sentences.items():
    output, weights = attend(x @ both_q, x @ both_k, x @ W_v)
    print(f"{name}: weights {weights[1]}  output {output[1]}")

# %% [markdown]
# (4.8, 4.8), in either order. (No doubling here: four numbers divide by √4 = 2.) A row has **one budget of 1**: asked two questions equally loudly, it blends the answers; asked unequally, the louder drowns the other. (Head A alone would do for our two sentences. But we want both answers.) So each question gets a head, with a budget of its own, and the outputs are laid side by side:

# %% tags=["nbval-check-output"]
def two_heads(x):
    a, _ = attend(x @ W_q, x @ W_k, x @ W_v)
    b, _ = attend(x @ W_q_B, x @ W_k_B, x @ W_v)
    return torch.cat([a, b], dim=-1)  # (3, 4)

print("bites:", two_heads(sentences["dog bites man"])[1])

# %% [markdown]
# The biter, then the bitten. A fourth matrix, $W_o$ of shape $(H d_v, d_\text{model})$, mixes them into one vector of the model's width; $H$ is the number of heads. Ours takes B's answer off A's, into *animal* and *human*:
#
# $$(8.5,\; 1.0,\; 1.0,\; 8.5) \begin{pmatrix} 1 & 0 & 0 & 0 \\ 0 & 1 & 0 & 0 \\ -1 & 0 & 0 & 0 \\ 0 & -1 & 0 & 0 \end{pmatrix} = (7.5,\; -7.5,\; 0,\; 0)$$
#
# An animal bites, a human is bitten.
#
# ### Exercise 3 (pencil, 7 minutes)
# And in *man bites dog*? Head A is worked out in section 2: (3.1, 6.2). Work out head B for *bites*, with $q = (1, 0)$ and B's keys, then the first two numbers of the product with $W_o$, one decimal each.

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = [-3.1, 3.1]
### END SOLUTION
check("heads.mirror", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# B's keys: *man* has (3, 2), with place −1 it loses a point; *dog* has (2, 0), with place 1 it gains one. Each point of score doubles the weight.
#
# </details>
# <details><summary>Second hint</summary>
#
# Scores of B: *man* 2, *bites* 0, *dog* 3, so 4 : 1 : 8 of 13. Its output is (10 · 8/13, 10 · 4/13). Take it off A's.
#
# </details>

# %% tags=["nbval-check-output"]
W_o = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0],
                    [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0]])
for name, x in sentences.items():
    heard = two_heads(x)[1]  # (4,) A's two numbers, B's two numbers
    print(f"{name}: with W_o {heard @ W_o}")
    print(f"{'':13}  averaged {(heard[:2] + heard[2:]) / 2}")

# %% [markdown]
# **The sign says who bites.** Averaging the heads instead gives two equal numbers in each sentence, no sign, the blend again: that is why they are laid side by side. (We invented these matrices; training would find others.)
#
# **Try it.** What if nobody stands anywhere? Print `two_heads(table[[3, 2, 1]])[1] @ W_o`, and the same for `[1, 2, 3]`.
#
# <details><summary>Answer</summary>
#
# (3.1, −3.1) both times: the animal bites, whatever the sentence says.
#
# </details>
#
# ## 4. One matrix, cut into heads
#
# Two heads made two products for $Q$. In practice one matrix of shape $(d_\text{model}, d_\text{model})$ makes one product, which is then cut. Allowed? Each column of a product needs only its own column of the matrix:

# %% tags=["nbval-check-output"]
x = sentences["dog bites man"]
big = x @ both_q  # (3, 4): columns 1, 2 for head A, 3, 4 for head B
torch.testing.assert_close(big, torch.cat([x @ W_q, x @ W_q_B], dim=1))
print("one product, cut: the same as two")

# %% [markdown]
# So $H$ heads of width $d_\text{head} = d_\text{model} / H$ fit side by side. `view` reads the same numbers in another shape, `transpose` swaps two sides. To follow them, let 23 mean *word 2, column 3*.
#
# **Before you run it.** Each head needs its two columns of all three words, $(H, T, d_\text{head}) = (2, 3, 2)$. Would `view(2, 3, 2)` alone do?

# %% tags=["nbval-check-output"]
labels = torch.tensor([[11, 12, 13, 14], [21, 22, 23, 24], [31, 32, 33, 34]])
right = labels.view(3, 2, 2).transpose(0, 1)  # (T, H, d_head), swapped
wrong = labels.view(2, 3, 2)
print("head A by view, transpose:", right[0].tolist())
print("head A by view alone:     ", wrong[0].tolist())

# %%
from lessons_lib.figures import heads as pictures

pictures.split()

# %% [markdown]
# `view` alone reads on from left to right: *head A* gets all of *dog* and half of *bites*. The shape is right, so nothing complains. **View, then transpose.**
#
# ### Exercise 4 (core, 6 minutes)
# Cut a whole batch: $(B, T, d_\text{model})$ into $(B, H, T, d_\text{head})$.

# %% tags=["exercise"]
def split_heads(x, n_heads):
    ### BEGIN SOLUTION
    B, T, d_model = x.shape
    return x.view(B, T, n_heads, d_model // n_heads).transpose(1, 2)
    ### END SOLUTION

check("heads.split_heads", split_heads)

# %% [markdown]
# <details><summary>First hint</summary>
#
# As in the cell above, with $B$ in front: first cut each word's row, so that $H$ and $d_\text{head}$ stand last.
#
# </details>
# <details><summary>Second hint</summary>
#
# `B, T, d_model = x.shape`; view it as `(B, T, n_heads, d_model // n_heads)`; then swap sides 1 and 2.
#
# </details>

# %% [markdown]
# The way back swaps first, then lays the heads side by side. Two shorter words for it: `unflatten` cuts a side in two, `flatten` joins sides.

# %% tags=["nbval-check-output"]
def split(x, n_heads):  # (B, T, d_model) -> (B, H, T, d_head)
    # -1 as a size: whatever is left, here d_head
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)

def merge(heads):       # (B, H, T, d_head) -> (B, T, d_model)
    return heads.transpose(1, 2).flatten(2)

x = torch.randn(5, 7, 12)
print(tuple(split(x, 3).shape), tuple(merge(split(x, 3)).shape))
torch.testing.assert_close(merge(split(x, 3)), x)

# %% [markdown]
# **Try it.** Let `h = torch.randn(5, 3, 7, 4)`, three heads' fresh output. `h.transpose(1, 2).flatten(2)` works; does `h.transpose(1, 2).view(5, 7, 12)`?
#
# <details><summary>Answer</summary>
#
# No. After the swap the numbers no longer lie in memory as they are read, so `view` cannot relabel them. `reshape` and `flatten` copy them first.
#
# </details>
#
# ## 5. All of it
#
# $$\text{MultiHead}(X) = \left[\text{head}_1, \ldots, \text{head}_H\right] W_o$$
#
# $$\text{head}_h = \text{Attention}\!\left(X W_q^{(h)}, X W_k^{(h)}, X W_v^{(h)}\right)$$
#
# ($(h)$: head $h$'s own.) In code all heads are computed at once: they are one more side of the tensor, which `@` and the softmax leave alone.

# %% tags=["nbval-check-output"]
def multi_head_self(x, W_q, W_k, W_v, W_o, n_heads):
    Q = split(x @ W_q, n_heads)         # (B, H, T, d_head)
    K = split(x @ W_k, n_heads)
    V = split(x @ W_v, n_heads)
    output, weights = attend(Q, K, V)   # weights (B, H, T, T)
    return merge(output) @ W_o, weights

both_v = torch.cat([W_v, W_v], dim=1)   # (4, 4): the heads share W_v
matrices = both_q, both_k, both_v, W_o
batch = torch.stack(list(sentences.values()))  # (2, 3, d_model)
ours, our_weights = multi_head_self(batch, *matrices, n_heads=2)
print("bites in both sentences:\n", ours[:, 1])
print("weights:", tuple(our_weights.shape))

# %% [markdown]
# Our (7.5, −7.5) and (−3.1, 3.1). And with `view` alone, before $W_o$?

# %% tags=["nbval-check-output"]
x = batch[:1]  # (1, 3, 4) dog bites man
mixed, _ = attend(*((x @ W).view(1, 2, 3, 2) for W in matrices[:3]))
print("bites, view alone:", mixed.reshape(1, 3, 4)[0, 1])
print("bites, right:     ", two_heads(x)[0, 1])

# %% [markdown]
# (9.5, 0, 0, 9.5): plausible, wrong, no error. Now the library's class. It holds four such matrices as layers, which keep them transposed and also add a learned row, the *bias*. Ours have none, so we set it to 0. Nothing is trained here, hence no gradients:

# %% tags=["nbval-check-output"]
from lessons_lib.attention import MultiHeadAttention

library = MultiHeadAttention(d_model=4, n_heads=2).requires_grad_(False)
layers = (library.project_q, library.project_k,
          library.project_v, library.project_out)
for layer, W in zip(layers, matrices):
    layer.weight.copy_(W.T)  # the _: writes into it
    layer.bias.zero_()

output, weights = library(batch)
torch.testing.assert_close(output, ours)
torch.testing.assert_close(weights, our_weights)
print("lessons_lib: the same")

# %% [markdown]
# PyTorch keeps the three input matrices as one, stacked:

# %% tags=["nbval-check-output"]
theirs = torch.nn.MultiheadAttention(4, 2, bias=False, batch_first=True)
theirs.requires_grad_(False)
theirs.in_proj_weight.copy_(torch.cat(matrices[:3], dim=1).T)  # (12, 4)
theirs.out_proj.weight.copy_(W_o.T)

output, weights = theirs(batch, batch, batch, average_attn_weights=False)
torch.testing.assert_close(output, ours)
torch.testing.assert_close(weights, our_weights)
print("PyTorch: the same, heads and all")

# %% [markdown]
# Their masks mean the **opposite**: True where looking is *forbidden*. **Before you run it:** what happens if you pass them our causal mask as it is?

# %% tags=["nbval-check-output"]
from lessons_lib.attention import causal_mask

x = batch[:1]          # dog bites man
mask = causal_mask(3)  # True: allowed
ours_masked, _ = library(x, mask=mask)
for name, given in (("mask ", mask), ("~mask", ~mask)):
    output, _ = theirs(x, x, x, attn_mask=given)
    print(f"{name}: equal to ours: {torch.allclose(output, ours_masked)}")
    print(output[0])

# %% [markdown]
# No error: *dog* and *bites* see the words to come, and *man*, who may see nothing, becomes `nan` (section 8). Write `~mask`. Padding goes into an argument of its own, `key_padding_mask`, $(B, S)$, inverted as well. (Beware: `F.scaled_dot_product_attention` takes ours as they are.)
#
# What does a head cost in parameters?

# %% tags=["nbval-check-output"]
for n_heads in (1, 2, 4, 8):
    layer = MultiHeadAttention(64, n_heads)
    count = sum(p.numel() for p in layer.parameters())
    print(f"heads {n_heads}, width {64 // n_heads:2}: {count:,} parameters")

# %% [markdown]
# Nothing: four matrices of 64 × 64 and four biases of 64 make 16,640, however they are cut. More heads ask more questions, each with fewer numbers.
#
# **Try it.** Does the *order* of the heads matter? Let `o = [2, 3, 0, 1]`, B before A, and call `multi_head_self(batch, *(W[:, o] for W in matrices[:3]), W_o[o], n_heads=2)[0][:, 1]`.
#
# <details><summary>Answer</summary>
#
# No: (7.5, −7.5) and (−3.1, 3.1) again. All that counts is which rows of $W_o$ a head meets.
#
# </details>
#
# ## 6. Who asks whom
#
# So far a sentence asked itself: **self-attention**. A translator reads a *source* and writes a *target*. One that has written *der Hund beißt* (the dog bites) also has to ask the *English* words what to write next: **cross-attention**. Queries come from the one text, $x$ of shape $(B, T, d_\text{model})$; keys and values from the other, of shape $(B, S, d_\text{model})$. The formula stays; only what goes in changes: $(x, x, x)$ or $(x, \text{source}, \text{source})$.
#
# Let two German words, *Hund beißt* (dog bites), ask *dog bites man*. (We lend them the vectors of *dog* and *bites*; a trained decoder makes its own.) **Before you run it:** what is the shape of the weights?

# %% tags=["nbval-check-output"]
german = table[[1, 2]][None]  # Hund, beißt: (1, T, d_model), T = 2
english = batch[:1]           # (1, S, d_model), S = 3

output, weights = library(german, english)
print("weights:", tuple(weights.shape), " output:", tuple(output.shape))
print("beißt hears:", output[0, 1])

# %% [markdown]
# $(B, H, T, S)$: a row for each German word, a column for each English one. *beißt* asks English what *bites* asked, and learns the same: (7.5, −7.5).
#
# > **What the article says** (4.2), again: $Q$, $K$ and $V$ come from the encoder. Here $K$ and $V$ do, but $Q$ comes from the decoder: $T$ rows, $S$ columns.
#
# The model has three attentions, all the same function (the map at the end shows where):
#
# | | asks | is asked | mask | weights |
# |---|---|---|---|---|
# | encoder, self | source | source | padding of the source | $(B, H, S, S)$ |
# | decoder, self | target | target | causal (PAD at the end lies in the future: 05) | $(B, H, T, T)$ |
# | decoder, cross | target | source | padding of the source | $(B, H, T, S)$ |
#
# Should a text need both (PAD in front, say), masks combine by `&`: allowed if both allow. With heads there is one more side to stretch over, so the padding mask is $(B, 1, 1, S)$. **Before you run it:** what shape comes out, combined with a causal mask (6, 6)?

# %% tags=["nbval-check-output"]
from lessons_lib.attention import padding_mask

both = causal_mask(6) & padding_mask(ids, pad_id=0)
print(tuple(padding_mask(ids, pad_id=0).shape), tuple(both.shape))
print(both[0, 0].int())  # first sentence: dog bites man PAD PAD PAD

# %% [markdown]
# ### Exercise 5 (core, 15 minutes)
# Write the whole of it: the words of `x` ask those of `source`, under a mask that is True where looking is allowed and stretches to $(B, H, T, S)$. All matrices are $(d_\text{model}, d_\text{model})$. Return the output alone. `attend`, `split` and `merge` are there.

# %% tags=["exercise"]
def multi_head(x, source, W_q, W_k, W_v, W_o, n_heads, mask):
    ### BEGIN SOLUTION
    Q = split(x @ W_q, n_heads)
    K = split(source @ W_k, n_heads)
    V = split(source @ W_v, n_heads)
    output, _ = attend(Q, K, V, mask)
    return merge(output) @ W_o
    ### END SOLUTION

check("heads.multi_head", multi_head)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Start from `multi_head_self`. Which two of its three products take another source? Where does `attend` take the mask?
#
# </details>
# <details><summary>Second hint</summary>
#
# $Q$ from `x`, $K$ and $V$ from `source`, each through `split`; `attend(Q, K, V, mask)`; `merge` the output, times $W_o$.
#
# </details>
#
# ### Move it yourself
#
# Our two heads on *dog bites man*, with two PADs behind it and no mask:

# %%
pictures.hand_made()

# %% [markdown]
# Now *man bites dog*, with switches:
#
# 1. Tick **padding mask**. Where does the share that *bites* spent on PAD go?
# 2. Lower **strength of place**. At which strength can $W_o$ no longer tell who bites? Guess first: *dog* scores 3 − s with head A, *man* 2 + s.
# 3. Put it back to 1 and tick **causal mask**. What can *bites* still see, and which half of the answer is lost?

# %%
from lessons_lib.widgets.heads import heads_explorer

heads_explorer()

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# 1. To the words, in proportion: *man*'s 0.54 becomes 0.62.
# 2. At 0.5: both score 2.5. Below it the animal bites, in either sentence.
# 3. *bites* sees only *man* and itself. (0.0, 0.9) still names the man, who stands first; who is bitten is out of sight.
#
# </details>
#
# ## 7. Who names the heads?
#
# We named ours. In a model that is trained, nobody does: training does whatever lowers the loss. Here is one, the small English–German translator that comes with the course, taught on sentences made by a grammar. It has four heads a layer; this is its second layer, on our sentence (*end* marks its end):

# %% tags=["nbval-check-output"]
from lessons_lib.attention import recorded_weights
from lessons_lib.translation import Translator

translator = Translator.load("grammar-en-de", fast=False)  # layer by layer
# recorded: the weights of each layer of the encoder, kept as it runs
with recorded_weights(translator.trained.model.encoder) as recorded:
    print(translator.translate(["the dog bites the man."]))
learned = recorded["layers.1.self_attention"][0]  # 1st sentence: (H, S, S)
words = ["the", "dog", "bites", "the", "man", ".", "end"]
for head, rows in enumerate(learned, start=1):
    found = [f"{words[row.argmax()]} {row.max():.2f}" for row in rows]
    print(f"head {head}: the → {found[0]}, the → {found[3]}")

# %%
pictures.trained(words, learned)

# %% [markdown]
# Heads 1 and 2 send each *the* to its own noun, with nearly all its weight. A guess why: to write *der*, *die* or *das* for *the*, German needs the noun. What the other two are for is less plain. A picture of weights says where a head looks, not why, nor whether the model needs it.
#
# **Try it.** Own noun, or only the next word? Take *the old dog bites the young man.* and `words = ["the", "old", "dog", "bites", "the", "young", "man", ".", "end"]`, with `found[4]` for the second *the*.
#
# <details><summary>Answer</summary>
#
# The noun: 0.98 and 0.93 (head 1), 0.79 and 0.83 (head 2). Both step over the adjective.
#
# </details>
#
# ## 8. A word that may see nothing
#
# Without an end mark, an empty line is nothing but PAD: each row of its mask is False throughout. What is a softmax over nothing?

# %% tags=["nbval-check-output"]
import torch.nn.functional as F
from lessons_lib.attention import scaled_dot_product_attention

scores = torch.tensor([2.0, 0.0, 1.0])
nothing = torch.tensor([[False, False, False]])  # (T, S) = (1, 3)
for low in (float("-inf"), -1e9):
    filled = scores.masked_fill(~nothing, low)
    print(f"filled with {low}: weights {torch.softmax(filled, dim=-1)[0]}")

x = batch[:1]
q, k, v = torch.ones(1, 2), torch.ones(3, 2), torch.ones(3, 2)
print("lessons_lib:", scaled_dot_product_attention(q, k, v, nothing)[0])
print("F.scaled_dot_product_attention:",
      F.scaled_dot_product_attention(q, k, v, attn_mask=nothing))
for need in (True, False):
    output, _ = theirs(x, x, x, key_padding_mask=~nothing, need_weights=need)
    print(f"nn.MultiheadAttention, need_weights={need}:", output[0, 0])

# %% [markdown]
# $-\infty$: 0 / 0, `nan`. $-10^9$: all scores are equal, so the row averages what it was forbidden to see. The library (which fills in a finite number too, then sets masked weights to 0) and `F.scaled_dot_product_attention`: 0. `nn.MultiheadAttention`: `nan` if you ask for the weights, 0 if not. (PyTorch 2.13; other versions may answer differently.) **We decide for 0**: who may see nothing hears nothing. `nan` would be honest too, if it stayed where it is. Does it?

# %% tags=["nbval-check-output"]
allowed = torch.ones(3, 3, dtype=torch.bool)
allowed[2] = False                         # man may see nothing
W = W_v.clone().requires_grad_()
for function in (attend, scaled_dot_product_attention):
    output, _ = function(x[0] @ W_q, x[0] @ W_k, x[0] @ W, allowed)
    loss = output[:2].sum()                # man's row is not even used
    gradient = torch.autograd.grad(loss, W)[0]  # given, not left in W.grad
    print(f"{function.__name__}: first row {gradient[0]}")
    print("    all nan:", gradient.isnan().all().item())

# %% [markdown]
# With $-\infty$ the whole gradient of $W_v$ is `nan`, although the loss never touched *man*'s row: backwards, `nan` times 0 is `nan`. One empty line, and after one step every number of $W_v$ is lost.
#
# ## 9. What length costs
#
# Each head fills a table of $T \times S$ weights, 4 bytes each. For a sentence that asks itself, count the multiplications as well: four projections make $4\,T d_\text{model}^2$. Each of the $T^2$ scores takes $d_\text{head}$, in each of $H$ heads: together $T^2 d_\text{model}$, and mixing the same.
#
# **Before you run it.** With $d_\text{model} = 128$, at which length do scores and mixing overtake the projections?

# %% tags=["nbval-check-output"]
d_model, n_heads = 128, 4
print("words  table, MiB  projections  scores, mixing  (millions)")
for T in (20, 64, 256, 1024, 8192):
    mib = n_heads * T * T * 4 / 2**20
    projections, pairs = 4 * T * d_model**2 / 1e6, 2 * T**2 * d_model / 1e6
    print(f"{T:5} {mib:11.2f} {projections:12.1f} {pairs:15.1f}")

# %% [markdown]
# At $T = 2\,d_\text{model}$, here 256. A caption of 20 words hardly notices: 0.1 against 1.3. At 8,192 words the tables of *one* layer and *one* sentence take 1,024 MiB. Measured, on a small layer, best of 40 calls each:

# %%
from time import perf_counter
import numpy as np

torch.set_num_threads(1)  # one core: steadier times
layer = MultiHeadAttention(32, n_heads=2).requires_grad_(False)
lengths = [64, 128, 256, 512, 1024]
best, size = dict.fromkeys(lengths, float("inf")), {}
for _ in range(40):
    for T in lengths:
        text = torch.randn(1, T, 32)
        start = perf_counter()
        _, weights = layer(text)
        best[T] = min(best[T], perf_counter() - start)
        size[T] = weights.numel() * weights.element_size()

# %%
seconds, sizes = list(best.values()), list(size.values())
slope = np.polyfit(np.log(lengths[-3:]), np.log(seconds[-3:]), 1)[0]
pictures.cost(lengths, seconds, slope, sizes)

# %% tags=["nbval-check-output"]
assert sizes == [2 * T * T * 4 for T in lengths]
fitted = np.polyfit(np.log(lengths), np.log(sizes), 1)[0]
assert seconds[-1] > seconds[0]
print(f"memory: slope {fitted:.2f}; at 1,024 words {sizes[-1] / 2**20} MiB")

# %% [markdown]
# With both axes logarithmic, a power $T^n$ is a straight line of slope $n$. Memory: exactly 2. Time: by the count 1.9, never above 2; the last three lengths gave slopes from 1.8 (one core of an AMD EPYC, nothing else running) to over 3 (beside heavy work): larger tables outgrow the fast cache. Short ones are nearly flat: there the price of any call weighs more. Yours will differ.
#
# Must the table exist? A row's softmax can be computed in one pass over the keys, a block at a time, if you carry three things: $m$, the largest score so far; $\ell$, the sum of $e^{\text{score} - m}$; and $o$, the same sum with each power times its value. When a block brings a larger score, $m$ rises, and what you carry was measured against the old one: multiply $\ell$ and $o$ by $e^{m_\text{old} - m_\text{new}}$. At the end the output is $o / \ell$. For *bites* as in 01, without places (scores 2.12, 0, 1.41), key by key, backwards:
#
# | after | $m$ | $\ell$ | $o$ |
# |---|---|---|---|
# | man | 1.41 | 1 | (0, 10) |
# | bites | 1.41 | 1 + 0.24 = 1.24 | (0, 10) |
# | dog | 2.12 | 1.24 · 0.493 + 1 = 1.61 | (0 · 0.493 + 10, 10 · 0.493) = (10, 4.93) |
#
# (10, 4.93) / 1.61 = (6.2, 3.1). For each query that is a block of scores and $d_v + 2$ numbers, whatever $S$. This is the idea behind FlashAttention, which `F.scaled_dot_product_attention` uses where it can.
#
# ### Exercise 6 (stretch, 25 minutes)
# Do it for one query: $q$ $(d_\text{head})$, $K$ $(S, d_\text{head})$, $V$ $(S, d_v)$, `block` keys at a time. Mind the root, and a last block that is shorter. (One softmax over all keys would pass, and teach you nothing.)

# %% tags=["exercise"]
def streamed_attention(q, K, V, block):
    ### BEGIN SOLUTION
    m, l, o = torch.tensor(float("-inf")), torch.tensor(0.0), torch.zeros(V.shape[-1])
    for first in range(0, len(K), block):
        scores = K[first:first + block] @ q / len(q)**0.5
        higher = torch.maximum(m, scores.max())
        powers = (scores - higher).exp()
        l = l * (m - higher).exp() + powers.sum()
        o = o * (m - higher).exp() + powers @ V[first:first + block]
        m = higher
    return o / l
    ### END SOLUTION

check("streaming.attention", streamed_attention)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Start with $m = -\infty$, $\ell = 0$, $o$ = zeros of `V.shape[-1]`. Loop over `range(0, len(K), block)`; `K[first:first + block]` is a block, even when fewer keys are left.
#
# </details>
# <details><summary>Second hint</summary>
#
# In the loop: `higher = torch.maximum(m, scores.max())`, `factor = (m - higher).exp()`, `powers = (scores - higher).exp()`. Then `l = l * factor + powers.sum()`, the same for `o` with `powers @` the block's values, and `m = higher`.
#
# </details>

# %% [markdown]
# ## 10. Order, once more
#
# Our heads had help: the column *place*. Here is a layer with random matrices, eight heads and no such column.
#
# **Before you run it.** Do eight heads notice that the words are shuffled?

# %% tags=["nbval-check-output"]
torch.manual_seed(0)
layer = MultiHeadAttention(64, 8).requires_grad_(False)
text = torch.randn(1, 6, 64)
shuffle = [4, 0, 5, 2, 1, 3]
plain, shuffled = layer(text)[0], layer(text[:, shuffle])[0]
torch.testing.assert_close(shuffled, plain[:, shuffle])
print("shuffled words give shuffled rows, nothing else")

# %% [markdown]
# More heads do not cure blindness to order. A column for the place does, and that we filled by hand, for three words. Where does it come from in a model that reads any sentence, of any length? [03](03_text_to_tensors.ipynb) answers.
#
# ## Quiz
#
# **1.** You give `nn.MultiheadAttention` the padding mask `ids != 0`. What do the words of a short sentence hear?
#
# <details><summary>The PADs alone</summary>
#
# Right. Its True forbids. No error tells you.
#
# </details>
# <details><summary>The words alone</summary>
#
# With our functions. Its True forbids: give it `ids == 0`.
#
# </details>
# <details><summary>Both: PAD is all zeros, so hiding it changes nothing</summary>
#
# Zeros are not harmless: $e^0 = 1$ takes its share.
#
# </details>

# %% [markdown]
# **2.** You double the number of heads and leave $d_\text{model}$. What happens to $W_o$?
#
# <details><summary>It gets twice as many rows</summary>
#
# It would if each head kept its width. That is halved.
#
# </details>
# <details><summary>It has less to do: more heads are averaged</summary>
#
# Averaged, ours gave (4.75, 4.75): no sign. Side by side, they meet in $W_o$.
#
# </details>
# <details><summary>It keeps its shape, as the other three do</summary>
#
# Right. The same matrices are cut into narrower strips: no parameter more.
#
# </details>

# %% [markdown]
# **3.** Your attention has the right shapes and learns badly. Which line is wrong?
#
# <details><summary><code>x.view(B, T, H, d_head).transpose(1, 2)</code></summary>
#
# That is right: it cuts the words, then swaps.
#
# </details>
# <details><summary><code>x.view(B, H, T, d_head)</code></summary>
#
# Right. The shape fits, and a head gets parts of different words.
#
# </details>
# <details><summary><code>heads.transpose(1, 2).flatten(2)</code></summary>
#
# That is the right way back.
#
# </details>

# %% [markdown]
# **4.** 12 German words ask 9 English ones, in 8 heads and a batch of 32. The weights have shape
#
# <details><summary>(32, 8, 9, 12)</summary>
#
# Rows ask. German asks here.
#
# </details>
# <details><summary>(32, 8, 12, 9)</summary>
#
# Right: $(B, H, T, S)$.
#
# </details>
# <details><summary>(32, 12, 9)</summary>
#
# Each head has a table of its own.
#
# </details>

# %% [markdown]
# **5.** A text becomes ten times as long. The table of weights then needs
#
# <details><summary>100 times the memory</summary>
#
# Right: ten times the rows, and ten times the columns.
#
# </details>
# <details><summary>10 times</summary>
#
# That holds for the projections.
#
# </details>
# <details><summary>The same: $d_\text{model}$ has not changed</summary>
#
# The table is $T \times S$; $d_\text{model}$ is not in it.
#
# </details>

# %% [markdown]
# ## Where you are
#
# 01's single heads have become whole attentions, and the decoder's look at the encoder is there:

# %%
from lessons_lib.figures import model_map

model_map.show("02")

# %% [markdown]
# ## Summary
#
# 1. Short sentences are padded, and a padding mask hides the PADs as columns; zeros alone do not.
# 2. A row has one budget of 1, so two answers need two heads; $W_o$ mixes their answers.
# 3. Heads are strips of one matrix: view, then transpose. Their number costs no parameters.
# 4. Self- and cross-attention are one function with other inputs; masks combine by `&`, and PyTorch's module wants them inverted.
# 5. Weights grow with $T \times S$, but need not be held all at once; and all this is still blind to order without a place.
#
# Next, [03](03_text_to_tensors.ipynb): where the vectors come from.
#
# ## References
#
# - Vaswani and others (2017): [*Attention Is All You Need*](https://arxiv.org/abs/1706.03762), section 3.2.2 (heads) and 3.2.3 (the three attentions), table 1 (cost).
# - Voita and others (2019): [*Analyzing Multi-Head Self-Attention*](https://arxiv.org/abs/1905.09418), sections 5 (what some heads do) and 6 (many can be removed).
# - Milakov, Gimelshein (2018): [*Online normalizer calculation for softmax*](https://arxiv.org/abs/1805.02867), section 3.
# - Dao and others (2022): [*FlashAttention*](https://arxiv.org/abs/2205.14135), section 3.1.
# - "Zen and the Art of Computer Programming" (pen name, undated): *大语言模型原理与工程实践：大语言模型训练技术选型技巧* (Chinese), section 4.2. The article.
