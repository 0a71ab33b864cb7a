"""Exercises of notebook 08 on a run at full size: bfloat16 by hand, what an average remembers, and the bill."""

from lessons_lib.exercises.framework import numbers_exercise

numbers_exercise(
    "full_run.bf16",
    [1.015625, 0.9921875, 256],
    tolerance=0.0004,
    why="both lie halfway and go to the even number of steps, 1 + 2/128 and 1 − 2/256; and from 256 on the steps are 2 wide.",
    slips={
        (1, 0.9921875, 256): "The first is off: 5/256 is more than a step of 1/128. Between which two places does 1 + 5/256 lie?",
        (1, 1, 256): "The first two are off: each is more than a step away from 1. Between which two places does each lie?",
        (1.0234375, 0.9921875, 256): "The first is off: it lies halfway between 1 + 2/128 and 1 + 3/128: which is an even number of steps?",
        (1.01953125, 0.9921875, 256): "The first is off: 1 + 5/256 itself has no place on the line, whose steps from 1 to 2 are 1/128.",
        (
            1.015625,
            0.99609375,
            256,
        ): "The second is off: it lies halfway between 1 − 1/256 and 1 − 2/256: which is an even number of steps?",
        (1.015625, 0.994140625, 256): "The second is off: 1 − 3/512 itself has no place on the line, whose steps below 1 are 1/256.",
        (1.015625, 1, 256): "The second is off: below 1 the steps are 1/256, half as wide as above. Between which two does it lie?",
        (1.0234375, 0.99609375, 256): "The third is right. The others lie halfway, and go to the even number of steps: 2, not 3 or 1.",
        (1.01953125, 0.994140625, 256): "The third is right. The others have no place on the line: which two lie beside each?",
        (1.015625, 0.9921875, 128): "The third is off: from 128 to 256 the steps are 1 wide, so 129 exists. Where are they 2 wide?",
        (1.015625, 0.9921875, 257): "The third is off by one: 257 lies halfway between 256 and 258, and goes to 256.",
        (1.015625, 0.9921875, 512): "The third is off: from 256 to 512 the steps are 2 wide already. 257 lies halfway: where does it go?",
    },
    first_step="from 1 to 2 there are 128 steps, so also from 128 to 256: how wide are they there? And beyond?",
)

numbers_exercise(
    "full_run.average",
    [0.0192, 50],
    tolerance=0.00006,
    why="the newest weights get 0.02, those two steps older 0.02 · 0.98² = 0.0192, and 1 / 0.02 = 50.",
    slips={
        (0.9604, 50): "0.9604 is 0.98², what two steps leave over. The weights came in with 0.02: multiply.",
        (0.0196, 50): "The first is off: that is the share after one more step. Two steps multiply by 0.98 twice.",
        (0.0188, 50): "The first is off: that is three steps later. The newest weights have not been multiplied by 0.98 yet.",
        (0.02, 50): "The first is off: 0.02 is the newest weights' share. Each later step leaves 98 % of it.",
        (0.0192, 49): "The second is off by one: 1 / (1 − 0.98) = 1 / 0.02.",
        (0.0192, 98): "The second is off: it is 1 divided by what one step brings in, 0.02.",
        (0.0192, 0.02): "The second is off: turn it over, 1 / 0.02.",
        (0.0192, 1.02): "The second is off: 1 / 0.98 instead of 1 / (1 − 0.98).",
    },
    first_step="the newest weights come in with 1 − 0.98; each later step multiplies by 0.98. The second is 1 / what comes in.",
)

numbers_exercise(
    "full_run.bill",
    [10, 3],
    tolerance=0.02,
    why="6 · 60 million · 3 billion = 1.08e18; at 3e13 a second that is 36,000 s = 10 h, and 0.3 kW for 10 h is 3 kWh.",
    slips={
        (3, 0.9): "You let the card run at its peak. It reaches 30 % of it: 3e13 a second.",
        (3.32, 1): "That is 2 operations a parameter and token, reading forwards only. The way back costs twice as much again: 6.",
        (1.67, 0.5): "You left the 6 out: N · D counts pairs of a parameter and a token, not operations.",
        (10, 3000): "The hours are right. 300 W for 10 h are 3,000 watt-hours: how many kilowatt-hours?",
        (600, 180): "Those are minutes: 36,000 s are 600 minutes. Give hours, and the energy from hours.",
        (10, 10.8): "The hours are right. 300 W · 36,000 s are 10.8 million joules; a kilowatt-hour has 3.6 million.",
        (36000, 3): "The energy is right. 36,000 are seconds: divide by 3,600.",
        (36000, 10800): "Those are seconds. Divide by 3,600 first, then multiply by 0.3 kW.",
    },
    first_step="6 · N · D operations: 6 · 6e7 · 3e9. How many a second does the card do at 30 % of 1e14? Energy: 0.3 kW times hours.",
)
