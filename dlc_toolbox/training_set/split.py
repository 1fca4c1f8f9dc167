"""Which labeled images train and which test: at random, or as the user chose."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from dlc_common import in_words
from dlc_common.accents import composed
from dlc_common.culprits import in_short
from dlc_common.kinds import JSON, wrong_kind
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.tables import row_name

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
    rows: Mapping[str, Sequence[int | str]], table_names: Sequence[str], labeled: Collection[str]
) -> tuple[list[str], list[str]]:
    """Split images as the user chose.

    Parameters
    ----------
    rows : mapping
        Row numbers or names `train` and `test`, as `read_split_file` returns them.
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
        When a row does not exist, a side has no labeled image, or both have the same one.
    """
    spelled = {composed(name): name for name in table_names}
    rows = {side: [_as_spelled(row, spelled) for row in of_side] for side, of_side in rows.items()}
    unknown = [row for side in rows.values() for row in side if not _is_row(row, table_names)]
    if unknown:
        raise ToolboxError(
            f"the split names {', '.join(map(str, unknown[:5]))}{' ...' if len(unknown) > 5 else ''}, but the label "
            f"table has the rows 0 ({table_names[0]}) to {len(table_names) - 1} ({table_names[-1]})"
        )
    sides = []
    for side in ("train", "test"):
        names = [table_names[row] if isinstance(row, int) else row for row in rows[side]]
        sides.append([name for name in names if name in labeled])
        if len(sides[-1]) < len(names):
            log.warning(
                "%d of %d %s rows have no label and are left out", len(names) - len(sides[-1]), len(names), side
            )
        if not sides[-1]:
            raise ToolboxError(f"the split has no labeled image under {side!r}")
    if both := sorted({*sides[0]} & {*sides[1]}):
        raise ToolboxError(f"the split has {both[0]} on both sides")
    return sides[0], sides[1]


def warn_of_copied_images(train: Sequence[str], test: Sequence[str], hashes: Mapping[str, str]) -> None:
    """Warn of images that are the same picture, above all where one of them trains and the other tests.

    Parameters
    ----------
    train, test : sequence of str
        The split.
    hashes : mapping of str to str
        Of the content of each image.
    """
    first = dict[str, str]()
    copies = [(name, of) for name in (*train, *test) if (of := first.setdefault(hashes[name], name)) != name]
    if not copies:
        return
    trained = {hashes[name] for name in train}
    crossing = sum(hashes[name] in trained for name in test)
    log.warning(
        "%d images are the same picture as another: %s%s",
        len(copies),
        in_short([f"{name} is {of}" for name, of in copies]),
        f"; {crossing} of them test while the other trains, so the test error will look too small" if crossing else "",
    )


def _as_spelled(row: int | str, spelled: Mapping[str, str]) -> int | str:
    """Return a row's name as the label table spells it, with accents apart or not."""
    return row if isinstance(row, int) else spelled.get(composed(row), row)


def _is_row(row: int | str, table_names: Sequence[str]) -> bool:
    """Tell whether a label table has a row of this number or name."""
    return row < len(table_names) if isinstance(row, int) else row in table_names


def check_split(
    train: Sequence[str], test: Sequence[str], table_names: Collection[str], mat: Path, trained: Collection[str] | None
) -> None:
    """Compare a split with its label table and with the .mat that trained the network.

    Parameters
    ----------
    train, test : sequence of str
        Images of the split.
    table_names : collection of str
        Rows of its label table.
    mat : Path
        The .mat, for messages.
    trained : collection of str or None
        Images in it; None where it is not there any more.

    Raises
    ------
    ToolboxError
        When an image is on both sides, or not in the table, or other images trained.
    """
    unknown = [name for name in (*train, *test) if name not in table_names]
    if unknown:
        raise ToolboxError(f"the split of {mat.name} names {in_short(unknown)}, which its label table lacks")
    if both := sorted({*train} & {*test}):
        raise ToolboxError(f"the split of {mat.name} has {in_short(both)} among the training and the test images")
    if trained is not None and (other := {*train} ^ {*trained}):
        raise ToolboxError(
            f"{mat} has other training images than the documentation of its split: {in_short(sorted(other))} is in one "
            "of them alone, so the test error would be that of images that trained the network. Make both again: give "
            "Shuffles in myconfig.py a free number and run Step 4"
        )


def read_split_file(path: Path) -> dict[str, list[int | str]]:
    """Read the rows that a user chose for training and test.

    Parameters
    ----------
    path : Path
        A json file: ``{"train": [...], "test": [...]}``, row numbers in the label table, from 0, or names of its rows,
        with or without ``labeled-data/`` before them.

    Returns
    -------
    dict
        The lists `train` and `test`.

    Raises
    ------
    ToolboxError
        When the file cannot be read, has a list twice, lists anything but whole numbers or names, or a row twice.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_without_repeats)
    except OSError as error:
        raise ToolboxError(f"the split {in_words(error)}") from error
    except (ValueError, RecursionError) as error:
        other = wrong_kind(path, "a split (json)", JSON)
        form = 'a split holds {"train": [...], "test": [...]}, the names of images'
        raise ToolboxError(other or f"{path} cannot be read as json ({error}); {form}") from error
    if not isinstance(content, dict) or content.keys() != {"train", "test"}:
        raise ToolboxError(f'{path} must hold {{"train": [...], "test": [...]}}, lists of row numbers or names')
    for side, rows in content.items():
        is_list = isinstance(rows, list)
        if not is_list or not all(type(row) is str or (type(row) is int and row >= 0) for row in rows):
            raise ToolboxError(
                f"{path}: {side} must be a list of row numbers from 0, such as [0, 3, 4], or of rows by name, such as "
                '["day1/img007.png"]'
            )
        content[side] = [row if type(row) is int else row_name(row) for row in rows]
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
