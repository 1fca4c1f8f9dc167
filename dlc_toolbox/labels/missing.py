"""Which labels are missing, image by image, grouped so that those of hundreds of images can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlc_common.culprits import in_short
from dlc_toolbox.labels.provenance import NOT_VISIBLE, ImageNotes

_NAMED_GROUPS, _NAMED_IMAGES = 10, 6


@dataclass(frozen=True)
class Group:
    """Images in which the same labels are missing.

    Parameters
    ----------
    parts : tuple of str
        The body parts without a label.
    images : tuple of int
        The images, by their position, ascending.
    """

    parts: tuple[str, ...]
    images: tuple[int, ...]


def not_visible(notes: Mapping[str, ImageNotes], rows: Sequence[str], bodyparts: Sequence[str]) -> np.ndarray:
    """Tell which body parts a person marked as not visible on the labeling page.

    Parameters
    ----------
    notes : mapping of str to ImageNotes
        As `provenance` returns them.
    rows : sequence of str
        N images, named as in `notes`.
    bodyparts : sequence of str
        K names.

    Returns
    -------
    ndarray of shape (N, K)
        bool.
    """
    states = [notes[row].states if row in notes else {} for row in rows]
    marked = [[of_image.get(part) == NOT_VISIBLE for part in bodyparts] for of_image in states]
    return np.array(marked, dtype=bool).reshape(len(rows), len(bodyparts))


def find_missing(labeled: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Tell which labels are missing: in an image that has others, and not because the part cannot be seen.

    Parameters
    ----------
    labeled, hidden : ndarray of shape (N, K)
        bool; where there is a label, and where a person said that the part is not visible.

    Returns
    -------
    ndarray of shape (N, K)
        bool.

    Examples
    --------
    >>> labeled = np.array([[True, False, False], [False, False, False]])
    >>> find_missing(labeled, hidden=np.array([[False, False, True]] * 2)).tolist()
    [[False, True, False], [False, False, False]]
    """
    return labeled.any(axis=1, keepdims=True) & ~labeled & ~hidden


def group_missing(missing: np.ndarray, bodyparts: Sequence[str]) -> list[Group]:
    """Group the images in which the same labels are missing.

    Parameters
    ----------
    missing : ndarray of shape (N, K)
        bool.
    bodyparts : sequence of str
        K names.

    Returns
    -------
    list of Group
        The largest first, of equally large ones that with the first image; images without a gap are in none.

    Examples
    --------
    >>> group_missing(np.array([[0, 1], [0, 0], [1, 1], [0, 1]], bool), ["nose", "tail"])
    [Group(parts=('tail',), images=(0, 3)), Group(parts=('nose', 'tail'), images=(2,))]
    """
    members: dict[tuple[str, ...], list[int]] = {}
    for image in np.flatnonzero(missing.any(axis=1)).tolist():
        parts = tuple(bodyparts[part] for part in np.flatnonzero(missing[image]).tolist())
        members.setdefault(parts, []).append(image)
    groups = [Group(parts, tuple(images)) for parts, images in members.items()]
    return sorted(groups, key=lambda group: (-len(group.images), group.images))


def missing_in_words(missing: np.ndarray, hidden: np.ndarray, rows: Sequence[str], bodyparts: Sequence[str]) -> str:
    """Say how many labels are missing, and in which images which; the most frequent gaps first.

    Parameters
    ----------
    missing, hidden : ndarray of shape (N, K)
        bool; see `find_missing`.
    rows : sequence of str
        N images, ``<folder>/<image>``.
    bodyparts : sequence of str
        K names.

    Returns
    -------
    str
        One line, followed by one for each of the largest groups of images.
    """
    marked = f" ({hidden.sum()} more are marked as not visible)" if hidden.any() else ""
    if not missing.any():
        return f"no label is missing{marked}"
    groups = group_missing(missing, bodyparts)
    lines = [f"{missing.sum()} labels are missing in {missing.any(axis=1).sum()} of the {len(rows)} images{marked}:"]
    for group in groups[:_NAMED_GROUPS]:
        named = in_short([rows[image] for image in group.images], _NAMED_IMAGES)
        lines.append(f"  {_listed(group.parts, bodyparts)}: {named}")
    if len(groups) > _NAMED_GROUPS:
        rest = sum(len(group.images) for group in groups[_NAMED_GROUPS:])
        lines.append(f"  other parts: {rest} images, which the page lists")
    return "\n".join(lines)


def _listed(parts: Sequence[str], bodyparts: Sequence[str]) -> str:
    """Name body parts; where it takes fewer words, those that are there."""
    if len(parts) <= len(bodyparts) / 2 or len(parts) == 1:
        return ", ".join(parts)
    return f"all but {', '.join(part for part in bodyparts if part not in parts)}"
