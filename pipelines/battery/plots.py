"""Two pictures: how the controller learned, and what it does with one house's battery in one week."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator
from pyspark.sql import Row

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
INK, GREY, SUN, LOAD, BATTERY, PRICE = "#22303c", "#8a97a3", "#e8a317", "#c2413b", "#1f77b4", "#3a8f5c"

STYLE = {
    "font.size": 10,
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.grid": True,
    "grid.color": "#e3e8ec",
    "legend.frameon": False,
    "svg.hashsalt": "rayflight",
}


def plot_learning(iterations: Sequence[Row], rule_score: float, folder: Path) -> Path:
    """Score over updates, with its three parts, beside the basic rule's score. Returns the SVG; a PNG lies beside it."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8.5, 4.6), layout="constrained")
        updates = [row.iteration for row in iterations]
        parts = (("price", "price_cost", PRICE), ("emission", "emission_cost", LOAD), ("grid", "grid_cost", SUN))
        for label, column, colour in parts:
            axes.plot(updates, [row[column] for row in iterations], color=colour, linewidth=1, alpha=0.8, label=label)
        axes.plot(
            updates,
            [row["score"] for row in iterations],
            color=BATTERY,
            linewidth=2.4,
            label="score (mean of the three)",
        )
        axes.axhline(1, color=GREY, linewidth=1, linestyle=":", label="no battery")
        axes.axhline(
            rule_score, color=INK, linewidth=1.2, linestyle="--", label=f"basic battery rule ({rule_score:.3f})"
        )
        seconds = sum(row.seconds for row in iterations)
        axes.set_title(f"Learning on the houses of phase 1: {len(updates)} updates in {seconds:.0f} s")
        axes.set_xlabel("policy update")
        axes.set_ylabel("score, ratio to no battery (lower is better)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.legend(loc="outside lower center", ncols=6, fontsize=9, columnspacing=1.2)
        return save(figure, folder / "learning-curve")


def plot_week(hours: Sequence[Row], title: str, folder: Path) -> Path:
    """Load, solar, net, price and battery of a house, hour by hour. Returns the SVG; a PNG lies beside it."""
    with plt.rc_context(STYLE):
        figure, (energy, price, battery) = plt.subplots(
            3, 1, figsize=(10, 7), sharex=True, layout="constrained", height_ratios=(3, 1, 1.4)
        )
        hour = list(range(len(hours)))

        def steps(axes: Axes, column: str, label: str, **style: object) -> None:
            axes.step(hour, [row[column] for row in hours], where="mid", label=label, **style)

        energy.fill_between(
            hour, [row.solar for row in hours], step="mid", color=SUN, alpha=0.3, linewidth=0, label="solar"
        )
        steps(energy, "load", "load", color=LOAD, linewidth=1.4)
        steps(energy, "net_none", "net without battery", color=GREY, linewidth=1, linestyle=":")
        steps(energy, "net_learned", "net with learned battery", color=BATTERY, linewidth=1.8)
        energy.axhline(0, color=GREY, linewidth=0.8)
        energy.set_ylabel("energy [kWh per hour]")
        energy.set_title(title)
        figure.legend(loc="outside lower center", ncols=4)
        steps(price, "price", "_price", color=PRICE, linewidth=1.4)
        price.set_ylabel("price [$/kWh]")
        price.set_ylim(bottom=0)
        battery.fill_between(hour, [row.soc for row in hours], color=BATTERY, alpha=0.25, linewidth=0)
        battery.plot(hour, [row.soc for row in hours], color=BATTERY, linewidth=1.6)
        battery.set_ylabel("battery [kWh]")
        battery.set_ylim(0, 6.6)
        mark_days(battery, hours)
        return save(figure, folder / "one-week")


def mark_days(axes: Axes, hours: Sequence[Row]) -> None:
    """A line at every midnight, the name of the day in the middle of it. Row t is the hour that ends at ``hour``."""
    midnights = [index - 0.5 for index, row in enumerate(hours) if row.hour == 1]
    axes.set_xlim(-0.5, len(hours) - 0.5)
    axes.set_xticks(midnights, labels=[""] * len(midnights))
    axes.set_xticks([index for index, row in enumerate(hours) if row.hour == 12], minor=True)
    axes.set_xticklabels([DAYS[row.day_type - 1] for row in hours if row.hour == 12], minor=True)
    axes.tick_params(axis="x", which="minor", length=0)
    axes.yaxis.set_major_locator(MultipleLocator(2))
    axes.set_xlabel("hour of the week, grid lines at midnight")


def save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path.with_suffix(".png"), dpi=144)
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    plt.close(figure)
    return path.with_suffix(".svg")
