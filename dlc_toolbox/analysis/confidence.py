"""How far off the poses of a video may be: a table beside theirs, and a summary that a person understands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlc_toolbox.analysis.partial import Partial
from dlc_toolbox.poses.radius import UNSEEN
from dlc_toolbox.poses.trust import CONFIDENCE, Trust
from dlc_toolbox.project.layout import confidence_table
from dlc_toolbox.project.long_tables import write_long_table
from dlc_toolbox.project.tables import make_table

_LIKELY_VISIBLE = 0.5


@dataclass
class Summary:
    """How many poses are expected to be near enough; `add` counts them piece by piece.

    Parameters
    ----------
    trust : Trust
        What is known about the network.
    """

    trust: Trust
    frames: int = 0
    visible: np.ndarray = field(init=False)
    near: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        parts = len(self.trust.bodyparts)
        self.visible, self.near = np.zeros(parts, int), np.zeros(parts, int)

    def add(self, confidence: np.ndarray, visible: np.ndarray) -> None:
        """Count the poses of more frames.

        Parameters
        ----------
        confidence : ndarray of shape (N, K, 4)
            As `Trust.confidence` returns it.
        visible : ndarray of shape (N, K)
            The chance that a person would label the part; from one half on a pose counts.
        """
        counts = np.isfinite(confidence[..., 0]) & (np.nan_to_num(visible) >= _LIKELY_VISIBLE)
        self.frames += len(confidence)
        self.visible += counts.sum(axis=0)
        self.near += (counts & (confidence[..., 0] <= self.trust.wanted_px)).sum(axis=0)

    @property
    def why_unknown(self) -> str | None:
        """Why no expected error is known, or None."""
        if isinstance(self.trust.calibration, str):
            return self.trust.calibration
        if not self.visible.any():
            return UNSEEN
        return None

    def as_json(self) -> dict[str, Any]:
        """Return it for a record."""
        if why := self.why_unknown:
            return {"unknown": why}
        parts = zip(self.trust.bodyparts, self.visible.tolist(), self.near.tolist(), strict=True)
        return {
            "wantederror": self.trust.wanted_px,
            "share_within": round(float(self.near.sum() / self.visible.sum()), 4),
            "parts": {
                part: {"visible_frames": seen, "share_within": round(near / seen, 4) if seen else None}
                for part, seen, near in parts
            },
        }

    def in_words(self) -> str:
        """Say it in a sentence."""
        if why := self.why_unknown:
            return f"how far off its poses may be is not known: {why}"
        shares = np.where(self.visible > 0, self.near / np.maximum(self.visible, 1), np.inf)
        worst = int(shares.argmin())
        sentence = (
            f"where the body parts are visible, {self.near.sum() / self.visible.sum():.0%} of the poses in "
            f"{self.frames} frames are expected within {self.trust.wanted_px:g} px; worst part "
            f"{self.trust.bodyparts[worst]}, {shares[worst]:.0%}"
        )
        hidden = [part for part, seen in zip(self.trust.bodyparts, self.visible, strict=True) if not seen]
        return f"{sentence}; never visible: {', '.join(hidden)}" if hidden else sentence


def write_confidence(table: Path, partial: Partial, trust: Trust, scorer: str, *, csv: bool) -> Summary:
    """Write how far off the poses of a table may be beside it; where nothing is known, an earlier one is deleted.

    Parameters
    ----------
    table : Path
        The pose table.
    partial : Partial
        All rows of the video, with what the maps tell.
    trust : Trust
        What is known about the network, in the order of its body parts.
    scorer : str
        Its name.
    csv : bool
        Whether to write a csv too.

    Returns
    -------
    Summary
        Of the whole video.

    Raises
    ------
    UsersError
        When the system refuses to write.
    """
    path, summary = confidence_table(table), Summary(trust)
    if trust.tells_of_errors and len(partial):
        write_long_table(_confidence(partial, trust, scorer, summary), path, csv=csv)
    else:
        path.unlink(missing_ok=True)
        path.with_suffix(".csv").unlink(missing_ok=True)
    return summary


def _confidence(partial: Partial, trust: Trust, scorer: str, summary: Summary) -> Iterator[pd.DataFrame]:
    """Yield the table of confidence piece by piece, and count on the way."""
    for first, rows in partial.chunks():
        poses = rows["pose"].astype(np.float64)
        features = np.concatenate([poses[..., 2:], rows["maps"]], axis=2)
        found = trust.confidence(poses, features)
        summary.add(found, trust.visible(features))
        yield make_table(scorer, trust.bodyparts, np.arange(first, first + len(rows)), found, CONFIDENCE)
