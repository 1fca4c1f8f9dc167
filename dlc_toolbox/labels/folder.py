"""The labels of one folder of images, out of its csv files."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from dlc_common.culprits import for_all, in_short
from dlc_common.images import image_size, images_in
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.calibration import refuse_calibrated, warn_of_calibrated
from dlc_toolbox.labels.fiji import holds_clicks, read_clicks
from dlc_toolbox.labels.measured import warn_of_other_grays
from dlc_toolbox.labels.missing import not_visible
from dlc_toolbox.labels.plausible import (
    check_coincidence,
    check_corner,
    name_labels,
    outside_image,
    warn_of_other_sizes,
    why_outside,
)
from dlc_toolbox.labels.provenance import read_folder_notes
from dlc_toolbox.labels.slices import Slices, image_positions, refuse_uncounted, slices_of
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import make_table
from dlc_toolbox.video.turns import warn_of_turns

log = logging.getLogger(__name__)

_FEW_CLICKS = 7  # fewer are in the order of their places by chance
_FEW_STEPS = 2  # from part to part, and images, below which an order may be by chance


def read_folder(
    folder: Path, files: Sequence[Path], settings: Settings, scorer: str, left_out: Collection[str] = ()
) -> pd.DataFrame:
    """Make the rows of one folder.

    Parameters
    ----------
    folder : Path
        Folder of images.
    files : sequence of Path
        Its csv files: one per body part, or the one for all.
    settings : Settings
        Body parts, kind of csv files and images, and invisibleboundary.
    scorer : str
        Who clicked.
    left_out : collection of str
        Names of the images whose clicks do not count.

    Returns
    -------
    DataFrame
        Label table of the images that slices count.

    Raises
    ------
    UsersError
        When a csv file is damaged or contradicts the images, there is no image, or labels cannot be meant: of two parts
        from one file, in the corner while invisibleboundary is 0, in inches.
    """
    slices = slices_of(folder, settings.imagetype, files)
    if not slices.images:
        raise ToolboxError(
            f"{folder} has labels but no image that ends in {settings.imagetype}{_elsewhere(folder, slices)}"
        )
    _tell_others(folder, slices)
    _tell_unread(folder, files)
    if settings.multibodypartsfile:
        labels = _cyclic_labels(files[0], slices, settings.bodyparts)
    else:
        labels = np.stack(for_all(lambda path: _part_labels(path, slices), files), axis=1)
    _leave_out(labels, slices.images, left_out, folder)
    if settings.multibodypartsfile and settings.invisibleboundary <= 0:
        labels[_noted_hidden(labels, slices.images, files[0].parent, settings.bodyparts)] = np.nan
    sizes = np.array(for_all(image_size, slices.images))
    warn_of_turns(folder, slices.images)
    refuse_calibrated(labels, sizes, files[0].parent)
    warn_of_other_grays(files, slices.images)
    if not settings.multibodypartsfile:
        warn_of_calibrated(labels, sizes, files)
    check_corner(labels, sizes, folder, settings)
    check_coincidence(labels, settings.bodyparts, files, folder)
    _tell_unlabeled(labels, settings.bodyparts, folder)
    _remove_invisible(labels, settings, folder)
    names = [f"{folder.name}/{image.name}" for image in slices.images]
    warn_of_other_sizes(labels, sizes, names, folder)
    outside = outside_image(labels, sizes)
    if outside.any():
        message = "%d labels lie outside their images; they stay in the table, Step 4 leaves them out: %s"
        named = name_labels(outside, labels, names, settings.bodyparts)
        log.warning(message, outside.sum(), named + why_outside(labels, sizes))
    return make_table(scorer, settings.bodyparts, names, labels)


def _elsewhere(folder: Path, slices: Slices) -> str:
    """Say what to do about images of another type, or in a folder within the folder; for messages."""
    within = sorted(path for path in folder.iterdir() if path.is_dir() and images_in(path))
    if within and not slices.others:
        return f"; there are some in {within[0]}: move them to {folder}"
    types = ", ".join(sorted({path.suffix for path in slices.others}))
    return f"{types and f', but in {types}'}; check imagetype"


def _tell_others(folder: Path, slices: Slices) -> None:
    """Say which images slices do not count, in which order the others, and which ones Step 1 wrote and are gone."""
    if slices.others:
        log.warning(
            "%s: not counted among the labeled images: %s. If they were there when people clicked, labels behind them "
            "are an image off: tick Display label in Fiji, and measure again",
            *(folder, slices.not_counted()),
        )
    if unsorted := next((pair for pair in pairwise(path.name for path in slices.images) if pair[0] > pair[1]), None):
        log.info(
            "%s: slices count the images by the numbers in their names (%s before %s), as Fiji does where 'Sort names "
            "numerically' is ticked",
            *(folder.name, *unsorted),
        )
    if slices.missing:
        log.warning(
            "%s: %s, which Step 1 wrote, is not there any more. If it was deleted after the images were labeled, put "
            "it back: clicks count positions",
            *(folder, in_short(slices.missing)),
        )


def _tell_unread(folder: Path, files: Sequence[Path]) -> None:
    """Say which csv files beside those of the body parts hold clicks, too, and are not read."""
    beside = sorted(path for path in files[0].parent.iterdir() if path.suffix.lower() == ".csv" and path.is_file())
    unread = [path.name for path in beside if path not in files and holds_clicks(path)]
    if unread:
        log.warning(
            "%s: clicks in %s are not read, because myconfig.py does not name them (bodyparts, multibodypartsfilename)",
            *(folder, in_short(unread)),
        )


def _leave_out(labels: np.ndarray, images: Sequence[Path], left_out: Collection[str], folder: Path) -> None:
    """Turn clicks on images that were left out on the labeling page into missing labels, in place, and name them."""
    places = [place for place, image in enumerate(images) if image.name in left_out]
    clicked = [images[place].name for place in places if np.isfinite(labels[place]).any()]
    labels[places] = np.nan
    if clicked:
        log.warning(
            "%s: clicks on images that are left out on the labeling page do not count: %s. Take such an image back "
            "there if it is to count",
            *(folder, in_short(clicked)),
        )


def _noted_hidden(labels: np.ndarray, images: Sequence[Path], home: Path, bodyparts: Sequence[str]) -> np.ndarray:
    """Tell which clicks at (0, 0) the labeling page made for parts that are not visible, (N, K)."""
    hidden = not_visible(read_folder_notes(home), [image.name for image in images], bodyparts)
    return np.asarray(hidden & (labels == 0).all(axis=2))


def _tell_unlabeled(labels: np.ndarray, bodyparts: Sequence[str], folder: Path) -> None:
    """Warn of body parts without any click in a folder that has others."""
    labeled = np.isfinite(labels).all(axis=2).any(axis=0)
    absent = [part for part, found in zip(bodyparts, labeled, strict=True) if not found]
    if absent and labeled.any():
        log.warning("%s: no click on %s, so it is missing in all %d images", folder, ", ".join(absent), len(labels))


def _remove_invisible(labels: np.ndarray, settings: Settings, folder: Path) -> None:
    """Turn clicks below invisibleboundary into missing labels, in place, and count them."""
    invisible = (labels < settings.hidden_below).all(axis=2)
    labels[invisible] = np.nan
    for part, count in zip(settings.bodyparts, invisible.sum(axis=0), strict=True):
        if count:
            log.info("%s: %d clicks on %s below invisibleboundary: not visible", folder.name, count, part)


def _part_labels(path: Path, slices: Slices) -> np.ndarray:
    """Return one body part's x, y in every image, (N, 2)."""
    clicks = read_clicks(path)
    positions = image_positions(clicks, slices.images, path, slices.others)
    repeated = clicks[clicks["slice"].duplicated(keep=False)]
    if len(repeated):
        refuse_uncounted(clicks, slices.images, path)
        problems = [
            f"slice {place} ({slices.images[place - 1].name}) has several clicks, in lines "
            f"{' and '.join(map(str, of_slice['line']))}"
            for place, of_slice in repeated.groupby("slice")
        ]
        raise ToolboxError(f"{path}: {in_short(problems, separator='; ')}. Delete all but the one that counts")
    labels = np.full((len(slices.images), 2), np.nan)
    labels[positions] = clicks[["x", "y"]]
    return labels


def _refuse_sorted(clicks: pd.DataFrame, path: Path) -> None:
    """Raise when clicks go by X or Y from image to image, as no person clicks: which part is which is lost."""
    for column in ("x", "y"):
        steps = np.diff(clicks[column])
        is_sorted = (steps >= 0).all() or (steps <= 0).all()
        if is_sorted and np.count_nonzero(steps) >= _FEW_CLICKS and not clicks["slice"].is_monotonic_increasing:
            raise ToolboxError(
                f"{path} is sorted by {column.upper()}, so the order in which the body parts were clicked is lost: "
                "take the file as Fiji saved it, or measure again; one csv for each body part may be in any order"
            )


def _cyclic_labels(path: Path, slices: Slices, bodyparts: Sequence[str]) -> np.ndarray:
    """Return all body parts' x, y in every image, (N, K, 2), from clicks on one part after the other."""
    clicks = read_clicks(path)
    _refuse_sorted(clicks, path)
    positions = image_positions(clicks, slices.images, path, slices.others)
    labels = np.full((len(slices.images), len(bodyparts), 2), np.nan)
    problems = []
    for position, clicked in clicks[["x", "y"]].groupby(positions):
        if len(clicked) == len(bodyparts):
            labels[position] = clicked
        else:
            problems.append(f"slice {position + 1} ({slices.images[position].name}) has {len(clicked)} clicks")
    if problems:
        if len(clicks) > len(bodyparts):
            refuse_uncounted(clicks, slices.images, path)
        raise ToolboxError(
            f"{path}: {in_short(problems, separator='; ')}, expected {len(bodyparts)}: {', '.join(bodyparts)}, in this "
            "order. A part that is not visible needs a click near the top left corner, below invisibleboundary"
        )
    _warn_of_sorted(labels, path)
    return labels


def _warn_of_sorted(labels: np.ndarray, path: Path) -> None:
    """Say when clicks go by X or Y within every image, as in a file that was sorted by Slice, and then by these."""
    steps = np.diff(labels[np.isfinite(labels).all(axis=(1, 2))], axis=1)
    if min(steps.shape[:2]) < _FEW_STEPS:
        return
    for name, along in zip("XY", np.moveaxis(steps, 2, 0), strict=True):
        if (along >= 0).all() or (along <= 0).all():
            log.warning(
                "%s: %s %s from body part to body part in every image. If a spreadsheet has sorted the file, nobody "
                "knows which part is which: look at the page of Step 3",
                *(path, name, "rises" if (along >= 0).all() else "falls"),
            )
