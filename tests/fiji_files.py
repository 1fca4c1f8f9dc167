"""Label files as Fiji saves them, for benchmarks and pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def write_clicks(path: Path, labels: np.ndarray, slices: Sequence[int]) -> None:
    """Write one body part's labels, (N, 2) in pixels, with all digits; NaN has no line. Slices count from 1."""
    clicks = [(x, y, place) for (x, y), place in zip(labels.tolist(), slices, strict=True) if math.isfinite(x + y)]
    lines = [" ,X,Y,Slice", *(f"{row},{x!r},{y!r},{place}" for row, (x, y, place) in enumerate(clicks, 1))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
