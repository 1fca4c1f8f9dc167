"""What looks wrong about the labels of an image, while it can still be mended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_SAME_PLACE_PX = 1.5
_FEWEST_IMAGES = 5  # from which on usual distances are known
_UNUSUAL = 1.5  # times the largest distance in any other image

Placed = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Doubt:
    """Something to look at again.

    Parameters
    ----------
    part : str
        Body part.
    text : str
        A sentence for the person.
    """

    part: str
    text: str


def find_doubts(
    placed: Placed, size: tuple[int, int], boundary: float, others: Sequence[Placed], bodyparts: Sequence[str]
) -> list[Doubt]:
    """List what looks wrong about the labels of an image.

    Parameters
    ----------
    placed : mapping of str to (float, float)
        Its labels: x, y in pixels by body part.
    size : (int, int)
        Width and height of the image.
    boundary : float
        `Settings.hidden_below`.
    others : sequence of mapping
        Labels of other images of the folder.
    bodyparts : sequence of str
        All body parts.

    Returns
    -------
    list of Doubt
        In the order of the body parts.
    """
    found = [*_outside(placed, size), *_in_corner(placed, boundary), *_on_one_place(placed)]
    found += [
        Doubt(part, f"{part} is much farther from the other parts than in all other images: misplaced, or swapped?")
        for part, is_far in zip(bodyparts, _far_away(_distances(_array([placed, *others], bodyparts)))[0], strict=True)
        if is_far
    ]
    return sorted(found, key=lambda warning: list(bodyparts).index(warning.part))


def are_doubtful(images: Sequence[Placed], boundary: float, bodyparts: Sequence[str]) -> list[bool]:
    """Tell the images of a folder in which `find_doubts` would find something, each compared with all others.

    Labels right of an image or below it are found only there: this function knows no sizes.

    Parameters
    ----------
    images : sequence of mapping
        Labels of each image: x, y in pixels by body part.
    boundary : float
        `Settings.hidden_below`.
    bodyparts : sequence of str
        All body parts.

    Returns
    -------
    list of bool
        One for each image.

    Examples
    --------
    >>> are_doubtful([{"nose": (9, 9)}, {"nose": (9, 9), "paw": (9, 8)}, {"paw": (-1, 9)}], 5, ["nose", "paw"])
    [False, True, True]
    """
    points = _array(images, bodyparts)
    distances = _distances(points)
    outside, in_corner = (points < -0.5).any(axis=2), points.max(axis=2) < boundary
    on_one_place = (distances < _SAME_PLACE_PX).any(axis=2)
    return (outside | in_corner | on_one_place | _far_away(distances)).any(axis=1).tolist()


def _outside(placed: Placed, size: tuple[int, int]) -> list[Doubt]:
    """Warn of labels outside the image."""
    width, height = size
    return [
        Doubt(part, f"{part} lies outside the image")
        for part, (x, y) in placed.items()
        if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5)
    ]


def _in_corner(placed: Placed, boundary: float) -> list[Doubt]:
    """Warn of labels that Step 2 will read as 'not visible'."""
    return [
        Doubt(part, f"{part} lies in the top left corner, where a click means 'not visible' (invisibleboundary)")
        for part, point in placed.items()
        if max(point) < boundary
    ]


def _on_one_place(placed: Placed) -> list[Doubt]:
    """Warn of parts that lie on an earlier one."""
    parts, found = list(placed), []
    for place, part in enumerate(parts):
        for earlier in parts[:place]:
            (x, y), (other_x, other_y) = placed[part], placed[earlier]
            if np.hypot(x - other_x, y - other_y) < _SAME_PLACE_PX:
                found.append(Doubt(part, f"{part} lies on the same place as {earlier}"))
                break
    return found


def _array(images: Sequence[Placed], bodyparts: Sequence[str]) -> np.ndarray:
    """Return labels as an array (N, K, 2); NaN: none."""
    nowhere = (np.nan, np.nan)
    rows = [[placed.get(part, nowhere) for part in bodyparts] for placed in images]
    return np.array(rows, float).reshape(len(images), len(bodyparts), 2)


def _distances(points: np.ndarray) -> np.ndarray:
    """Return the distances between all parts, (N, K, K), of points (N, K, 2); NaN from a part to itself."""
    found = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
    parts = np.arange(points.shape[1])
    found[:, parts, parts] = np.nan
    return found


def _far_away(distances: np.ndarray) -> np.ndarray:
    """Tell the parts, (N, K), whose distances to most other parts are larger than in any other image."""
    if len(distances) <= _FEWEST_IMAGES:
        return np.zeros(distances.shape[:2], bool)
    seen = np.isfinite(distances)
    lengths = np.where(seen, distances, 0)
    second, largest = np.partition(lengths, -2, axis=0)[-2:]
    elsewhere = np.where(lengths == largest, second, largest)
    known = seen & (seen.sum(axis=0) - seen >= _FEWEST_IMAGES)
    unusual = known & (lengths > _UNUSUAL * np.maximum(elsewhere, _SAME_PLACE_PX))
    return unusual.sum(axis=2) > known.sum(axis=2) / 2
