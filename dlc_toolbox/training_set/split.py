"""Which labeled images train and which test: at random, or as the user chose."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from dlc_toolbox import ToolboxError

log = logging.getLogger(__name__)


def split_images(names: Sequence[str], fraction: float, seed: int, shuffle: int) -> tuple[list[str], list[str]]:
    """Split images into training and test images at random.

    Parameters
    ----------
    names : sequence of str
        The labeled images, at least 2.
    fraction : float
        Share of training images; at least one image is on each side.
    seed, shuffle : int
        Together they determine the random order. A larger fraction adds images to those of a smaller one.

    Returns
    -------
    train, test : list of str
        In the order of `names`.

    Examples
    --------
    >>> train, test = split_images("abcde", 0.6, seed=42, shuffle=1)
    >>> len(train), sorted(train + test)
    (3, ['a', 'b', 'c', 'd', 'e'])
    """
    order = np.random.default_rng([seed, shuffle]).permutation(len(names))
    trained = min(max(round(len(names) * fraction), 1), len(names) - 1)
    return [names[i] for i in sorted(order[:trained])], [names[i] for i in sorted(order[trained:])]


def split_videos(
    names: Sequence[str], videos: Sequence[str], fraction: float, seed: int, shuffle: int
) -> tuple[list[str], list[str]]:
    """Split images so that no video has some on each side, at random.

    Parameters
    ----------
    names : sequence of str
        The labeled images.
    videos : sequence of str
        Of each image the video that it is from.
    fraction : float
        Share of training images; the nearest to it that whole videos in random order allow.
    seed, shuffle : int
        Together they determine the random order.

    Returns
    -------
    train, test : list of str
        In the order of `names`; at least one video is on each side.

    Raises
    ------
    ToolboxError
        When all images are from one video.

    Examples
    --------
    >>> train, test = split_videos("abcde", "xxyyy", 0.6, seed=42, shuffle=1)
    >>> sorted([train, test])
    [['a', 'b'], ['c', 'd', 'e']]
    """
    sizes = Counter(videos)
    if len(sizes) < 2:
        (video,) = sizes
        raise ToolboxError(
            f"splitby = 'video' needs images of two videos or more, but all {len(names)} are of {video}: "
            "label frames of another video, or set splitby = 'image' in myconfig.py"
        )
    order = [sorted(sizes)[number] for number in np.random.default_rng([seed, shuffle]).permutation(len(sizes))]
    shares = np.cumsum([sizes[video] for video in order])[:-1] / len(names)
    trained = set(order[: int(np.argmin(np.abs(shares - fraction))) + 1])
    sides: tuple[list[str], list[str]] = ([], [])
    for name, video in zip(names, videos, strict=True):
        sides[video not in trained].append(name)
    return sides


def split_by_rows(
    rows: Mapping[str, Sequence[int]], table_names: Sequence[str], labeled: Collection[str]
) -> tuple[list[str], list[str]]:
    """Split images as the user chose.

    Parameters
    ----------
    rows : mapping
        Row numbers `train` and `test`, as `read_split_file` returns them.
    table_names : sequence of str
        Image of each row.
    labeled : collection of str
        Those with a label; the others are left out.

    Returns
    -------
    train, test : list of str
        In the order of `rows`.

    Raises
    ------
    ToolboxError
        When a row does not exist, or a side has no labeled image.
    """
    sides = []
    for side in ("train", "test"):
        beyond = [row for row in rows[side] if row >= len(table_names)]
        if beyond:
            raise ToolboxError(f"the split names row {beyond[0]}, but the label table ends with {len(table_names) - 1}")
        names = [table_names[row] for row in rows[side]]
        sides.append([name for name in names if name in labeled])
        if len(sides[-1]) < len(names):
            log.warning(
                "%d of %d %s rows have no label and are left out", len(names) - len(sides[-1]), len(names), side
            )
        if not sides[-1]:
            raise ToolboxError(f"the split has no labeled image under {side!r}")
    return sides[0], sides[1]


def read_split_file(path: Path) -> dict[str, list[int]]:
    """Read the rows that a user chose for training and test.

    Parameters
    ----------
    path : Path
        A json file: ``{"train": [...], "test": [...]}``, row numbers in the label table, from 0.

    Returns
    -------
    dict
        The lists `train` and `test`.

    Raises
    ------
    ToolboxError
        When the file is missing or damaged, has a list twice, lists anything but whole numbers, or a row twice.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_without_repeats)
    except (OSError, ValueError, RecursionError) as error:
        raise ToolboxError(f"{path} cannot be read as json: {error}") from error
    if not isinstance(content, dict) or content.keys() != {"train", "test"}:
        raise ToolboxError(f'{path} must hold {{"train": [...], "test": [...]}}, lists of row numbers')
    for side, rows in content.items():
        if not isinstance(rows, list) or not all(type(row) is int and row >= 0 for row in rows):
            raise ToolboxError(f"{path}: {side} must be a list of row numbers from 0, such as [0, 3, 4]")
    repeated = [row for row, times in Counter(content["train"] + content["test"]).items() if times > 1]
    if repeated:
        raise ToolboxError(f"{path}: row {repeated[0]} is listed twice")
    return content


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the object of a json file; raise ValueError when a key is there twice, of which json keeps the last."""
    for key, times in Counter(key for key, _ in pairs).items():
        if times > 1:
            raise ValueError(f"{key!r} is there {times} times")
    return dict(pairs)
