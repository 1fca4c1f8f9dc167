"""Labels that cannot be meant: outside the image, in its corner, or of two body parts in one place."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from dlc_common.culprits import in_short
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.fiji import read_clicks
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import bodyparts_of, points

log = logging.getLogger(__name__)

_SHOWN = 20  # labels named one by one in a message
CORNER_PX = 10
"""Where people click a part that cannot be seen, as v1 advised."""

_CORNER_SHARE = 0.05  # of the longer side, in small images
_FEW = 3  # images; fewer tell nothing of a part
_SAME_PX = 0.5  # two clicks of one hand on one pixel


def outside_image(labels: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Tell which labels lie outside their image.

    Parameters
    ----------
    labels : ndarray of shape (N, K, 2)
        x, y in pixels; (0, 0) is the centre of the top-left pixel. NaN is not outside.
    sizes : ndarray of shape (N, 2)
        Width and height of the images.

    Returns
    -------
    ndarray of shape (N, K)
        bool.

    Examples
    --------
    >>> outside_image(np.array([[[-0.4, 3.0], [10.0, 3.0]]]), np.array([[10, 8]])).tolist()
    [[False, True]]
    """
    return np.any((labels < -0.5) | (labels > sizes[:, None] - 0.5), axis=2)


def why_outside(labels: np.ndarray, sizes: np.ndarray) -> str:
    """Ask what may be the reason that labels lie outside their images; empty where nothing tells.

    Parameters
    ----------
    labels, sizes
        As for `outside_image`.

    Returns
    -------
    str
        What follows the list of such labels.
    """
    outside, labeled = outside_image(labels, sizes).sum(), np.isfinite(labels).all(axis=2).sum()
    if outside < _FEW:
        return ""
    if not outside_image(labels[..., ::-1], sizes).any():
        return ". With x and y exchanged all labels would lie inside: were the two columns exchanged?"
    if 2 * outside > labeled:
        width, height = sizes.max(axis=0)
        right, bottom = np.nanmax(labels, axis=(0, 1))
        return (
            f". These are most: labels reach x {right:g}, y {bottom:g}, the images {width} x {height} pixels: were "
            "they scaled or cropped after they were labeled?"
        )
    return ""


def of_other_size(sizes: np.ndarray) -> np.ndarray:
    """Tell which images have another size than most images of their folder.

    Parameters
    ----------
    sizes : ndarray of shape (N, 2)
        Width and height of the images of a folder; infinite where they are unknown.

    Returns
    -------
    ndarray of shape (N,)
        bool; False for all where no size is that of more than half: they are rightly mixed.

    Examples
    --------
    >>> of_other_size(np.array([[160, 120], [320, 240], [160, 120]])).tolist()
    [False, True, False]
    >>> of_other_size(np.array([[160, 120], [320, 240]])).tolist()
    [False, False]
    """
    common = np.median(sizes, axis=0)  # the size of more than half, where there is one
    is_common = (sizes == common).all(axis=1)
    return np.isfinite(sizes + common).all(axis=1) & ~is_common & (2 * is_common.sum() > len(sizes))


def warn_of_other_sizes(labels: np.ndarray, sizes: np.ndarray, names: Sequence[str], folder: Path) -> None:
    """Warn of labeled images that have another size than most images of their folder.

    Parameters
    ----------
    labels : ndarray of shape (N, ..., 2)
        x, y in pixels; NaN where there is none.
    sizes : ndarray of shape (N, 2)
        Width and height of the images; infinite where they are unknown.
    names : sequence of str
        N names of the images.
    folder : Path
        Their folder, for messages.
    """
    labeled = np.isfinite(labels).reshape(len(labels), -1).any(axis=1)
    others = of_other_size(sizes) & labeled
    if others.any():
        width, height = np.median(sizes, axis=0)
        listed = zip(names, sizes, others, strict=True)
        named = [f"{name} ({size[0]:g} x {size[1]:g})" for name, size, is_other in listed if is_other]
        log.warning(
            "%s: most images have %g x %g pixels, but not %s. If these were scaled or cropped after they were labeled, "
            "their labels are in wrong places: put the images back, or label them again",
            *(folder, width, height, in_short(named)),
        )


def name_labels(chosen: np.ndarray, labels: np.ndarray, names: Sequence[str], bodyparts: Sequence[str]) -> str:
    """List chosen labels, (N, K) bool, by body part, image and place, at most the first 20."""
    listed = [
        f"{bodyparts[k]} in {names[n]} (x {labels[n, k, 0]:g}, y {labels[n, k, 1]:g})" for n, k in np.argwhere(chosen)
    ]
    return "; ".join(listed[:_SHOWN]) + ("; ..." if len(listed) > _SHOWN else "")


def mostly_in_corner(labels: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Tell of which body parts most labels, and 3 or more, lie in the top left corner.

    Parameters
    ----------
    labels : ndarray of shape (N, K, 2)
        x, y in pixels; NaN where there is none.
    sizes : ndarray of shape (N, 2)
        Width and height of the images; NaN where they are unknown, so that nothing lies in the corner.

    Returns
    -------
    ndarray of shape (K,)
        bool.

    Examples
    --------
    >>> labels = np.array([[[0.0, 0.0], [50.0, 50.0]]] * 3)
    >>> mostly_in_corner(labels, np.full((3, 2), 200)).tolist()
    [True, False]
    """
    in_corner = _in_corner(labels, sizes).sum(axis=0)
    return np.asarray((2 * in_corner > _labeled(labels)) & (in_corner >= _FEW))


def _in_corner(labels: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Tell which labels lie in the top left corner, (N, K)."""
    reach = np.minimum(CORNER_PX, _CORNER_SHARE * sizes.max(axis=1))[:, None]
    return np.asarray((labels < reach[..., None]).all(axis=2))


def _labeled(labels: np.ndarray) -> np.ndarray:
    """Count the labels of each body part, (K,)."""
    return np.asarray(np.isfinite(labels).all(axis=2).sum(axis=0))


def check_corner(labels: np.ndarray, sizes: np.ndarray, folder: Path, settings: Settings) -> None:
    """Warn of clicks in the top left corner that count as labels, which people make where a part cannot be seen.

    Parameters
    ----------
    labels : ndarray of shape (N, K, 2)
        x, y in pixels; NaN where there is none.
    sizes : ndarray of shape (N, 2)
        Width and height of the images.
    folder : Path
        Their folder, for messages.
    settings : Settings
        K body parts, and `invisibleboundary`, with a value above 0 of which no such click counts as a label.

    Raises
    ------
    ToolboxError
        When most labels of a part, and 3 or more, lie there; a negative `invisibleboundary` says that it is there.
    """
    if settings.invisibleboundary > 0:
        return
    counts = zip(settings.bodyparts, _in_corner(labels, sizes).sum(axis=0), _labeled(labels), strict=True)
    told = [f"{n} of {total} on {part}" for part, n, total in counts if n]
    if not told:
        return
    advice = (
        f"{folder}: clicks in the top left corner: {in_short(told)}. If they mean 'not visible', set "
        f"invisibleboundary = {CORNER_PX} in myconfig.py; it is {settings.invisibleboundary:g}, so they count as labels"
    )
    if settings.invisibleboundary == 0 and mostly_in_corner(labels, sizes).any():
        raise ToolboxError(f"{advice}. If these parts really are there, set invisibleboundary = -1")
    log.warning("%s", advice)


def warn_of_copied_files(contents: Mapping[Path, str]) -> None:
    """Warn of csv files that hold the same, byte for byte, in several folders: the clicks on other images.

    Parameters
    ----------
    contents : mapping of Path to str
        The hash of each csv file. Those of fewer than 3 clicks tell nothing.
    """
    alike: dict[str, list[Path]] = {}
    for path, content in contents.items():
        alike.setdefault(content, []).append(path)
    names: dict[tuple[Path, ...], list[str]] = {}
    for paths in alike.values():
        folders = tuple(dict.fromkeys(path.parent for path in paths))
        if len(folders) > 1 and len(read_clicks(paths[0])) >= _FEW:
            names.setdefault(folders, []).extend(dict.fromkeys(path.name for path in paths))
    for folders, copied in names.items():
        log.warning(
            "%s: the same clicks in %s: were they copied to the images of another video, or is one folder a copy?",
            in_short(copied),
            in_short([str(folder) for folder in folders]),
        )


def warn_of_one_hand(labels: Mapping[str, pd.DataFrame]) -> None:
    """Warn of scorers whose labels are the same to the last digit in most places that both have labeled.

    Parameters
    ----------
    labels : mapping of str to DataFrame
        The label table of each scorer. Fewer than 3 places tell nothing.
    """
    for (one, first), (other, second) in combinations(labels.items(), 2):
        rows = first.index.intersection(second.index)
        parts = [part for part in bodyparts_of(first) if part in bodyparts_of(second)]
        xy, xy_of_other = (points(table.loc[rows], parts)[..., :2] for table in (first, second))
        both = np.isfinite(xy + xy_of_other).all(axis=2).sum()
        same = (xy == xy_of_other).all(axis=2).sum()
        if both >= _FEW and 2 * same > both:
            log.warning(
                "%s and %s have %d of %d labels in the very same places: were the csv files of one copied, or the same "
                "suggestions accepted? How far apart the two are then tells nothing of how well people agree",
                *(one, other, same, both),
            )


def check_coincidence(labels: np.ndarray, bodyparts: Sequence[str], files: Sequence[Path], folder: Path) -> None:
    """Warn of two body parts that are labeled in the same places in most images.

    Parameters
    ----------
    labels : ndarray of shape (N, K, 2)
        x, y in pixels; NaN where there is none.
    bodyparts : sequence of str
        K names.
    files : sequence of Path
        The csv file of each part, or one for all.
    folder : Path
        Their folder, for messages.

    Raises
    ------
    ToolboxError
        When the csv files of two parts are the same, byte for byte, and hold 3 clicks or more.
    """
    contents = {k: path.read_bytes() for k, path in enumerate(files)} if len(files) > 1 else {}
    for first, second in combinations(range(len(bodyparts)), 2):
        apart = np.hypot(*(labels[:, first] - labels[:, second]).T)
        both, same = np.isfinite(apart).sum(), (apart < _SAME_PX).sum()
        is_one_file = bool(contents) and contents[first] == contents[second]
        if is_one_file and both >= _FEW:
            raise ToolboxError(
                f"{files[first]} and {files[second].name} hold the same, so {bodyparts[first]} and {bodyparts[second]} "
                "would be labeled in the same places. One was saved under the wrong name: measure that part again, and "
                "save it anew"
            )
        if 2 * same > both and (both >= _FEW or is_one_file):
            log.warning(
                "%s: %s and %s have the same place in %d of %d images: was one part clicked, or saved, twice?",
                *(folder, bodyparts[first], bodyparts[second], same, both),
            )
