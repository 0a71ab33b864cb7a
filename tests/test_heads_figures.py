"""Notebook 02's pictures and widget: their numbers are PyTorch's, masked cells are absent, and the switches move the drawing."""

import re
from unittest import mock

import pytest
import torch
import torch.nn.functional as F

from lessons_lib.exercises.heads import DOG_BITES_MAN, MAN_BITES_DOG, W_K, W_Q, W_V
from lessons_lib.figures import heads, house, palette, svg
from lessons_lib.figures.heads import Heads, draw_heads, draw_split, draw_trained
from lessons_lib.widgets.heads import HeadsExplorer, heads_explorer

SETTINGS = [
    Heads(sentence, head, is_causal, hides_padding, place)
    for sentence in heads.ORDERS
    for head in "AB"
    for is_causal in (False, True)
    for hides_padding in (False, True)
    for place in (0.0, 1.0, 2.0)
]


@pytest.mark.parametrize("head", ["A", "B"])
@pytest.mark.parametrize("sentence", [("dog bites man", DOG_BITES_MAN), ("man bites dog", MAN_BITES_DOG)], ids=lambda pair: pair[0])
def test_the_drawn_heads_are_the_notebooks(head: str, sentence: tuple[str, torch.Tensor]) -> None:
    name, x = sentence
    columns = slice(0, 2) if head == "A" else slice(2, 4)
    wanted = F.scaled_dot_product_attention(x @ W_Q[:, columns], x @ W_K[:, columns], x @ W_V[:, columns])[0]
    output, weights = Heads(name, hides_padding=True).attend(head)
    torch.testing.assert_close(output[:3], wanted)
    assert (weights[:, 3:] == 0).all()


def test_what_the_heads_say_together() -> None:
    said = {
        Heads("dog bites man", hides_padding=True): "an animal bites",
        Heads("man bites dog", hides_padding=True): "a human bites",
        Heads("man bites dog", hides_padding=True, place=0.5): "cannot tell who bites",
        Heads("man bites dog", hides_padding=True, place=0.4): "an animal bites",
        Heads("man bites dog", is_causal=True): "a human bites: whom?",
        Heads("man bites dog", is_causal=True, place=0.5): "cannot tell who bites",
        Heads("man bites dog", is_causal=True, place=0.0): "a human is bitten: who bites?",
        Heads("dog bites man", is_causal=True): "an animal bites: whom?",
    }
    assert {scene: scene.verdict()[1] for scene in said} == said
    assert Heads("dog bites man", hides_padding=True).verdict()[0] == pytest.approx([7.47, -7.47], abs=0.01)


def test_every_place_of_the_slider_has_words_for_what_the_signs_say() -> None:
    for sentence in heads.ORDERS:
        for is_causal in (False, True):
            for place in range(21):
                (animal, human), says = Heads(sentence, is_causal=is_causal, place=place / 10).verdict()
                biter = "animal" if animal > 0.05 else "human" if human > 0.05 else None
                assert (f"{biter} bites" in says) is (biter is not None)
                assert ("whom?" in says) is (is_causal and biter is not None)


def test_the_drawing_says_the_notebooks_numbers() -> None:
    drawing, alt = draw_heads(Heads("man bites dog"))
    for words in ("head A   (2.7, 5.4)", "head B   (5.4, 2.7)", "after W_o (−2.7, 2.7)", "a human bites", "spent on PAD: 2 × 0.065 = 0.13"):
        assert f">{words}<" in drawing, words
    assert ">spent on PAD: 0<" in draw_heads(Heads(hides_padding=True))[0]
    assert alt.startswith("man bites dog, no mask, place × 1.0. Head A, row bites: man 0.54, bites 0.06, dog 0.27, PAD 0.06, PAD 0.06.")


@pytest.mark.parametrize("scene", SETTINGS, ids=str)
def test_a_cell_is_drawn_where_looking_is_allowed_and_nowhere_else(scene: Heads) -> None:
    drawing, _ = draw_heads(scene)
    numbers = re.findall(r">(\d\.\d\d)</text>", drawing)
    assert len(numbers) == int(scene.allowed().sum())
    assert not re.search(r"<style|<script|<title|\sid=", drawing)
    for x, y in re.findall(r'<text x="([\d.-]+)" y="([\d.-]+)"', drawing):
        assert 0 <= float(x) <= palette.WIDTH and 0 <= float(y) <= heads.HEIGHT


def test_the_split_is_drawn_as_pytorch_cuts() -> None:
    drawing, alt = draw_split()
    numbers = [int(label) for label in re.findall(r">(\d\d)</text>", drawing)]
    labels = torch.tensor([11, 12, 13, 14, 21, 22, 23, 24, 31, 32, 33, 34]).view(3, 4)
    right, wrong = labels.view(3, 2, 2).transpose(0, 1), labels.view(2, 3, 2)
    assert numbers == [*labels.flatten().tolist(), *right.flatten().tolist(), *wrong.flatten().tolist()]
    assert "half of bites" in alt


def test_trained_heads_show_large_weights_only_and_say_where_they_look() -> None:
    weights = torch.eye(3).repeat(4, 1, 1)
    weights[1, 0] = torch.tensor([0.4, 0.35, 0.25])
    drawing, alt = draw_trained(["the", "dog", "end"], weights)
    assert drawing.count(">1.00<") == 11 and ">0.40<" not in drawing
    assert "head 2: dog at dog 1.00, end at end 1.00; head 3: the at the 1.00" in alt
    with pytest.raises(ValueError, match=r"shape \(4, 3, 3\); for 2 words give \(4, 2, 2\)"):
        draw_trained(["the", "dog"], weights)


def shown(module: object, call: object, *arguments: object) -> dict[str, str]:
    """The MIME bundle that a picture displays."""
    with mock.patch.object(module, "display") as display:
        call(*arguments)
    return display.call_args.args[0]


def test_pictures_are_small_images_with_their_alt_text() -> None:
    words = ["the", "dog", "bites", "the", "man", ".", "end"]
    calls = ((heads.hand_made, ()), (heads.split, ()), (heads.trained, (words, torch.full((4, 7, 7), 1 / 7))))
    for call, arguments in calls:
        bundle = shown(svg, call, *arguments)
        assert bundle["text/html"].startswith('<img alt="')
        assert len("".join(bundle.values())) < palette.LIMIT


def test_the_cost_is_drawn_as_measured() -> None:
    lengths, seconds, sizes = (64, 128, 256), (0.001, 0.002, 0.008), (2**20, 2**22, 2**24)
    figure, alt = heads.cost.__wrapped__(lengths, seconds, 1.5, sizes)
    time, memory = ([line.get_ydata().tolist() for line in ax.get_lines()] for ax in figure.axes)
    assert time[0] == pytest.approx([1, 2, 8]) and memory[0] == [1, 4, 16]
    fitted = time[1]
    assert fitted[2] / fitted[0] == pytest.approx(4**1.5) and fitted[0] * fitted[1] * fitted[2] == pytest.approx(16)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["1", "2", "5"]
    assert "from 1.00 to 8.0 ms, slope 1.5" in alt
    assert len("".join(shown(house, heads.cost, lengths, seconds, 1.5, sizes).values())) < palette.LIMIT


def test_each_switch_moves_the_drawing() -> None:
    explorer = HeadsExplorer(Heads())
    seen = [explorer.drawing.value]
    for control, value in (
        (explorer.padding, True),
        (explorer.sentence, "man bites dog"),
        (explorer.place, 0.5),
        (explorer.causal, True),
        (explorer.head, "B"),
    ):
        control.value = value
        assert explorer.drawing.value not in seen
        assert explorer.drawing.value == draw_heads(explorer.scene)[0]
        seen.append(explorer.drawing.value)
    assert explorer.scene == Heads("man bites dog", "B", True, True, 0.5)


def test_the_widget_starts_elsewhere_than_the_picture_and_says_so_without_a_kernel() -> None:
    assert 'aria-label="man bites dog, no mask' in heads_explorer().children[2].value
    assert heads_explorer()._repr_mimebundle_()["text/plain"].startswith("Run this cell for switches and a slider; the picture above")
