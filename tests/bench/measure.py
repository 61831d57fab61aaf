# SPDX-License-Identifier: BSD-2-Clause
"""How `make bench` measures and what it makes of it: the sides of a case run by turns, several rounds; each side has a median, a minimum
and a maximum, and so have the ratios of ours to theirs, each taken within one round, so that a machine that is busy for a while slows
both."""
import statistics
from dataclasses import dataclass, field


class Absent(Exception):
    """A side cannot be measured here; the text says why."""


@dataclass
class Side:
    """One of the things that are compared. measure() returns one number; ours says whether it is OpenRoMON. missing: why there is no
    number; known only when it was tried, or before. base: what others are measured from; no ratio to it is shown."""
    name: str
    measure: object = None
    ours: bool = False
    missing: str = ""
    base: bool = False
    values: list = field(default_factory=list)

    def turn(self):
        if self.missing:
            return
        try:
            self.values.append(self.measure())
        except Absent as reason:
            self.missing, self.values = str(reason), []


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


class Case:
    """Sides that are compared in one unit."""

    def __init__(self, row, name, unit, sides):
        self.row, self.name, self.unit, self.sides = row, name, unit, sides

    def run(self, rounds):
        """Turn and turn about; the side that begins changes, so that none always comes after the same other."""
        for number in range(rounds):
            first = number % len(self.sides)
            for side in self.sides[first:] + self.sides[:first]:
                side.turn()
        return self

    def ratios(self):
        """Of each side of ours to each of the others, round by round."""
        for our in self.sides:
            for their in self.sides:
                if our.ours and not their.ours and not their.base and our.values and their.values and all(their.values):
                    yield our.name, their.name, [a / b for a, b in zip(our.values, their.values)]

    def record(self):
        """What JSON shows."""
        return {"row": self.row, "case": self.name, "unit": self.unit,
                "sides": [{"side": s.name, "ours": s.ours, "missing": s.missing or None, "values": s.values,
                           **(spread(s.values) if s.values else {})} for s in self.sides],
                "ratios": [{"of": of, "to": to, **spread(values)} for of, to, values in self.ratios()]}

    def lines(self):
        """What the table shows."""
        yield f"{self.row}: {self.name}", None, self.unit
        for side in self.sides:
            yield f"  {side.name}", side.missing or spread(side.values), ""
        for of, to, values in self.ratios():
            yield f"  ratio {of} : {to}", spread(values), ""


def number(value):
    """Four digits that matter."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:#.4g}".rstrip(".")


def table(case):
    """The case as lines of text."""
    for name, values, unit in case.lines():
        if values is None:
            yield f"{name:<56} {'MEDIAN':>9} {'MIN':>9} {'MAX':>9}  {unit}"
        elif isinstance(values, str):
            yield f"{name:<56} missing: {values}"
        else:
            yield f"{name:<56} " + " ".join(f"{number(values[k]):>9}" for k in ("median", "min", "max"))
