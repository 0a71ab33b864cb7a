"""Every notebook has a plan for a session of 90 minutes, on one page, that speaks of what the notebook really holds."""

import re
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SOURCES = sorted((NOTEBOOKS / "source").glob("[0-9]*.py"))
PLANS = sorted((NOTEBOOKS / "teaching").glob("*.md"))


def test_every_notebook_has_its_plan_and_every_plan_its_notebook() -> None:
    assert [plan.stem for plan in PLANS] == [source.stem[:2] for source in SOURCES]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.stem)
def test_a_plan_fills_ninety_minutes_and_one_page(plan: Path) -> None:
    text = plan.read_text(encoding="utf-8")
    assert re.match(rf"# {plan.stem} · [^\n]+: a session of 90 minutes\n\n\*\*Prepare\*\* ", text)
    assert sum(map(int, re.findall(r"^\| (\d+) \|", text, re.MULTILINE))) == 90
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Ask", "What goes wrong", "If time is short, cut", "Homework"]
    assert len(text.split()) <= 560


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.stem)
def test_a_plan_names_sections_and_exercises_that_the_notebook_has(plan: Path) -> None:
    text = plan.read_text(encoding="utf-8")
    (source,) = [source.read_text(encoding="utf-8") for source in SOURCES if source.stem.startswith(plan.stem)]
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert links and all((plan.parent / link).is_file() for link in links)
    for kind, heading in (("section", r"^# ## (\d+)\. "), ("exercise", r"^# ### Exercise (\d+)")):
        there = set(re.findall(heading, source, re.MULTILINE))
        named = {number for words in re.findall(rf"\b{kind}s? ([\d, and]+)", text, re.IGNORECASE) for number in re.findall(r"\d+", words)}
        assert named and named <= there, f"{kind}s {sorted(named - there)} are not in the notebook"
