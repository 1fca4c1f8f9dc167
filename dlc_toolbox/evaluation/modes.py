"""How a network may look at frames, in less precision or at a smaller size: what each mode costs and gains.

Modes are compared on labeled images that did not train the network, with float32 on whole images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np

from dlc_common.images import read_image
from dlc_common.progress import tqdm
from dlc_common.promise import LARGEST_DIFFERENCE_PX, MEANINGFUL, chance_px, is_kept, largest_error_px
from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.metrics import euclidean_errors
from dlc_toolbox.poses.network import Predict
from dlc_toolbox.poses.scaled import scaled
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.tables import points
from dlc_toolbox.training_set.recorded import read_split

SCALES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
"""Sizes that are tried, relative to the full one."""

MOST_IMAGES = 60
"""Labeled images that modes are compared on, at most."""


@dataclass(frozen=True)
class Mode:
    """How a network looks at frames.

    Parameters
    ----------
    engine : str
        What computes, and with which precision.
    scale : float
        Of the frames, relative to their full size.
    """

    engine: str
    scale: float = 1.0

    def __str__(self) -> str:
        """Name it, such as 'openvino-int8 at 0.8 of the size'."""
        return self.engine if self.scale == 1 else f"{self.engine} at {self.scale:g} of the size"


@dataclass(frozen=True)
class Figures:
    """What one mode costs and gains on labeled images.

    Parameters
    ----------
    mode : Mode
        Which.
    seconds : float
        Median for one image.
    error_px, reference_px : float
        Mean error over all labels, and that of float32 on whole images.
    median_px, reference_median_px : float
        The same for the median error.
    chance_px : float
        Standard error of the mean of their differences, see `promise.chance_px`.
    difference_px : float
        Median distance from the poses of float32 on whole images.
    """

    mode: Mode
    seconds: float
    error_px: float
    reference_px: float
    median_px: float
    reference_median_px: float
    chance_px: float
    difference_px: float

    @property
    def keeps_promise(self) -> bool:
        """Whether the poses are as good as those of float32 on whole images, see `promise.is_kept`."""
        return is_kept(self.difference_px, self.error_px, self.reference_px, self.chance_px)

    @property
    def is_no_worse(self) -> bool:
        """Whether neither the mean error, on which single poses weigh, nor the median is worse by more than 2 %."""
        errors = (self.error_px, self.reference_px), (self.median_px, self.reference_median_px)
        return all(error <= largest_error_px(reference) for error, reference in errors)


@dataclass(frozen=True)
class Labeled:
    """Labeled images that did not train a network.

    Parameters
    ----------
    images : mapping of str to Path
        N files by their names.
    labels : ndarray of shape (N, K, 2)
        x, y in pixels, in the order of the network's parts; NaN where nobody labeled.
    """

    images: Mapping[str, Path]
    labels: np.ndarray

    def described(self) -> str:
        """Return a hash of the labels."""
        return hashlib.blake2b(np.ascontiguousarray(self.labels).tobytes(), digest_size=16).hexdigest()


def find_labeled(layout: Layout, experiment: Experiment, bodyparts: Sequence[str]) -> Labeled:
    """Find labeled images that did not train a network: those that its split tests it on, at most 60 of them.

    Parameters
    ----------
    layout : Layout
        The project.
    experiment : Experiment
        Whose network it is, as `Layout.locate` returns it.
    bodyparts : sequence of str
        In the order of its outputs.

    Returns
    -------
    Labeled
        With at least one label.

    Raises
    ------
    ToolboxError
        When there are none, or files are missing.
    """
    split = read_split(layout, experiment)
    folder = layout.dataset_images(experiment.task, experiment.date)
    names = split.test[:: max(1, -(-len(split.test) // MOST_IMAGES))]
    images = {name: folder / name for name in names}
    missing = [str(path) for path in images.values() if not path.is_file()]
    if missing:
        raise ToolboxError(f"{len(missing)} of the {len(images)} labeled test images are missing, such as {missing[0]}")
    labels = points(split.table.loc[names], bodyparts)
    if not np.isfinite(labels).all(axis=-1).any():
        raise ToolboxError(f"no image that did not train {experiment.name} is labeled")
    return Labeled(images, labels)


def measure(
    labeled: Labeled,
    predictors: Mapping[str, Predict],
    *,
    scaled_engines: Sequence[str],
    to_the_end: bool,
    clock: Callable[[], float] = process_time,
) -> list[Figures]:
    """Measure what modes cost and gain; those of one size take turns, image by image.

    Parameters
    ----------
    labeled : Labeled
        The images.
    predictors : mapping of str to Predict
        By engine; the first is the one of float32.
    scaled_engines : sequence of str
        Those that are tried at smaller sizes.
    to_the_end : bool
        Whether each of these is tried at all sizes; otherwise none smaller than the first at which its poses differ
        too much, because at smaller ones they differ more.
    clock : callable, optional
        Returns seconds; CPU-seconds by default, which other work on the machine hardly changes.

    Returns
    -------
    list of Figures
        The first is float32 on whole images, by the others' size.
    """
    found: list[Figures] = []
    reference = np.empty(0)
    trying = list(predictors)
    for scale in SCALES:
        looks = {engine: scaled(predictors[engine], scale) for engine in trying}
        poses, seconds = _look_in_turn(looks, list(labeled.images.values()), clock, f"Measuring at scale {scale:g}")
        if not found:
            reference = poses[0]
        new = [
            _figures(Mode(engine, scale), labeled.labels, one, reference, time)
            for engine, one, time in zip(trying, poses, seconds, strict=True)
        ]
        found += new
        worth_it = {each.mode.engine: to_the_end or each.difference_px <= LARGEST_DIFFERENCE_PX for each in new}
        trying = [engine for engine in trying if worth_it[engine] and engine in scaled_engines]
        if not trying:
            break
    return found


def _look_in_turn(
    looks: Mapping[str, Predict], images: Sequence[Path], clock: Callable[[], float], title: str
) -> tuple[list[np.ndarray], list[float]]:
    """Return the poses of each predictor in all images, (N, K, 3), and its median time for one of them."""
    poses: dict[str, list[np.ndarray]] = {engine: [] for engine in looks}
    seconds: dict[str, list[float]] = {engine: [] for engine in looks}
    known: set[tuple[int, ...]] = set()
    for path in tqdm(images, title, unit="image"):
        frame = read_image(path)[None]
        for engine, predict in looks.items():
            if frame.shape not in known:
                predict(frame)  # to be compiled for this size
            begun = clock()
            poses[engine].append(np.asarray(predict(frame))[0])
            seconds[engine].append(clock() - begun)
        known.add(frame.shape)
    return [np.stack(found) for found in poses.values()], [float(np.median(times)) for times in seconds.values()]


def _figures(mode: Mode, labels: np.ndarray, poses: np.ndarray, reference: np.ndarray, seconds: float) -> Figures:
    """Compare the poses of one mode with those of float32, and both with labels."""
    errors, reference_errors = (euclidean_errors(labels, each) for each in (poses, reference))
    moved = np.linalg.norm((poses - reference)[..., :2], axis=-1)[reference[..., 2] >= MEANINGFUL]
    difference = float(np.median(moved)) if moved.size else float("nan")
    return Figures(
        mode,
        seconds,
        error_px=float(np.nanmean(errors)),
        reference_px=float(np.nanmean(reference_errors)),
        median_px=float(np.nanmedian(errors)),
        reference_median_px=float(np.nanmedian(reference_errors)),
        chance_px=chance_px(errors - reference_errors),
        difference_px=difference,
    )


def fastest(figures: Sequence[Figures]) -> Figures:
    """Return the fastest of the modes that keep the promise; the first, which it is measured by, always does."""
    reference, *others = figures
    return min([reference, *(each for each in others if each.keeps_promise)], key=lambda each: each.seconds)


def smallest(figures: Sequence[Figures], engine: str) -> Figures:
    """Return an engine at the smallest scale whose errors are not worse by more than 2 %; full size is always taken."""
    whole, *others = sorted((each for each in figures if each.mode.engine == engine), key=lambda each: -each.mode.scale)
    return [whole, *(each for each in others if each.is_no_worse)][-1]
