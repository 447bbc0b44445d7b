"""The results as a picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

COLOURS = {"ONNX Runtime": "#4477aa", "OpenVINO": "#ccbb44"}


def draw(record: dict, file: Path) -> None:
    """Speed of Longtail relative to each other engine: a bar for the median, a line for the range
    over the rounds. Right of the line at 1 Longtail is faster."""
    counts = sorted({row["threads"] for row in record["models"]})
    shown, axes = plt.subplots(
        1, len(counts), figsize=(5.5 * len(counts) + 1, 4.5), sharey=True, squeeze=False
    )
    for axis, threads in zip(axes[0], counts, strict=True):
        rows = [row for row in record["models"] if row["threads"] == threads]
        peers = list(COLOURS)
        for k, peer in enumerate(peers):
            places = [i + 0.38 * (k - (len(peers) - 1) / 2) for i in range(len(rows))]
            found = [row["ratios"].get(peer) for row in rows]
            pairs = [(p, r) for p, r in zip(places, found, strict=True) if r]
            if not pairs:
                continue
            at = [p for p, _ in pairs]
            median = [r["median"] for _, r in pairs]
            spread = [
                [r["median"] - r["least"] for _, r in pairs],
                [r["greatest"] - r["median"] for _, r in pairs],
            ]
            axis.barh(
                at, median, 0.36, xerr=spread, label=peer, color=COLOURS[peer],
                error_kw={"ecolor": "#333333", "elinewidth": 1, "capsize": 2},
            )  # fmt: skip
            for place, r in pairs:
                axis.text(r["greatest"], place, f" {r['median']:.2f}", va="center", fontsize=8)
        axis.axvline(1, color="black", linewidth=0.8)
        axis.set_yticks(range(len(rows)), [row["case"] for row in rows])
        axis.set_title(f"{threads} thread{'s' * (threads > 1)}")
        axis.set_xlabel("times as fast as the other")
        axis.margins(x=0.15)
    axes[0][0].invert_yaxis()
    axes[0][0].legend(loc="lower right", fontsize=8)
    shown.suptitle(f"Longtail against others — {record['machine']['processor']}")
    shown.tight_layout()
    shown.savefig(file, dpi=120)
    plt.close(shown)


def draw_shares(record: dict, file: Path) -> None:
    """The share of the machine's limit that each engine reaches: a row per operator, a mark per
    engine, a bar for Longtail. Of the fewest threads that were measured."""
    threads = min(row["threads"] for row in record["models"])
    rows = [row for row in record["models"] if row["threads"] == threads]
    shown, axis = plt.subplots(figsize=(9, 0.2 * len(rows) + 1.5))
    for name, colour in {"Longtail": "#bbbbbb", **COLOURS}.items():
        found = [
            (k, 100 * row["limit_ms"] / row["milliseconds"][name])
            for k, row in enumerate(rows)
            if name in row["milliseconds"]
        ]
        at, shares = [k for k, _ in found], [share for _, share in found]
        if name == "Longtail":
            axis.barh(at, shares, 0.7, label=name, color=colour)
        else:
            axis.plot(shares, at, "o", markersize=4, label=name, color=colour)
    axis.axvline(100, color="black", linewidth=0.8)
    axis.set_yticks(range(len(rows)), [row["case"] for row in rows], fontsize=7)
    axis.set_xlabel("% of the limit: multiply-adds, or the bytes of inputs and outputs moved once")
    axis.invert_yaxis()
    axis.margins(y=0.01)
    axis.legend(loc="lower right", fontsize=8)
    axis.set_title(f"{record['machine']['processor']}, threads: {threads}")
    shown.tight_layout()
    shown.savefig(file, dpi=120)
    plt.close(shown)
