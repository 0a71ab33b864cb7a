# %% [markdown]
# # Start here: your first translation
#
# Describe a photo in English and a small **Transformer** says it in German. That is the kind of model behind today's chat and translation programs; this one runs here, without a network, and the course builds it with you. First choose *Edit → Clear Outputs of All Cells*, here and in every notebook: what they print answers what you are asked to guess. Then click into the cell below and press **Shift+Enter**.

# %%
from lessons_lib.translation import Translator

translator = Translator.load()
translator.translate(["A man rides a bike."])

# %% [markdown]
# Read it word by word: *ein Mann* is *a man*, *fährt* is *rides*, and *Fahrrad* is *bike*; German leaves out *a* here. The form *fährt* goes with *he, she, it*; with *two men* it would have to be *fahren*. Nobody wrote such rules down for this model: it has found most of them in examples.
#
# **Now yours.** Put your own photo description between the quotation marks, one plain sentence, and press Shift+Enter. (The square brackets make a list: you may give it several at once.)

# %%
mine = "Two children play in the snow."
translator.translate([mine])

# %% [markdown]
# (*Zwei Kinder spielen im Schnee* is what the sentence above should give. *Zwei Kinder*: two children; *spielen*: play; *im Schnee*: in the snow.)
#
# **No German?** A second model has learned the other way round. Let it say in English what the first one wrote:

# %%
back = Translator.load("multi30k-de-en")
back.translate(translator.translate([mine]))

# %% [markdown]
# So you can follow whatever comes out. But it is an interpreter, not a judge: both have learned from the same captions.
#
# **You will be able to**
# - translate a photo description with the model that this course builds, and say where it ends;
# - work an exercise of this course, with its hints, its check and its solution, and keep your work;
# - predict the shape of a sum or a product of tensors;
# - let PyTorch compute a gradient, and take a step down it.
#
# **Prerequisites:** some Python (lists, loops, functions) and school mathematics; no machine learning, no German. **Time:** 30 minutes to read, 25 for the exercises; all cells together run in 10 seconds.
#
# ## 1. Ask it something else
#
# Next comes a sentence that any traveller needs: *I must pay the bill tomorrow.* In German it is *Ich muss morgen die Rechnung bezahlen*: *Rechnung* is the bill, *bezahlen* is to pay, *morgen* is tomorrow.
#
# **Before you run the cell:** will it be right, nearly right, or about something else altogether?

# %%
bill = translator.translate(["I must pay the bill tomorrow."])
bill, back.translate(bill)

# %% [markdown]
# Here it wrote *Im Schnurrbart spielt Billard*: in the moustache plays billiards, which the second model made into *A mustache is playing billboard in the mustache*. (Yours may differ a little.) No *Rechnung*, no *bezahlen*, and no *I do not know* either. The cause is in what the model has read. It was trained on 29,000 photo captions of **Multi30k** (Elliott and others 2016, licence CC BY-NC-SA 4.0), each with its German translation, and otherwise only on machine translations of the same captions (08). Counted in the English half (whole words, capital or small):
#
# | in 29,000 captions | times |
# |---|---|
# | *man* | 7,781 |
# | *snow* | 478 |
# | *bike* | 449 |
# | *I* | 27 |
# | captions that end in a question mark | 4 |
# | *bill* | 2 |
# | *tomorrow*, *must* | 0 |
#
# (Both times *bill* is a man called Bill.) A photo shows no tomorrow, no *must* and hardly an *I*. On the German side *Rechnung* and *bezahlen* never occur, so the model never had to write them. It learned the captions' world: people, dogs, bicycles, what they do now. So it is with every model you meet: **it is as wide as its training data**, and it does not tell you where it ends.
#
# **Try it.** Find the edge yourself: give it *A dog is running through the snow*, then *The dog was running through the snow yesterday*, then *Why is the dog running?* Which does it get? (*Yesterday* is *gestern*, *why* is *warum*.)

# %%
edge = [
    "A dog is running through the snow.",
    "The dog was running through the snow yesterday.",
    "Why is the dog running?",
]
written = translator.translate(edge)
written, back.translate(written)

# %% [markdown]
# The first is caption English: *Ein Hund rennt durch den Schnee*, a dog runs through the snow. The second had to lose its yesterday: *gestern* stands in no caption, so it became a dog that runs today, *Der Hund rennt durch den Schnee*. And of the question, one of a kind that the captions hold four times, something like a caption is left: *Sie rennt den Hund*, she runs the dog.
#
# ## 2. How this course works
#
# **Cells.** Clear the outputs, as above. Then read from top to bottom and run each cell with Shift+Enter. Later cells need the earlier ones. If one complains of a name that is not defined, choose *Run → Run All Above Selected Cell*. Change what you like: a fresh copy mends whatever breaks.
#
# **Exercises.** In an exercise's cell you put something in the place of `...`. The last line checks your answer and tells you in words what is right or wrong. Leave an exercise open and the rest of the notebook still runs. Under each exercise are two hints and the solution, folded: click on one to open it. (A copy handed out in class may lack the solutions.)
#
# ### Exercise 1 (warm-up, 3 minutes)
# A model does not read its training sentences one by one but in **batches**. Say the 29,000 captions are cut into batches of 64; the last batch takes what is left. How many batches make one pass through the data? Put the number where the dots are.

# %% tags=["exercise", "nbval-check-output"]
from lessons_lib.exercises import check

### BEGIN SOLUTION
batches = 454
### END SOLUTION
check("start.batches", batches)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Divide 29,000 by 64. The result is no whole number: what does the part after the point mean?
#
# </details>
# <details><summary>Second hint</summary>
#
# 64 × 453 = 28,992. How many sentences are left, and where do they go?
#
# </details>

# %% [markdown]
# Type `29000 * 64` as well and run the cell: the check knows the slips that many people make, and says where they go wrong. So guess freely: tries are not recorded. (If your class hands notebooks in, what stands in the cells at the end counts.)
#
# **Quizzes** need no cell: click on the answer that you think is right.
#
# **Keep your work.** It depends on where you are:
# - On your own machine your changes are in the files. Save with Ctrl+S (on a Mac Cmd+S).
# - On **Binder** all is lost when you leave, or after ten minutes in the background. Before you go, save with Ctrl+S, *then* choose *File → Download*: it takes the saved file, not what you see. To go on another day, drag the file back into the list of files on the left.
# - For a fresh copy of notebook 01, open a terminal (*File → New → Terminal*) and type `lessons notebooks reset 01`. Your own version stays beside it, as `01_attention_by_hand.mine-1.ipynb`.
#
# **Is everything here?** The next cell looks at the machine you are on. Whatever is missing is named, with the line that gets it; today you can ignore what it calls *optional*. (*Grammar* is a small corpus of made sentences that comes with the course. In a terminal you would type `lessons doctor`.)

# %%
# %run -m lessons_lib doctor

# %% [markdown]
# ## 3. Where you are
#
# The picture shows the notebooks that exist, with what each one needs, and the parts that are still being written.

# %%
from lessons_lib.figures import course_map

course_map.show("00")

# %% [markdown]
# Next comes [01, Attention by hand](01_attention_by_hand.ipynb): the formula at the heart of every Transformer, with a pencil. It needs what section 4 shows. If shapes, broadcasting and gradients are old friends, click into exercise 4's cell, choose *Run → Run All Above Selected Cell*, do exercises 2 to 4 and go on.
#
# ## 4. Ten steps of PyTorch
#
# **1. A tensor is a table of numbers.** A model cannot read words, so each word becomes a row of numbers, a **vector**. Take three words and four columns: *animal*, *human*, *action* and *place* (empty for now).

# %% tags=["nbval-check-output"]
import torch

X = torch.tensor([[1.0, 0, 0, 0],   # dog
                  [0.0, 0, 1, 0],   # bites
                  [0.0, 1, 0, 0]])  # man
print(X.shape)

# %% [markdown]
# (One decimal point makes the whole table decimals; means and gradients need that.) The **shape** says how long each side is, from the outside in: 3 rows, 4 columns. In this course $X$ is a sentence of $S$ words, each a vector of width $d_\text{model}$, so its shape is $(S, d_\text{model})$, here (3, 4).
#
# **2. Picking rows.** Python counts from 0, so *bites* is row 1. A list of row numbers gives the rows in that order: the second line makes *man bites dog*.

# %% tags=["nbval-check-output"]
print(X[1])
mirrored = X[[2, 1, 0]]
print(mirrored)

# %% [markdown]
# **3. A batch is one more side.** Two sentences of the same length are stacked, and the new side $B$, how many sentences, stands in front. **Before you run the cell:** which three numbers will it print?

# %% tags=["nbval-check-output"]
batch = torch.stack([X, mirrored])
print(batch.shape)

# %% [markdown]
# $(B, S, d_\text{model}) = (2, 3, 4)$: 24 numbers in all.
#
# **4. Along which side?** A sum needs to know which side to add up. `dim=0` adds down the rows: of the shape (3, 4) the 3 goes and (4,) is left, which is how Python writes a shape with one side. `dim=1` adds along each row: the 4 goes and (3,) is left.

# %% tags=["nbval-check-output"]
print(X.sum(dim=0))
print(X.sum(dim=1))

# %% [markdown]
# The first says: one animal, one human, one action. The second: each word has one mark. `mean` works in the same way. And `keepdim=True` leaves a side of 1 where the numbers were added up: `X.sum(dim=1, keepdim=True)` has the shape (3, 1), a column, instead of (3,).
#
# **Try it.** What is the shape of `batch.sum(dim=2)`: (2, 3), (2, 4) or (3, 4)? Guess, then change the first line above to `print(batch.sum(dim=2).shape)`.
#
# <details><summary>Answer</summary>
#
# (2, 3): sides are counted from 0, so `dim=2` is the last of (2, 3, 4), and the 4 goes.
#
# </details>

# %% [markdown]
# **5. The matrix product** `@` takes each row on the left to each column on the right: multiply number by number, add up. A shape $(3, 4)$ times a shape $(4, 2)$ gives $(3, 2)$: the inner 4 is used up, the outer 3 and 2 remain.

# %% tags=["nbval-check-output"]
W = torch.tensor([[3.0, 2], [2, 0], [0, 1], [0, 0]])
print(X @ W)

# %% [markdown]
# Check one by hand. *Dog* is (1, 0, 0, 0) and the first column of $W$ is (3, 2, 0, 0), so the first number is 1·3 + 0·2 + 0·0 + 0·0 = 3. Since *dog* has a single 1, it fetches the first row of $W$: (3, 2). These numbers return in notebook 01 as *keys*.
#
# **6. Broadcasting: small stretches to large.** A column of shape (2, 1) and a row of shape (3,) can be added although they differ. PyTorch compares the shapes from the right: a side of 1, or one that is missing, is stretched to fit.

# %% tags=["nbval-check-output"]
column = torch.tensor([[10], [20]])
row = torch.tensor([1, 2, 3])
print(column + row)

# %%
from lessons_lib.figures import start

start.show_broadcast([10, 20], [1, 2, 3])

# %% [markdown]
# **Try it.** Which sides meet in `row + torch.tensor([1, 2])`? Guess what happens, then add the line to the last cell of code and run it.
#
# <details><summary>Answer</summary>
#
# An error: 3 meets 2, and neither is 1. (Take the line out again.)
#
# </details>

# %% [markdown]
# Stretching saves typing and hides mistakes: a shape that happens to fit is stretched without a word, maybe not the way you meant. The next exercise has such a trap.
#
# ### Exercise 2 (core, 7 minutes)
# Write `centre_rows(x)`: it takes a tensor of decimals, shape (rows, columns), and subtracts from each row that row's own mean. So `[[1, 2, 3], [4, 6, 8]]` becomes `[[-1, 0, 1], [-2, 0, 2]]`. Does yours also work when the table is square? To try it yourself: `centre_rows(torch.tensor([[1.0, 2, 3], [4, 6, 8]]))`.


# %% tags=["exercise", "nbval-check-output"]
def centre_rows(x):
    ### BEGIN SOLUTION
    return x - x.mean(dim=1, keepdim=True)
    ### END SOLUTION


check("start.centre_rows", centre_rows)

# %% [markdown]
# <details><summary>First hint</summary>
#
# `x.mean(dim=1)` gives one mean per row. Which shape does it have, and which way is it stretched when it meets a square `x`?
#
# </details>
# <details><summary>Second hint</summary>
#
# You want the means as a column of shape (rows, 1). `keepdim=True` keeps the side that was added up, with length 1.
#
# </details>

# %% [markdown]
# **7. A gradient says which way is down.** Inside a model are numbers, its **parameters**. **Training** changes them so that a **loss**, a number that measures how wrong the model is, gets smaller. Take a model with one parameter $w$ and the loss $(w - 3)^2$: it is 0 at $w = 3$ and grows to both sides. At $w = 1$ it is 4. Which way to go? The derivative $2\,(w - 3)$ tells; PyTorch computes it if $w$ is created with `requires_grad=True`:

# %% tags=["nbval-check-output"]
w = torch.tensor(1.0, requires_grad=True)
loss = (w - 3) ** 2
loss.backward()
print("loss", loss.item(), " gradient", w.grad.item())

# %% [markdown]
# `backward` walks back through the computation and leaves the derivative of the loss in `w.grad`; with many numbers these derivatives together are called the **gradient**. A gradient of −4 says: raise $w$ a little, by 0.01, and the loss falls by about 4 · 0.01 = 0.04. (Exactly: 1.99² is 3.9601. `.item()` takes the plain number out of a tensor.)
#
# **Try it.** What sign does the gradient have at $w = 5$, and how large is it? Guess, put 5.0 into the cell, run it, then put the 1.0 back and run it again.
#
# <details><summary>Answer</summary>
#
# +4: raising $w$ raises the loss, so the way down is to the left.
#
# </details>

# %% [markdown]
# **8. `backward` again.** Compute the same loss again and call `backward` a second time. **Before you run the cell:** will the gradient be −4, 0 or −8?

# %% tags=["nbval-check-output"]
loss = (w - 3) ** 2
loss.backward()
print("gradient", w.grad.item())

# %% [markdown]
# −8: the second −4 is added to the first. So after each step the gradient is cleared.
#
# **9. One step of gradient descent.** Go against the gradient, a small part of it. That part is the **learning rate**, here 0.1. `torch.no_grad()` tells PyTorch that this line is no part of the model's computation; without it PyTorch refuses to change $w$ in place (*a leaf Variable that requires grad …*).

# %% tags=["nbval-check-output"]
w = torch.tensor(0.0, requires_grad=True)
((w - 3) ** 2).backward()
with torch.no_grad():
    w -= 0.1 * w.grad
w.grad = None
print(round(w.item(), 2))

# %% [markdown]
# From 0 the gradient is 2 · (0 − 3) = −6, and 0 − 0.1 · (−6) = 0.6. One step closer to 3.
#
# ### Exercise 3 (pencil, 3 minutes)
# You stand at $w = 1$ with the same loss $(w - 3)^2$ and the learning rate 0.1. Where does one step lead? Work it out on paper.

# %% tags=["exercise", "nbval-check-output"]
### BEGIN SOLUTION
new_w = 1.4
### END SOLUTION
check("start.one_step", new_w)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Put $w = 1$ into the derivative $2\,(w - 3)$. Mind the sign.
#
# </details>
# <details><summary>Second hint</summary>
#
# The new $w$ is the old one minus 0.1 times −4.
#
# </details>

# %% [markdown]
# **10. Again and again.** Training repeats this step: loss, gradient, step, clear. Six times from $w = 0$:

# %% tags=["nbval-check-output"]
w = torch.tensor(0.0, requires_grad=True)
for step in range(1, 7):
    ((w - 3) ** 2).backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    w.grad = None
    print(step, round(w.item(), 2))

# %% [markdown]
# After six steps $w$ is at 2.21, and the steps get shorter, since the slope gets flatter. Is a larger learning rate better? At which rate does a *single* step arrive? And from which rate on does it never arrive? Guess both, then settle it: click on the slider's handle and move it with the arrow keys.

# %%
from lessons_lib.widgets import start as live

live.learning_rate(0.1)

# %% [markdown]
# For comparison, and for a page that is only read, the rate 0.9:

# %%
start.show_descent(0.9)

# %% [markdown]
# One step takes $w$ to $w - \text{rate} \cdot 2\,(w - 3)$, so the distance $w - 3$ becomes $(w - 3) - 2 \cdot \text{rate} \cdot (w - 3)$: it is multiplied by $1 - 2 \cdot \text{rate}$. That is 0.8 at rate 0.1, and 0 at rate 0.5, which arrives at once. At 0.9 it is −0.8: you leap to the other side but come closer. At 1.0 it is −1, for ever to and fro; beyond that each leap is longer than the last, and the loss explodes. A real model has millions of parameters instead of one, and the same fates: creep, swing in, fly off.
#
# ### Exercise 4 (stretch, 12 minutes)
# A model with one parameter that has to fit data: $y \approx a \cdot x$. Write `fit_slope(x, y, rate, steps)`: start from $a = 0$, take `steps` steps of gradient descent on the mean of $(a x - y)^2$ over all points, and return $a$ as a number. `x` and `y` are tensors of decimals; on `x = [1, 2, 3]`, `y = [2, 4, 6]` two steps of 0.1 give 1.991, and more steps come closer to 2.


# %% tags=["exercise", "nbval-check-output"]
def fit_slope(x, y, rate, steps):
    ### BEGIN SOLUTION
    a = torch.tensor(0.0, requires_grad=True)
    for _ in range(steps):
        ((a * x - y) ** 2).mean().backward()
        with torch.no_grad():
            a -= rate * a.grad
        a.grad = None
    return a.item()
    ### END SOLUTION


check("start.fit_slope", fit_slope)

# %% [markdown]
# <details><summary>First hint</summary>
#
# Step 10 has the loop. Only the loss is new, and `a` takes the place of `w`.
#
# </details>
# <details><summary>Second hint</summary>
#
# The loss is `((a * x - y) ** 2).mean()`: broadcasting takes the single `a` to every number of `x`.
#
# </details>

# %% [markdown]
# ## Quiz
# **1.** You ask the model of this notebook for *I lost my passport.* What do you get?
#
# <details><summary>An error: it does not know the words.</summary>
#
# No. It cuts unknown words into known pieces and goes on, without a warning.
#
# </details>
# <details><summary>The right translation: English is English.</summary>
#
# Remember *Rechnung*: the model never had to write a word that its German captions do not hold.
#
# </details>
# <details><summary>A German sentence that probably means something else.</summary>
#
# Right. *Passport* does not occur in the 29,000 captions, so the model writes what is likely in their world: here it said *Es ist viele Passagiere*, it is many passengers.
#
# </details>

# %% [markdown]
# **2.** `a` has shape (4, 1) and `b` has shape (3,). What is the shape of `a + b`?
#
# <details><summary>(4, 3)</summary>
#
# Right. From the right: 1 meets 3 and is stretched to 3; 4 meets nothing, and `b` is stretched to 4 rows.
#
# </details>
# <details><summary>(4, 1): the larger tensor decides.</summary>
#
# Each side is decided by itself, and on the right side 3 is larger than 1.
#
# </details>
# <details><summary>An error: the shapes differ.</summary>
#
# They differ, but a side of 1 can be stretched. A side of 4 against one of 3 would be an error.
#
# </details>

# %% [markdown]
# **3.** `a` has shape (5, 4), `b` has shape (4, 2), and `c = a @ b`. What is the shape of `c.sum(dim=0)`?
#
# <details><summary>(5,)</summary>
#
# That is `c.sum(dim=1)`, which adds along each row.
#
# </details>
# <details><summary>(4,)</summary>
#
# The inner 4 is used up by the product: `c` has shape (5, 2).
#
# </details>
# <details><summary>(2,)</summary>
#
# Right. `c` has shape (5, 2), and `dim=0` adds down the rows: the 5 goes.
#
# </details>

# %% [markdown]
# **4.** A friend's training loop forgets to clear the gradient. What happens at the second step?
#
# <details><summary>It takes the second gradient alone, as it should.</summary>
#
# Only if the first had been cleared: `backward` adds (step 8).
#
# </details>
# <details><summary>It takes the sum of both gradients.</summary>
#
# Right. The step is too long, and so is the next: $w$ runs past the goal and swings to and fro without settling.
#
# </details>
# <details><summary>PyTorch refuses to run.</summary>
#
# It does not: adding up is what `backward` is meant to do. Nothing warns you.
#
# </details>

# %% [markdown]
# **5.** On Binder you have solved half of notebook 01 and have to leave. What do you do?
#
# <details><summary>Nothing: it is saved on the server.</summary>
#
# For as long as the session lasts. When it ends, the server forgets everything.
#
# </details>
# <details><summary>Save, File → Download, and drag the file back in next time.</summary>
#
# Right. The downloaded file is yours; without saving first it would be an old one.
#
# </details>
# <details><summary>Type <code>lessons notebooks reset 01</code> in a terminal.</summary>
#
# That lays a fresh copy beside your own. It does not take your work off the server.
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. The model translates photo captions, because it was trained on 29,000 of them; outside their world it writes something else, and does not say so.
# 2. Exercises answer in words; hints and solutions are folded below; on Binder, save and download what you want to keep.
# 3. Tensors have shapes: $(B, S, d_\text{model})$ is a batch of sentences of words. `@` uses up the inner side; a side of 1 is stretched.
# 4. `backward` *adds* the derivative of the loss to `.grad`; a step goes against it, times the learning rate; then it is cleared.
# 5. Too small a rate creeps, too large a rate flies off.
#
# Go on with [01, Attention by hand](01_attention_by_hand.ipynb).
#
# ## References
#
# - Elliott, Frank, Sima'an, Specia (2016): *Multi30K: Multilingual English-German Image Descriptions* (the captions; licence CC BY-NC-SA 4.0, which the trained model shares).
# - Vaswani and others (2017): *Attention Is All You Need* (the Transformer).
# - Paszke and others (2019): *PyTorch: An Imperative Style, High-Performance Deep Learning Library*, section 4.3 (automatic differentiation).
# - The article: 大语言模型原理与工程实践：大语言模型训练技术选型技巧 (Principles and engineering practice of large language models: how to choose training techniques), sections 5.1 and 7.2.
