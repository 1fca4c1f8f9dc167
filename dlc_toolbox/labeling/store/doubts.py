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
class Warning:
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
) -> list[Warning]:
    """List what looks wrong about the labels of an image.

    Parameters
    ----------
    placed : mapping of str to (float, float)
        Its labels: x, y in pixels by body part.
    size : (int, int)
        Width and height of the image.
    boundary : float
        `invisibleboundary` of the settings.
    others : sequence of mapping
        Labels of other images of the folder.
    bodyparts : sequence of str
        All body parts.

    Returns
    -------
    list of Warning
        In the order of the body parts.
    """
    found = [*_outside(placed, size), *_in_corner(placed, boundary), *_on_one_place(placed)]
    found += [
        Warning(part, f"{part} is much farther from the other parts than in all other images: misplaced, or swapped?")
        for part in _far_away(placed, others, bodyparts)
    ]
    return sorted(found, key=lambda warning: list(bodyparts).index(warning.part))


def _outside(placed: Placed, size: tuple[int, int]) -> list[Warning]:
    """Warn of labels outside the image."""
    width, height = size
    return [
        Warning(part, f"{part} lies outside the image")
        for part, (x, y) in placed.items()
        if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5)
    ]


def _in_corner(placed: Placed, boundary: float) -> list[Warning]:
    """Warn of labels that Step 2 will read as 'not visible'."""
    return [
        Warning(part, f"{part} lies in the top left corner, where a click means 'not visible' (invisibleboundary)")
        for part, point in placed.items()
        if max(point) < boundary
    ]


def _on_one_place(placed: Placed) -> list[Warning]:
    """Warn of parts that lie on an earlier one."""
    parts, found = list(placed), []
    for place, part in enumerate(parts):
        for earlier in parts[:place]:
            (x, y), (other_x, other_y) = placed[part], placed[earlier]
            if np.hypot(x - other_x, y - other_y) < _SAME_PLACE_PX:
                found.append(Warning(part, f"{part} lies on the same place as {earlier}"))
                break
    return found


def _far_away(placed: Placed, others: Sequence[Placed], bodyparts: Sequence[str]) -> list[str]:
    """List the parts whose distances to most other parts are larger than in any other image."""
    if len(others) < _FEWEST_IMAGES or len(placed) < 2:
        return []
    parts = [part for part in bodyparts if part in placed]
    nowhere = (np.nan, np.nan)
    usual = _distances(np.array([[found.get(part, nowhere) for part in parts] for found in others], float))
    known = np.isfinite(usual).sum(axis=0) >= _FEWEST_IMAGES
    largest = np.where(np.isfinite(usual), usual, 0).max(axis=0)
    here = _distances(np.array([[placed[part] for part in parts]], float))[0]
    np.fill_diagonal(known, False)
    unusual = known & (here > _UNUSUAL * np.maximum(largest, _SAME_PLACE_PX))
    return [part for part, is_known, far in zip(parts, known, unusual, strict=True) if far.sum() > is_known.sum() / 2]


def _distances(points: np.ndarray) -> np.ndarray:
    """Return the distances between all parts, (N, K, K), of points (N, K, 2)."""
    return np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
