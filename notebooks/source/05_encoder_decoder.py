# %% [markdown]
# # The whole model: encoder and decoder
#
# Two sentences made of the same words, and a Transformer that ships with this course:

# %% tags=["nbval-check-output"]
from lessons_lib.translation import Translator

translator = Translator.load("grammar-en-de")
for english in ("The dog bites the man.", "The man bites the dog."):
    print(english, "->", translator.translate([english])[0])

# %% [markdown]
# *der* marks who acts, *den* who suffers; *Hund* is the dog, *Mann* the man. English says by **place** who bites, German by **case**; the model gets these two right.
#
# **What stands between the sentence and the answer?** You have its parts: attention of many heads (02), embeddings and positions (03), the block (04). Here you put them together in 60 lines, and with the same weights your model gives the same answers.
#
# **You will be able to**
# - say what probability a model gives to a whole sentence, and where it pays for a mistake;
# - build the decoder's layer and the whole Transformer, equal to PyTorch's;
# - prove which output sees which input;
# - count parameters and multiplications with a pencil, and correct a popular rule of thumb;
# - tell the three families of Transformers apart by who sees whom.
#
# **Prerequisites:** attention of many heads with its masks ([02](02_multi_head_attention.ipynb)), embeddings and positions ([03](03_text_to_tensors.ipynb)), the block ([04](04_transformer_block.ipynb)). **Time:** 65 minutes to read, 55 for the exercises; the cells run in 10 seconds.
#
# ## 1. A sentence, one word at a time
#
# Nobody can *list* all German sentences with a probability each. A translator gives one to **the next word**, again and again; their product is the sentence's. Invented numbers for *the dog bites the man*, with **⟨BOS⟩** for the beginning of a sentence and **⟨EOS⟩** for its end:
#
# | after … | comes | with probability | bits |
# |---|---|---|---|
# | ⟨BOS⟩ | der | ½ | 1 |
# | … der | Hund | ½ | 1 |
# | … Hund | beißt | 1 | 0 |
# | … beißt | den | ½ | 1 |
# | … den | Mann | ½ | 1 |
# | … Mann | ⟨EOS⟩ | 1 | 0 |
# | **the sentence** | | ½ · ½ · 1 · ½ · ½ · 1 = **1/16** | **4** |
#
# (*beißt* is bites.) A **bit** is one halving, $\log_2 (1/p)$: ½ costs 1 bit, ¼ costs 2, certainty costs 0. Products become sums. In symbols, with $x$ the sentence read and $y_1 \ldots y_T$ the words written:
#
# $$p(y \mid x) = \prod_{t=1}^{T} p(y_t \mid y_1 \ldots y_{t-1},\, x)$$
#
# ⟨EOS⟩ counts as a word, $y_T$: stopping has a probability, too. ⟨BOS⟩ does not: it is given, what stands before $y_1$.
#
# ### Exercise 1 (pencil, 5 minutes)
# The mirror, *der Mann beißt den Hund*, for the same English sentence: der ½, Mann ¼, beißt ½, den ½, Hund ¼, ⟨EOS⟩ ½. How many bits does it cost, and how many times less likely is it than the sentence above?

# %% tags=["exercise"] stub="answer = [..., ...]  # bits, times less likely"
from lessons_lib.exercises import check

### BEGIN SOLUTION
answer = [8, 16]
### END SOLUTION
check("whole_model.mirror_bits", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Turn each of the six probabilities into bits, and add.
#
# </details>
# <details><summary>Second hint</summary>
#
# It costs four bits more than the other, and each bit is a halving.
#
# </details>

# %% [markdown]
# Now real numbers. The model takes the ids of the sentence read, $(B, S)$, and of the words written so far, $(B, T)$. It returns one score for each of the $V$ words of its vocabulary, at each position: $(B, T, V)$. Such scores are called **logits**; a softmax over the last axis makes probabilities of them.

# %%
import torch
from lessons_lib.tokenization import BOS_ID, EOS_ID, PAD_ID

torch.set_grad_enabled(False)  # nothing is trained here
model, tokenizer = translator.trained.model, translator.trained.tokenizer

def read(english):  # ids (1, S)
    return torch.tensor([[*translator.ids(english), EOS_ID]])

def written(german):  # ids (1, T + 1)
    return torch.tensor([[BOS_ID, *tokenizer.encode(german), EOS_ID]])


# %% tags=["nbval-check-output"]
source = read("The dog bites the man.")
german = written("der Hund beißt den Mann.")
print("read   ", source.tolist())
print("written", german.tolist())

# %% [markdown]
# (First words are written small; the capital is put back at the very end.) The decoder *reads* all but the last id, and has to *predict* all but the first:

# %% tags=["nbval-check-output"]
marks = {PAD_ID: "⟨PAD⟩", BOS_ID: "⟨BOS⟩", EOS_ID: "⟨EOS⟩"}

def names(ids):
    return [marks.get(i) or tokenizer.decode([i]).strip()
            for i in ids.tolist()]

print("reads   ", *(f"{word:6}" for word in names(german[0, :-1])))
print("predicts", *(f"{word:6}" for word in names(german[0, 1:])))

# %% [markdown]
# By columns: at *der* predict *Hund*. The causal mask keeps a position from what stands to its right, so **one pass gives all predictions of a sentence**. Four German sentences, for *The dog bites the man*:
#
# | | |
# |---|---|
# | der Hund beißt den Mann | right |
# | der Hund beißt der Mann | no German: both act, nobody suffers |
# | der Mann beißt den Hund | the mirror |
# | den Mann beißt der Hund | right again: *den Mann* still suffers, though he comes first |
#
# **Before you run the next cell:** which is the cheapest for the model, and which the most expensive?

# %% tags=["nbval-check-output"]
def word_bits(english, german):  # -> (T,)
    target = written(german)
    logits = model(read(english), target[:, :-1])  # (1, T, V)
    p = torch.softmax(logits, dim=-1)[0]           # (T, V)
    right = [row[word] for row, word in zip(p, target[0, 1:])]
    return (1 / torch.stack(right)).log2()

for sentence in ("der Hund beißt den Mann.", "der Hund beißt der Mann.",
                 "der Mann beißt den Hund.", "den Mann beißt der Hund."):
    bits = word_bits("The dog bites the man.", sentence)
    print(f"{sentence}  {bits.sum():5.0f} bits")

# %% [markdown]
# The right sentence costs next to nothing, the mirror fifty halvings. But the last one, right as well, costs most, 78. Word by word, with what the model wants there:

# %%
def word_by_word(english, german):
    target = written(german)
    wants = model(read(english), target[:, :-1])[0].argmax(dim=-1)
    bits = [f"{b:.0f}" for b in word_bits(english, german)]
    for name, row in (("wants", names(wants)), ("bits", bits),
                      ("is given", names(target[0, 1:]))):
        print(f"{name:9}", *(f"{word:6}" for word in row))

# %% tags=["nbval-check-output"]
for sentence in ("der Mann beißt den Hund.", "den Mann beißt der Hund."):
    word_by_word("The dog bites the man.", sentence)

# %% [markdown]
# The mirror pays at two words, 26 and 24. *der* is free, since both begin so. The next word decides who bites, and nothing written so far can tell: the decoder has to **look at what was read**.
#
# The last sentence pays at four. *den* costs 20 bits; *Mann* and *Hund* as much as in the mirror, for after *den*, too, the model wants *Hund*, and after *den Mann beißt* another *den*. It fills the places of a statement's usual order; *den* does not tell it otherwise. Count the beginnings in its training data:

# %% tags=["nbval-check-output"]
from lessons_lib.corpus import load_grammar

first_words = [pair.target.split()[0] for pair in load_grammar("train")]
for word in ("Der", "Den"):
    n = first_words.count(word)
    print(f"{n:,} training sentences begin with {word}")

# %% [markdown]
# **A probability says what a model has seen, not what is right.**
#
# ## 2. The encoder: a memory that grows
#
# The half that reads is all from 03 and 04: rows of the table times $\sqrt{d_\text{model}}$, plus positions, then a stack of blocks (`EncoderLayer`) and, with pre-norm, one more norm.

# %%
from torch import nn
from lessons_lib.layers import EncoderLayer

class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layers = nn.ModuleList(
            EncoderLayer(config) for _ in range(config.n_encoder_layers))
        self.final_norm = nn.LayerNorm(config.d_model)

    def forward(self, x, mask):
        for layer in self.layers:
            x = layer(x, mask)  # (B, S, d_model) in, the same out
        return self.final_norm(x)

# %% [markdown]
# The weights come from the shipped model, which holds its numbers in the same order as ours will.

# %% tags=["nbval-check-output"]
def copy_weights(old, new):
    for a, b in zip(old.parameters(), new.parameters(), strict=True):
        assert a.shape == b.shape
        b.copy_(a)
    return new

config = model.config
encoder = copy_weights(model.encoder, Encoder(config))
print(config.n_encoder_layers, "layers, d_model", config.d_model)

# %% [markdown]
# What comes out is called the **memory**. **Before you run the next cell:** three sentences of 5, 7 and 13 tokens. Which shapes do their memories have?

# %% tags=["nbval-check-output"]
from lessons_lib.positions import sinusoidal_table

def enter(ids):  # (B, n) -> (B, n, d_model)
    x = model.table(ids) * config.d_model**0.5
    return x + sinusoidal_table(ids.shape[1], config.d_model)

for english in ("The dog sleeps.", "The dog bites the man.",
                "The dog bites the man because the man sees the dog."):
    memory = encoder(enter(read(english)), None)
    print(f"{english:52} {tuple(memory.shape)}")

# %% [markdown]
# One vector a token: the memory is $S \times d_\text{model}$ and **grows with the sentence**.
#
# > **What the article says** (2.2, 3.2 and 4.1): the encoder turns its input into a vector *of fixed length*. That was so in translators before attention (Sutskever and others 2014). A Transformer's memory has a row for each token, as the shapes above show. Section 4 squeezes it into one vector.
#
# ## 3. The decoder's layer
#
# The half that writes asks three things, one after the other:
#
# 1. **What have I written?** Self-attention under the causal mask: queries, keys and values all come from the words written, $(x, x, x)$.
# 2. **What was said?** Cross-attention (02): queries from the words written, keys and values from the memory, $(x, m, m)$. No causal mask: the source is known to its end. Only padding is hidden.
# 3. **What follows from it?** Feed-forward, each position for itself.
#
# Each has its norm before and its residual around, so there are three of both.

# %%
from lessons_lib.attention import MultiHeadAttention
from lessons_lib.layers import FeedForward

class DecoderLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, heads = config.d_model, config.n_heads
        self.self_attention = MultiHeadAttention(width, heads)
        self.cross_attention = MultiHeadAttention(width, heads)
        self.feed_forward = FeedForward(
            width, config.d_ff, nn.ReLU(), nn.Identity())  # no dropout
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def forward(self, x, mask, memory, memory_mask):
        first, second, third = self.norms
        x = x + self.self_attention(first(x), mask=mask)[0]  # no weights
        # the norm of x asks, memory gives keys and values
        x = x + self.cross_attention(second(x), memory, memory_mask)[0]
        return x + self.feed_forward(third(x))

# %% [markdown]
# **Before you run it:** the decoder has written $T = 3$ words, the memory has $S = 5$ rows. Which shape comes out, and which shape does the causal mask need?

# %% tags=["nbval-check-output"]
from lessons_lib.attention import causal_mask

librarys = model.decoder.layers[0]
layer = copy_weights(librarys, DecoderLayer(config))
generator = torch.Generator().manual_seed(5)
x = torch.randn(1, 3, 128, generator=generator)  # (B, T, d_model)
m = torch.randn(1, 5, 128, generator=generator)  # (B, S, d_model)
out = layer(x, causal_mask(3), m, None)
torch.testing.assert_close(out, librarys(x, causal_mask(3), m, None))
print(tuple(out.shape), "and the same as the library's layer")

# %% [markdown]
# $(T, d_\text{model})$ comes out; mask: $(T, T)$. $S$ does not show: cross-attention mixes five rows into three answers. 
#
# ### Exercise 2 (warm-up, 3 minutes)
# A batch of 2 sentences, 4 heads, 3 words written, 5 read, $d_\text{model} = 128$. Which shape have the **attention weights of cross-attention** in one layer?

# %% tags=["exercise"] stub="answer = [..., ..., ..., ...]"
### BEGIN SOLUTION
answer = [2, 4, 3, 5]
### END SOLUTION
check("whole_model.shapes", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Sentences, heads, then a table: who asks by row, who is asked by column.
#
# </details>
# <details><summary>Second hint</summary>
#
# The words written ask; the words read are asked.
#
# </details>

# %% [markdown]
# ### Exercise 3 (core, 12 minutes)
# The paper of 2017 put each norm *after* the sum: $x \leftarrow \text{norm}(x + f(x))$, three times. Write that layer with one head and without matrices, from the three functions below. $x$ is $(T, d)$, the memory $(S, d)$, the mask $(T, T)$, True where looking is allowed.

# %% tags=["exercise"]
from lessons_lib.exercises.whole_model import attend, norm, think
# attend(q, k, v, mask=None), norm(x), think(x): rows in, rows out

def paper_layer(x, memory, mask):
    ### BEGIN SOLUTION
    x = norm(x + attend(x, x, x, mask))
    x = norm(x + attend(x, memory, memory))
    return norm(x + think(x))
    ### END SOLUTION

check("whole_model.paper_layer", paper_layer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Three lines, one a question. Each takes the `x` that the line before has left.
#
# </details>
# <details><summary>Second hint</summary>
#
# The first line is `x = norm(x + attend(x, x, x, mask))`. In the second, who hands over keys and values, and is there a mask?
#
# </details>

# %% [markdown]
# ## 4. The whole model
#
# The decoder is a stack of such layers, with a last norm as in the encoder:

# %%
class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layers = nn.ModuleList(
            DecoderLayer(config) for _ in range(config.n_decoder_layers))
        self.final_norm = nn.LayerNorm(config.d_model)

    def forward(self, x, mask, memory, memory_mask):
        for layer in self.layers:
            x = layer(x, mask, memory, memory_mask)
        return self.final_norm(x)

# %% [markdown]
# One thing is missing: from $d_\text{model}$ numbers to a score for each of $V$ words. The **output layer** compares the decoder's final vector $h$, its **hidden state**, with the embedding of every word: the score of word $w$ is $h \cdot e_w$. A query once more, with the vocabulary as its keys. The table, $(V, d_\text{model})$, is the one that words came in by; so it serves three times, for the words read, the words written (03's vocabulary holds both languages) and the output: a **tied table** (Press and Wolf 2017).

# %%
from lessons_lib.attention import padding_mask

class Transformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.table = nn.Embedding(config.vocabulary_size, config.d_model)
        self.encoder, self.decoder = Encoder(config), Decoder(config)

    def enter(self, ids):  # (B, n) -> (B, n, d_model)
        x = self.table(ids) * self.table.embedding_dim**0.5
        return x + sinusoidal_table(*x.shape[1:])

    def encode(self, source):
        mask = padding_mask(source, PAD_ID)  # (B, 1, 1, S)
        return self.encoder(self.enter(source), mask), mask

    def decode(self, target, memory, memory_mask):
        mask = causal_mask(target.shape[1])  # (T, T)
        return self.decoder(self.enter(target), mask, memory, memory_mask)

    def scores(self, hidden):
        return hidden @ self.table.weight.T  # (B, T, V)

    def forward(self, source, target):
        return self.scores(self.decode(target, *self.encode(source)))

# %% [markdown]
# With the shipped weights it computes what the library's model computes:

# %% tags=["nbval-check-output"]
ours = copy_weights(model, Transformer(config))
target = german[:, :-1]
torch.testing.assert_close(ours(source, target), model(source, target))
print("logits:", tuple(ours(source, target).shape), "the same")

# %% [markdown]
# After *der*, the likeliest word for each sentence, in percent:

# %% tags=["nbval-check-output"]
for english in ("The dog bites the man.", "The man bites the dog."):
    logits = ours(read(english), target[:, :2])[0, -1]  # (V,) after: der
    p, ids = torch.softmax(logits, dim=-1).topk(1)
    print(english, *(f"{w} {100 * q:.0f}" for w, q in zip(names(ids), p)))

# %% [markdown]
# To write a sentence, take the likeliest word again and again until ⟨EOS⟩ comes.

# %% tags=["nbval-check-output"]
def write(memory, memory_mask, most=20):
    words = [BOS_ID]
    while words[-1] != EOS_ID and len(words) < most:
        hidden = ours.decode(torch.tensor([words]), memory, memory_mask)
        words.append(int(ours.scores(hidden)[0, -1].argmax()))
    return tokenizer.decode(words[1:-1]).strip()

for english in ("The dog bites the man.", "The man bites the dog."):
    print(english, "->", write(*ours.encode(read(english))))

# %% [markdown]
# **Now squeeze the memory** into one vector of fixed length, its mean over the words. **Before you run it:** the model never learned to live with that. What will it still get right: the verb, the grammar, who bites whom?

# %% tags=["nbval-check-output"]
for english in ("The dog bites the man.", "The man bites the dog."):
    memory, mask = ours.encode(read(english))
    squeezed = memory.mean(dim=1, keepdim=True)  # (1, 1, d_model)
    # one row, so a mask for one
    print(english, "->", write(squeezed, mask[..., :1]))

# %% [markdown]
# *The lion bites the tea*, both times. The verb has survived, and the grammar, which the decoder knows by itself; who bites whom is gone. (A model trained so does better, and fails as sentences grow: Cho and others 2014.)
#
# **Try it.** Write from `memory, mask = ours.encode(read("The cat sees the bird."))`, then from its first three rows, `memory[:, :3]` and `mask[..., :3]`.
#
# <details><summary>Answer</summary>
#
# *Die Katze sieht den Vogel* (the cat sees the bird). With three rows the cat and her seeing are there; then it stutters, *sieht sieht alte Katze*: nothing tells it whom she sees.
#
# </details>
#
# ### Equal to PyTorch's
#
# `nn.Transformer` holds two stacks, no table and no output layer. Its attention keeps the three projections in one matrix (02), so put ours side by side; all else has the same order. The source gets three ⟨PAD⟩, to compare masks, too.

# %%
def packed(layer):  # our parameters, in PyTorch's order
    for part in layer.children():
        if isinstance(part, MultiHeadAttention):
            three = part.project_q, part.project_k, part.project_v
            yield torch.cat([p.weight for p in three])
            yield torch.cat([p.bias for p in three])
            part = part.project_out
        yield from part.parameters()

# %% tags=["nbval-check-output"]
import warnings
warnings.filterwarnings("ignore", "enable_nested_tensor")  # a speed-up

twin = nn.Transformer(128, 4, 2, 2, 256, dropout=0.0,
                      batch_first=True, norm_first=True)
for old, new in ((ours.encoder, twin.encoder), (ours.decoder, twin.decoder)):
    for a, b in zip(old.layers, new.layers, strict=True):
        for given, taken in zip(packed(a), b.parameters(), strict=True):
            taken.copy_(given)
    copy_weights(old.final_norm, new.norm)
for half in (twin.encoder, twin.decoder):
    n = sum(p.numel() for p in half.parameters())
    print(f"{n:,} parameters copied")

# %%
padding = torch.full((1, 3), PAD_ID)
padded = torch.cat([source, padding], dim=1)  # (1, S + 3)

# %%
def pytorchs(source, target):
    pad = source == PAD_ID                     # PyTorch's True: hidden
    future = ~causal_mask(target.shape[1])
    hidden = twin(ours.enter(source), ours.enter(target), tgt_mask=future,
                  src_key_padding_mask=pad, memory_key_padding_mask=pad)
    return ours.scores(hidden)

# %% tags=["nbval-check-output"]
a, b = ours(padded, target), pytorchs(padded, target)
torch.testing.assert_close(b, a, atol=1e-3, rtol=1e-4)  # sums reordered
last_norm, twin.encoder.norm = twin.encoder.norm, None
apart = (pytorchs(padded, target) - a).abs().max()
twin.encoder.norm = last_norm
print("equal; without the encoder's last norm by more than 1 apart:",
      bool(apart > 1))
default = nn.Transformer(8, 2, 1, 1, 16)  # post-norm
print("post-norm ends in one more:", type(default.encoder.norm).__name__)

# %% [markdown]
# Beware when you copy a *post-norm* model, whose layers end in a norm already: PyTorch's `nn.Transformer` adds last norms there, too; our library does not.
#
# ## 5. Who sees whom
#
# "The mask hides the future" is a claim about code, and code can be wrong without an error. A test settles it: **change one input, and see which outputs move.**
#
# ### Exercise 4 (core, 10 minutes)
# `model` here is any function from ids $(n,)$ to outputs $(n, \text{columns})$. Replace the word at `place` by `new` and return a Boolean tensor $(n,)$: which outputs moved? Leave `ids` itself as it is.

# %% tags=["exercise"]
def moved(model, ids, place, new):
    ### BEGIN SOLUTION
    other = ids.clone()
    other[place] = new
    return (model(other) != model(ids)).any(dim=-1)
    ### END SOLUTION

check("whole_model.moved", moved)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Change a copy, `ids.clone()`, and run the model on both.
#
# </details>
# <details><summary>Second hint</summary>
#
# Compare with `!=`, then ask along the last axis whether *any* number differs: `.any(dim=-1)`.
#
# </details>

# %% [markdown]
# For our model: how *far* does each prediction move when a word is replaced by *cat*, or *Katze* in the German sentence?

# %%
CAT, KATZE = read("the cat")[0, 1], written("die Katze")[0, 2]

def movement(model, side):  # -> (T predictions, 7 words changed)
    before, columns = model(source, target), []
    for place in range(7):  # both rows have 7 ids
        english, german = source.clone(), target.clone()
        if side == "English":
            english[0, place] = CAT
        else:
            german[0, place] = KATZE
        change = model(english, german) - before  # (1, T, V)
        columns.append(change.abs().amax(dim=-1)[0])
    return torch.stack(columns, dim=1)

# %% [markdown]
# And a model with a planted bug, a decoder that forgets the causal mask:

# %%
class Forgetful(Transformer):
    def decode(self, target, memory, memory_mask):
        return self.decoder(self.enter(target), None, memory, memory_mask)

forgetful = copy_weights(ours, Forgetful(config))
tables = {}  # (side, mask kept) -> movement
for side in ("German", "English"):
    tables[side, True] = movement(ours, side)
    tables[side, False] = movement(forgetful, side)

# %% [markdown]
# **Before you run the next cell**, sketch three tables, a row for each prediction, a column for each word changed. Which cells are 0: when a German word changes, when an English word changes, and when a German word changes and the mask is forgotten?

# %%
from lessons_lib.figures import whole_model as pictures

movements = pictures.Movements(
    tuple(names(source[0])), tuple(names(target[0])),
    tuple(names(german[0, 1:])), tables)
pictures.who_moves(movements)

# %% tags=["nbval-check-output"]
future = ~causal_mask(7)  # the word changed lies ahead
for (side, kept), table in tables.items():
    print(f"{side:8} {'mask   ' if kept else 'no mask'}"
          f"  exactly 0: {int((table == 0).sum()):2}"
          f"  of them ahead: {int((table[future] == 0).sum()):2}")

# %% [markdown]
# With the mask, the 21 cells above the diagonal are **exactly** 0, not small: a masked word gets a weight of 0, and 0 times anything adds nothing. All others move, and an English word moves every prediction. Without the mask everything moves: such a model sees in training the very word that it has to predict. Its loss falls too low, and it cannot write (06 trains one).

# %%
pictures.change(movements)

# %% [markdown]
# Move the slider, choose the sentence in which a word is replaced, and take the mask away. Can you find an English word that leaves some prediction as it was?

# %%
from lessons_lib.widgets import whole_model as live

live.word_changer(movements)

# %% [markdown]
# <details><summary>What you should have seen</summary>
#
# No: every English word reaches every prediction. In the German sentence the first that moves stands straight *below* the replaced word: that position reads it, and predicts the one after it.
#
# </details>
#
# ### Padding
#
# The other promise: padding must not change what is computed for the real words. Add three ⟨PAD⟩ to the sentence read, with the padding mask and without, then to the sentence written:

# %% tags=["nbval-check-output"]
before, kept = ours(source, target), ours(padded, target)
memory, _ = ours.encode(padded)
forgotten = ours.scores(ours.decode(target, memory, None))
longer = ours(source, torch.cat([target, padding], dim=1))
for name, after in (("read, masked", kept),
                    ("read, no mask in cross-attention", forgotten),
                    ("written, no padding mask", longer[:, :7])):
    apart = (after - before).abs().max()
    print(f"{name:33} moved by 0.0001: {bool(apart > 0.0001)}")

# %% [markdown]
# (Not *exactly* 0 this time: ten numbers are added up in another order than seven, and rounded differently. Exactness is asked where shapes are the same.) Padding in the *written* row needs no mask of its own: it lies in the future of every real word.
#
# ## 6. What it costs
#
# How many parameters? Each part's count follows from its shapes.
#
# ### Exercise 5 (pencil, 10 minutes)
# A toy Transformer: $d_\text{model} = 4$, 2 heads, feed-forward width 8, a vocabulary of 10, one layer in each stack. Linear layers and norms have biases; pre-norm, with a final norm after each stack; sinusoidal positions; one tied table, no bias at the output. How many parameters?

# %% tags=["exercise"]
### BEGIN SOLUTION
answer = 488
### END SOLUTION
check("counting.parameters", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# One attention: four matrices of 4 · 4 and four biases of 4, so 80. The heads share them. Feed-forward: 4 · 8 + 8, then 8 · 4 + 4. A norm: gain and bias, 4 each.
#
# </details>
# <details><summary>Second hint</summary>
#
# The encoder's layer has one attention, a feed-forward and two norms; the decoder's two attentions, a feed-forward and three norms. Then two final norms, and 10 rows of 4 in the table.
#
# </details>

# %% [markdown]
# For any size, held against our class:

# %% tags=["nbval-check-output"]
from lessons_lib.config import ModelConfig

def count(d, d_ff, V, layers):
    attention, norm = 4 * (d * d + d), 2 * d
    feed_forward = 2 * d * d_ff + d_ff + d
    encoder = layers * (attention + feed_forward + 2 * norm) + norm
    decoder = layers * (2 * attention + feed_forward + 3 * norm) + norm
    return {"table": V * d, "encoder": encoder, "decoder": decoder}

toy = Transformer(ModelConfig(
    10, d_model=4, n_heads=2, d_ff=8, dropout=0.0,
    n_encoder_layers=1, n_decoder_layers=1))
for name, parts, built in (("toy", count(4, 8, 10, 1), toy),
                           ("shipped", count(128, 256, 3085, 2), ours)):
    total = sum(p.numel() for p in built.parameters())
    assert total == sum(parts.values())
    listed = "  ".join(f"{part} {n:,}" for part, n in parts.items())
    print(f"{name:8} {listed}  together {total:,}")
print(f"the shipped model's table: {parts['table'] / total:.0%}")

# %%
pictures.parameters({
    "shipped, 2 + 2 layers": count(128, 256, 3085, 2),
    "4 + 4 layers, V = 6,000": count(128, 256, 6000, 4),
    "paper's base, 6 + 6": count(512, 2048, 37000, 6)})

# %% [markdown]
# 37 % of the shipped model is its table: *words* are expensive, here and in the paper's model. The decoder outweighs the encoder, since its layers have a second attention. (The paper says 65 million for its base model; our count is 63.)
#
# **Multiplications.** A weight works once for each token that passes it, with a multiplication and its addition: a **multiply–add**. In the toy a matrix of attention has 4·4 = 16 weights, one of the feed-forward 32. With $S = 5$ words read and $T = 6$ written:
#
# | | for one token | tokens | multiply–adds |
# |---|---|---|---|
# | encoder's layer | 4·16 + 2·32 = 128 | 5 | 640 |
# | decoder, self-attention | 4·16 = 64 | 6 | 384 |
# | cross-attention, queries and output | 2·16 = 32 | 6 | 192 |
# | cross-attention, keys and values | 2·16 = 32 | **5** | 160 |
# | decoder, feed-forward | 2·32 = 64 | 6 | 384 |
# | output layer | 10·4 = 40 | 6 | 240 |
# | **with weights** | | | **2,000** |
# | scores and mixing, 2·4 a pair of words | 8 | 25 + 36 + 30 pairs | **728** |
#
# A **FLOP** is one floating-point operation, so each multiply–add counts two: 2 · 2,728 = 5,456. (Masked pairs are computed, too.) A popular rule says *2 × parameters × tokens*. **Before you run the next cell:** with 488 parameters and 11 tokens, is it right?

# %% tags=["nbval-check-output"]
from torch.utils.flop_counter import FlopCounterMode

counter = FlopCounterMode(display=False)
with counter:
    toy(torch.full((1, 5), 3), torch.full((1, 6), 3))
flops = counter.get_flop_counts()  # by part of the model
for part in ("Transformer.encoder", "Transformer.decoder", "Transformer"):
    print(f"{part:24} {sum(flops[part].values()):6,}")
print(f"2 x parameters x tokens  {2 * 488 * 11:6,}")

# %% [markdown]
# Twice too much. (5,456 is the pencil's; its last 480 are the output layer's.) The rule lets every token pass every weight, but **a token passes only its own half**: the 5 words read meet two of the decoder's matrices, the 6 words written none of the encoder's. Nor are biases and norms (128 parameters) or look-ups products of matrices. One stack fits better (section 7).
#
# ### Exercise 6 (stretch, 15 minutes)
# Turn the table into a function of $S$, $T$, $d$ = $d_\text{model}$, $d_\text{ff}$ and $V$: all multiply–adds of one encoder layer, one decoder layer and the output layer, scores and mixing too.

# %% tags=["exercise"]
def multiply_adds(S, T, d, d_ff, V):
    ### BEGIN SOLUTION
    encoder = S * (4 * d * d + 2 * d * d_ff)
    decoder = T * (6 * d * d + 2 * d * d_ff) + S * 2 * d * d
    pairs = S * S + T * T + T * S
    return encoder + decoder + T * d * V + 2 * d * pairs
    ### END SOLUTION

check("counting.multiply_adds", multiply_adds)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Line by line: 16 is $d^2$, 32 is $d \cdot d_\text{ff}$, 40 is $V d$. Which lines do $S$ tokens pay, which $T$?
#
# </details>
# <details><summary>Second hint</summary>
#
# Pairs: $S^2$ in the encoder, $T^2$ and $T \cdot S$ in the decoder. Each costs $d$ for its score and $d$ for the mixing. With (5, 6, 4, 8, 10) the answer is 2728.
#
# </details>

# %% [markdown]
# ## 7. Three families, one set of parts
#
# Take the decoder's layer and silence its cross-attention, so that it answers 0. What is left?

# %% tags=["nbval-check-output"]
block, silent = EncoderLayer(config), DecoderLayer(config)
for old, new in ((block.self_attention, silent.self_attention),
                 (block.feed_forward, silent.feed_forward)):
    copy_weights(old, new)
for p in silent.cross_attention.project_out.parameters():
    p.zero_()
mask = causal_mask(3)
print(torch.equal(silent(x, mask, m, None), block(x, mask)))

# %% [markdown]
# An encoder's block with a causal mask. (Fresh norms are all alike, so they need no copying.) What makes the families, **encoder only**, **decoder only** and **encoder–decoder**, is not the parts. It is the mask, and whether somebody else's words are asked:

# %%
pictures.families()

# %% [markdown]
# | | encoder only | decoder only | encoder–decoder |
# |---|---|---|---|
# | mask | padding | causal | padding; causal where it writes |
# | layer | block | block | block; block + cross-attention |
# | learns by | filling gaps | the next word | the next word, given a source |
# | good for | classifying, searching | going on with a text | translating, summarising |
#
# > **What the article says** (2.1, 2.2): large language models "usually" have an encoder and a decoder, and it names GPT and BERT. GPT has a decoder only (Radford and others 2018), BERT an encoder only (Devlin and others 2019). The Transformer of 2017, BART and T5 have both halves. Most large language models of today have a decoder only: a question is the beginning of a text, and they go on with it.
#
# One stack of the toy's size, decoder only, reading the same 11 tokens:

# %%
with FlopCounterMode(display=False) as counter:
    x = toy.enter(torch.full((1, 11), 3))
    toy.scores(toy.encoder(x, causal_mask(11)))

# %% tags=["nbval-check-output"]
parts = count(4, 8, 10, 1)
n = parts["table"] + parts["encoder"]
print(f"{n} parameters, {counter.get_total_flops():,} FLOPs;"
      f" by the rule {2 * n * 11:,}")

# %% [markdown]
# Here the rule is a seventh too low: it forgets scores and mixing (1,936), counts biases and norms (1,144).

# %% [markdown]
# **Try it.** Make a decoder-only model from our classes: `Encoder(config)` given `causal_mask(n)` instead of `None`. Check with two runs that its first output does not move when the last word changes.
#
# <details><summary>Answer</summary>
#
# `one = Encoder(config); a = one(enter(source), causal_mask(7))`, then the same with the last id replaced, `b`: `torch.equal(a[:, :-1], b[:, :-1])` is True.
#
# </details>
#
# ## 8. Before training
#
# If a fresh model favoured nothing, each of the $V = 3085$ words would have probability $1/V$.
#
# **Before you run it:** how many bits is that for one word, roughly? ($2^{10}$ is 1,024. **Nats** are counted with $\ln$ for $\log_2$.)

# %% tags=["nbval-check-output"]
import math
from lessons_lib.models import EncoderDecoder

torch.manual_seed(1)
fresh = EncoderDecoder(config)
for name, one in (("fresh", fresh), ("trained", ours)):
    p = torch.softmax(one(source, target), dim=-1)[0]  # (T, V)
    right = [row[word] for row, word in zip(p, german[0, 1:])]
    bits = (1 / torch.stack(right)).log2().mean()
    print(f"{name:8} {bits:5.1f} bits a word, {bits * math.log(2):4.1f} nats,"
          f" likeliest word {p.max():.2f}")
print(f"log2(V)  {math.log2(3085):5.1f}        ln(V) {math.log(3085):.2f}")

# %% [markdown]
# Near $\log_2 V = 11.6$, and a little above: a fresh model is not quite impartial. Its favourites are no accident:

# %% tags=["nbval-check-output"]
print("reads   ", *(f"{word:6}" for word in names(target[0])))
favourites = fresh(source, target)[0].argmax(dim=-1)  # (T,)
same = int((favourites == target[0]).sum())
print("the favourite is the word just read at", same, "of 7 positions")

# %% [markdown]
# The residual carries a word's own vector up to the output, and the tied table finds it most like itself. The mean of these costs over all words is the *loss* that training lowers. PyTorch counts it in nats: a fresh model should start near $\ln V$, here 8.03 (`fresh` at 8.4), and a start far above says that something is wrong before any training.
#
# ## Quiz
#
# **1.** Why does ⟨EOS⟩ count when a sentence's probability is worked out?
#
# <details><summary>Because every sentence has it, so it makes no difference</summary>
#
# But not with the same probability: after *der Hund beißt* it should be small.
#
# </details>
# <details><summary>Because to stop is one of the model's choices</summary>
#
# Right. Without it, a beginning would be at least as likely as the whole.
#
# </details>
# <details><summary>Because the decoder needs something to start from</summary>
#
# That is ⟨BOS⟩, which is given and never predicted.
#
# </details>

# %% [markdown]
# **2.** A source of 40 tokens instead of 20. What happens to the memory?
#
# <details><summary>It has twice as many rows</summary>
#
# Right. $40 \times d_\text{model}$: one vector a token.
#
# </details>
# <details><summary>It stays as large as it was and gets fuller</summary>
#
# That is the fixed-length vector.
#
# </details>
# <details><summary>Its vectors get twice as wide</summary>
#
# The width is $d_\text{model}$, whatever the sentence.
#
# </details>

# %% [markdown]
# **3.** Why has cross-attention no causal mask?
#
# <details><summary>Its weights have no diagonal, $T$ and $S$ differ</summary>
#
# A mask of shape $(T, S)$ could be made.
#
# </details>
# <details><summary>The self-attention before it has hidden the future already</summary>
#
# That hides words to be written, not words read.
#
# </details>
# <details><summary>The whole source is known before the first word is written</summary>
#
# Right.
#
# </details>

# %% [markdown]
# **4.** You change the fourth German word that the decoder reads, and the prediction at the third position moves by 0.0001. What do you conclude?
#
# <details><summary>Rounding: that is small enough</summary>
#
# A masked word has weight 0 and adds exactly nothing. Rounding cannot bring it back.
#
# </details>
# <details><summary>The causal mask leaks</summary>
#
# Right. Left of the change everything must be *exactly* as before.
#
# </details>
# <details><summary>Nothing, as long as the loss falls</summary>
#
# A leaking mask makes the loss fall faster. That is the danger.
#
# </details>

# %% [markdown]
# **5.** You double the vocabulary of the shipped model. Which counts change?
#
# <details><summary>The table's, and the output layer's multiplications</summary>
#
# Right. Words coming in are looked up, which multiplies nothing; scores going out cost $V d$ a token.
#
# </details>
# <details><summary>The table's, twice: once for words in, once for words out</summary>
#
# It is tied: one table serves both.
#
# </details>
# <details><summary>All of them, by two</summary>
#
# The layers do not know how many words there are.
#
# </details>

# %% [markdown]
# ## Where you are
#
# Every part is built. What is still missing is where the weights come from.

# %%
from lessons_lib.figures import model_map

model_map.show("05", layers=2)

# %% [markdown]
# (Drawn as in the paper; ours norms before, and once more on top of each stack.)

# %% [markdown]
# ## Summary
#
# 1. A sentence's probability is the product of its words' probabilities, ⟨EOS⟩ included; in bits, a sum. One pass gives all of them.
# 2. The encoder's memory has one vector a source token, $S \times d_\text{model}$; the decoder asks it in every layer.
# 3. A decoder layer asks itself under the causal mask, asks the memory, then thinks; the output compares each state with the tied table.
# 4. Masks are proved by changing one input: to its left, nothing may move at all.
# 5. The three families are the same parts under other masks; a token pays only for the stack it passes.
#
# Next, [06](06_training_loop.ipynb) trains it.
#
# ## References
#
# - Vaswani and others (2017): [*Attention Is All You Need*](https://arxiv.org/abs/1706.03762), sections 3.1 to 3.4, figure 1, table 3.
# - Sutskever, Vinyals, Le (2014): [*Sequence to Sequence Learning with Neural Networks*](https://arxiv.org/abs/1409.3215), section 2 (the fixed-length vector, and the product of section 1).
# - Cho, van Merriënboer, Bahdanau, Bengio (2014): [*On the Properties of Neural Machine Translation*](https://arxiv.org/abs/1409.1259), section 5 (what long sentences lose in one vector).
# - Press, Wolf (2017): [*Using the Output Embedding to Improve Language Models*](https://arxiv.org/abs/1608.05859), section 3 (tied tables).
# - Radford, Narasimhan, Salimans, Sutskever (2018): *Improving Language Understanding by Generative Pre-Training*, section 3.1 (GPT).
# - Devlin and others (2019): [*BERT*](https://arxiv.org/abs/1810.04805), section 3.
# - Lewis and others (2020): [*BART*](https://arxiv.org/abs/1910.13461), section 2; Raffel and others (2020): [*T5*](https://arxiv.org/abs/1910.10683), sections 2.1 and 3.2 (the families compared).
# - "Zen and the Art of Computer Programming" (pen name, undated): *大语言模型原理与工程实践：大语言模型训练技术选型技巧* (Chinese), sections 2.1, 2.2, 3.2, 4.1. The article.
