"""From a finished run to a checkpoint that ships: half the size, scored on its test sets, with a card that says what it is."""

import dataclasses
import json
import shutil
import tempfile
from pathlib import Path

from lessons_lib.checkpoints import CheckpointError, TrainedModel, load_model, save_model
from lessons_lib.config import TrainingConfig
from lessons_lib.evaluation import exact_match, moses_metric, score
from lessons_lib.files import write_text
from lessons_lib.metrics import read_metrics
from lessons_lib.presets import Preset, find
from lessons_lib.runtime import data_dir
from lessons_lib.translation import Translator

BEAM = 5
LENGTH_PENALTIES = (1.0, 0.6, 1.4, 2.0)
LOGS = ("metrics.jsonl", "training.json")
LANGUAGES = {"en": "English", "de": "German"}


def ship(run: Path, preset_name: str, hardware: str, command: str, root: Path | None = None, before: str = "", name: str = "") -> Path:
    """Write the checkpoint of a finished run to `data/checkpoints/<name>-<direction>`, score it, and write its card. Validation chooses
    its length penalty.

    Args:
        run: the folder that `presets.train` filled.
        preset_name: the recipe it followed.
        hardware: what it ran on, as a reader would say it.
        command: the command line that trained it.
        root: where checkpoints live; the project's own folder if None.
        name: what the model is called besides its direction; as its recipe if empty.
        before: what went before the run, in sentences: the training of the model that it began with, pairs made for it.

    Returns:
        The checkpoint's folder.

    Raises:
        CheckpointError: if the run's folder holds no complete model, or not its log.
        ValueError: if there is no such preset.
    """
    found = load_model(run)
    if missing := [log for log in LOGS if not (run / log).is_file()]:
        raise CheckpointError(f"{run} is no finished run: {' and '.join(missing)} not there")
    preset = find(preset_name, found.direction)
    trained = dataclasses.replace(found, length_penalty=best_penalty(found, preset))
    folder = (root or data_dir() / "checkpoints") / f"{name or preset_name}-{trained.direction}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:  # whole before it takes the old one's place
        made = Path(beside) / folder.name
        save_model(made, trained, half=True)
        for log in LOGS:
            shutil.copyfile(run / log, made / log)
        facts = {"preset": preset_name, "hardware": hardware, "command": command, "before": before, "scores": measure(made, preset)}
        write_text(made / "scores.json", json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
        write_text(made / "README.md", card(made, preset))
        if folder.exists():
            folder.rename(Path(beside) / "before")
        made.rename(folder)
    return folder


def best_penalty(trained: TrainedModel, preset: Preset) -> float:
    """That of `LENGTH_PENALTIES` with which beam search translates the validation pairs best, by BLEU; of equals the first."""
    pairs, metric = preset.pairs("validation")[: preset.n_validation], moses_metric(preset.target_language)
    sources, references = [pair.source for pair in pairs], [pair.target for pair in pairs]

    def bleu(penalty: float) -> float:
        return score(metric, Translator(trained).translate(sources, BEAM, penalty), references, n_bootstrap=0).value

    return max(LENGTH_PENALTIES, key=bleu)


def measure(folder: Path, preset: Preset) -> dict[str, dict[str, float | str]]:
    """Scores of the checkpoint on each test set of its recipe, translated with beam search: set → metric → value.

    `bleu-lc-moses` is on the tokens of the target language, whichever that is.
    """
    translator, results = Translator.load(folder), {}
    for split in preset.test_splits:
        pairs = preset.pairs(split)
        references = [pair.target for pair in pairs]
        hypotheses = translator.translate([pair.source for pair in pairs], beam=BEAM)
        metrics = {"bleu-lc-moses": moses_metric(preset.target_language), "bleu": "bleu", "chrf": "chrf"}
        scores = {name: score(metric, hypotheses, references) for name, metric in metrics.items()}
        results[split] = {
            **{metric: round(found.value, 2) for metric, found in scores.items()},
            "bleu interval": f"{scores['bleu'].low:.1f} to {scores['bleu'].high:.1f}",
            "bleu signature": scores["bleu"].signature,
            "exact match": round(exact_match(hypotheses, references), 1),
            "sentences": len(pairs),
        }
    return results


def card(folder: Path, preset: Preset) -> str:
    """The model card, Markdown, from what stands in the checkpoint's folder."""
    facts = {"before": ""} | json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    training = TrainingConfig.from_json((folder / "training.json").read_text(encoding="utf-8"))
    trained, last = load_model(folder), read_metrics(folder / "metrics.jsonl")[-1]
    model = trained.model
    signature = next(iter(facts["scores"].values()))["bleu signature"]
    shape = {name: value for name, value in dataclasses.asdict(model.config).items() if name not in ("vocabulary_size", "pad_id")}
    recipe = {name: value for name, value in dataclasses.asdict(training).items() if _is_told(name, value)}
    return CARD.format(
        name=folder.name,
        languages=" to ".join(LANGUAGES[code] for code in trained.direction.split("-")),
        preset=preset,
        penalty="1" if trained.length_penalty == 1 else f"{trained.length_penalty:g} (chosen by validation)",
        model=model,
        beam=BEAM,
        rows="\n".join(_row(split, scores) for split, scores in facts["scores"].items()),
        signature=signature,
        facts=facts,
        last=last,
        before=f"\n\n{facts['before']}" if facts["before"] else "",
        millions=last["tokens"] / 1e6,
        minutes=last["seconds"] / 60,
        training=training,
        shape=_listed(shape),
        recipe=_listed(recipe),
    )


def _row(split: str, scores: dict[str, float | str]) -> str:
    bleu = f"{scores['bleu']:.2f} ({scores['bleu interval']})"
    return (
        f"| {split} | {scores['sentences']:,} | {scores['bleu-lc-moses']:.2f} | {bleu} | {scores['chrf']:.2f} | {scores['exact match']} % |"
    )


def _is_told(name: str, value: object) -> bool:
    """Whether a card names this field: not how often a run logs, nor pieces and losses that it did without."""
    return not name.endswith("_every") and value != () and (name, value) != ("r_drop", 0)


def _listed(fields: dict[str, object]) -> str:
    shown = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in fields.items()}
    return ", ".join(f"`{name}` {value}" for name, value in shown.items() if value is not None)


CARD = """# {name}

{languages}, an encoder–decoder Transformer with {model.n_parameters:,} parameters, trained from nothing on {preset.data}.

## Licence and data

Data: {preset.data}. Weights: {preset.licence}.

## Scores

Beam {beam}, length penalty {penalty}, one reference, one seed. The first BLEU is lower-cased and Moses-tokenised, as the literature on
Multi30k reports it; the second is sacreBLEU's default, cased and detokenised, with its 95 % interval over sentences. The two differ: say
which you quote.

| test set | sentences | BLEU, lower-cased, Moses | sacreBLEU | chrF | exact match |
|---|---|---|---|---|---|
{rows}

sacreBLEU's signature: `{signature}`

## How it was trained

`{facts[command]}`, on {facts[hardware]}: {last[step]:,} steps, {last[passes]} whole passes over the data, {millions:.1f} million tokens
(source and target, without padding), {minutes:.1f} minutes, seed {training.seed}. The log is `metrics.jsonl`.{before}

- Model: {shape}; one table of {model.config.vocabulary_size:,} byte-level BPE tokens for both languages and the output.
- Training: {recipe}.
- Text: {preset.text}.
- The weights are the moving average over the run, stored in 16 bits.

## Limits

{preset.limits}
"""
