"""Analyze a video with a function in the place of a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from dlc_toolbox.analysis.analysis import Analysis, analyze_video
from dlc_toolbox.poses.network import Network


def analyze(video: Path, predict: Callable[[np.ndarray], np.ndarray], network: Network, **options: object) -> Path:
    """Find poses by `predict` and write them as those of `network`; options as of `Analysis`."""
    return analyze_video(video, Analysis(network, lambda: predict, **options))
