"""What a reader finds in another program's files, in one form for all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dlc_common.accents import as_spelled
from dlc_common.images import natural_key
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.labelset import Labels
from dlc_toolbox.project.checks import file_name
from dlc_toolbox.project.tables import bodyparts_of, make_table, points, scorer_of

CENTRE, CORNER = "centre", "corner"
"""Where 0 is in the first pixel: here in its centre; in programs that draw on a canvas at its top left corner."""

_HALF_A_PIXEL = 0.5
_MOST_BYTES = 255  # of a file's name


class LeftOut(NamedTuple):
    """What does not come along: its name, and why, in words that follow 'because it'."""

    what: str
    why: str


class FrameOf(NamedTuple):
    """An image that is a frame of a video, from 0, or a part of it: x1, x2, y1, y2."""

    video: Path
    number: int
    crop: tuple[int, int, int, int] | None = None


Pending = FrameOf | Callable[[], np.ndarray]
"""How an image is made that is no file yet: of a video, or by a function that returns it, uint8 RGB (H, W, 3)."""


@dataclass(frozen=True)
class Found(Labels):
    """Labels of another program.

    Parameters
    ----------
    source, table, images
        As in `Labels`; images that are `pending` are no files yet.
    kind : str
        What the source is, as it reads behind 'is'.
    zero : {'centre', 'corner'}
        What the x and y of the table count from.
    doubt : str
        What a person must know where the format leaves a doubt about that.
    left_out : tuple of LeftOut
        Images, rows and files that cannot be used.
    remarks : tuple of str
        What a person must know.
    pending : mapping of str to Pending
        By row, how images are made that are no files yet.
    frames : mapping of str to FrameOf
        By row, which frame an image is that is a file already, where the source tells.
    videos : tuple of Path
        Videos that the source lists, and that are there.
    sizes : mapping of str to (int, int)
        Width and height that the labels of a row were made on, where the source tells.
    as_shown : bool
        Whether images were labeled as viewers show them, which turn some (EXIF).
    settings : mapping of str to mapping
        By settings file what the source says of each setting.
    splits : mapping of str to mapping
        By name the rows that train and test there.
    likelihoods : ndarray of shape (N, K), optional
        Of labels that a network found; the labels are then no labels of people.
    frames_of : str
        Where rows are frames, not images: what the name of their table begins with, the video's name.
    """

    kind: str = ""
    zero: str = CENTRE
    doubt: str = ""
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[str, ...] = ()
    pending: Mapping[str, Pending] = field(default_factory=dict)
    frames: Mapping[str, FrameOf] = field(default_factory=dict)
    videos: tuple[Path, ...] = ()
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    as_shown: bool = False
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    splits: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    likelihoods: np.ndarray | None = None
    frames_of: str = ""

    @property
    def values(self) -> np.ndarray:
        """Places, x and y, of shape (N, K, 2) in pixels; NaN where there is no label."""
        return points(self.table)[..., :2]

    @property
    def labeled(self) -> np.ndarray:
        """Whether each row has each label, of shape (N, K)."""
        return np.asarray(np.isfinite(self.values).all(axis=2))

    @property
    def labeled_rows(self) -> set[str]:
        """The rows that have any label."""
        return {row for row, has in zip(self.table.index, self.labeled.tolist(), strict=True) if any(has)}

    def from_the_centre(self, zero: str | None = None) -> Found:
        """Return the labels with (0, 0) in the centre of the top left pixel, as they are here.

        Parameters
        ----------
        zero : {'centre', 'corner'}, optional
            What they count from, where a person knows better than the format.
        """
        doubt = (self.doubt,) if self.doubt and zero is None else ()
        zero = zero or self.zero
        if zero == CENTRE:
            return replace(self, zero=CENTRE, doubt="", remarks=(*self.remarks, *doubt))
        table = make_table(
            scorer_of(self.table), bodyparts_of(self.table), self.table.index, self.values - _HALF_A_PIXEL
        )
        told = "x and y are counted there from the corner of the first pixel, here from its centre: 0.5 px less"
        return replace(self, table=table, zero=CENTRE, doubt="", remarks=(*self.remarks, *doubt, told))

    def without(self, left_out: Iterable[LeftOut]) -> Found:
        """Return what remains without some rows."""
        left_out = tuple(left_out)
        gone = {what for what, _ in left_out}
        return self.only([row for row in self.images if row not in gone], left_out)

    def only(self, rows: Sequence[str], left_out: Sequence[LeftOut] = ()) -> Found:
        """Return some rows; what else is left out is added to what was before."""
        places = self.table.index.get_indexer(pd.Index(list(rows)))
        return replace(
            self,
            table=self.table.loc[list(rows)],
            images={row: self.images[row] for row in rows},
            left_out=(*self.left_out, *left_out),
            likelihoods=None if self.likelihoods is None else self.likelihoods[places],
        )

    def renamed(self, names: Mapping[str, str]) -> Found:
        """Return the labels with other names for rows, in natural order."""
        now = {row: names.get(row, row) for row in self.images}

        def keyed(mapping: Mapping[str, Any]) -> dict[str, Any]:
            return {now.get(row, row): value for row, value in mapping.items()}

        splits = {
            name: {side: [now.get(row, row) for row in rows] for side, rows in split.items()}
            for name, split in self.splits.items()
        }
        table = self.table.set_axis([now[row] for row in self.table.index])
        other = replace(
            self,
            table=table,
            images=keyed(self.images),
            pending=keyed(self.pending),
            frames=keyed(self.frames),
            sizes=keyed(self.sizes),
            splits=splits,
        )
        return other.only(in_order(other.images))


def found_of(
    source: Path,
    kind: str,
    scorer: str,
    parts: Sequence[str],
    labels: Mapping[str, np.ndarray],
    images: Mapping[str, Path],
    **more: Any,
) -> Found:
    """Put together what a reader found.

    Parameters
    ----------
    source : Path
        Where it was found.
    kind : str
        What the source is, as it reads behind 'is'.
    scorer : str
        Who labeled.
    parts : sequence of str
        K body parts.
    labels : mapping of str to ndarray of shape (K, 2)
        By row, ``<folder>/<image>``: x and y, NaN where there is no label.
    images : mapping of str to Path
        Where the image of each row is, or is to be made.
    **more
        Other fields of `Found`.

    Raises
    ------
    ToolboxError
        When there is no body part.
    """
    if not parts:
        raise ToolboxError(f"{source} is {kind}, but names no body part")
    rows = in_order(labels)
    values = np.array([labels[row] for row in rows], float).reshape(len(rows), len(parts), 2)
    table = make_table(scorer, parts, rows, values)
    return Found(source, table, {row: images[row] for row in rows}, kind=kind, **more)


def in_order(rows: Iterable[str]) -> list[str]:
    """Return rows in the alphabetical order of their folders, and in each by the numbers in the images' names."""
    return sorted(rows, key=lambda row: (row.partition("/")[0], natural_key(row)))


def not_there(video: str) -> str:
    """Say that a video is missing, in words that follow 'because it'; its name may be a path of any machine."""
    return f"is of {PureWindowsPath(video).name}, which is not there; --images names its folder"


_NUMBERED = re.compile(r"img([0-9]+)\.\w+\Z")


def frames_in(rows: Iterable[str], video: Path, crop: tuple[int, int, int, int] | None = None) -> dict[str, FrameOf]:
    """Return which frames of a video images are that DeepLabCut named, by the numbers of frames.

    >>> frames = frames_in(["day1/img07.png", "day1/nose2.png"], Path("day1.avi"))
    >>> [(row, frame.number) for row, frame in frames.items()]
    [('day1/img07.png', 7)]
    """
    named = {row: _NUMBERED.match(row.rpartition("/")[2]) for row in rows}
    return {row: FrameOf(video, int(match[1]), crop) for row, match in named.items() if match}


_NO_FOLDERS = {"images", "image", "imgs", "img", "frames", "labeled-data", "annotations", "data", "default"}
"""Names of folders that say nothing of what is in them."""


def row_for(name: str, otherwise: str) -> str:
    r"""Return ``folder/image`` for the path by which a program names an image.

    Parameters
    ----------
    name : str
        With slashes of any kind.
    otherwise : str
        Name of the folder where the path names none.

    Raises
    ------
    ValueError
        When it leads upwards, or a name could not be that of a file here; with the reason.

    Examples
    --------
    >>> row_for("images\\day1/img7.png", "set"), row_for("img7.png", "set"), row_for("/home/ann/day1/img7.png", "set")
    ('day1/img7.png', 'set/img7.png', 'day1/img7.png')
    >>> row_for("../img7.png", "set")
    Traceback (most recent call last):
    ValueError: has a path that leads upwards
    """
    pieces = pieces_of(name)
    is_absolute = name.startswith(("/", "\\")) or ":" in name
    *parents, image = pieces
    while parents and parents[0].lower() in _NO_FOLDERS:
        del parents[0]
    folder = (parents[-1] if is_absolute else "_".join(parents)) if parents else otherwise
    for piece in (folder, image):
        safe_name(piece)
    return f"{folder}/{image}"


def pieces_of(name: str) -> list[str]:
    """Return the names of folders and file in a path; raise ValueError when it leads upwards, or cannot be one."""
    pieces = [piece for piece in name.replace("\\", "/").split("/") if piece not in ("", ".")]
    if ".." in pieces:
        raise ValueError("has a path that leads upwards")
    pieces = pieces[1:] if pieces and pieces[0].endswith(":") else pieces
    if not pieces:
        raise ValueError("has no name")
    if max(len(piece.encode(errors="replace")) for piece in pieces) > _MOST_BYTES:
        raise ValueError(f"has a name of more than {_MOST_BYTES} bytes, which no file can have here")
    return pieces


def safe_name(name: str) -> str:
    """Return a name of a file or folder; raise ValueError when it cannot be one here."""
    try:
        file_name(name)
    except ValueError:
        raise ValueError("has a name that no file can have here") from None
    if name.startswith("."):
        raise ValueError("has the name of a hidden file")
    return name


def home_name(source: Path) -> str:
    """Return the name for a folder of images where their paths name none: that of the folder the source is in."""
    folder = source.resolve().parent
    while folder.name.lower() in _NO_FOLDERS and folder.parent != folder:
        folder = folder.parent
    return folder.name or source.stem


def find_file(name: str, homes: Sequence[Path]) -> Path | None:
    """Find the file that a path of another program means; None where there is none. See `files_of`."""
    return next(files_of(name, homes), None)


def files_of(name: str, homes: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that a path of another program may mean, in or below some folders, the likeliest first.

    Parameters
    ----------
    name : str
        A path as the program wrote it, on whatever machine.
    homes : sequence of Path
        The folders; the first one counts first. A path is tried as it is, then without the folders that it begins
        with, there and in ``images``, however its accents are spelled. Folders below are looked through for the file in
        its own folder, so that an image of the same name in another one is not taken.
    """
    try:
        pieces = pieces_of(name)
    except ValueError:
        return
    for home in homes:
        for start in range(len(pieces)):
            for folder in (home, home / "images"):
                if (place := as_spelled(folder.joinpath(*pieces[start:]))).is_file():
                    yield place
        below = _folders_below(home, home.stat().st_mtime_ns) if home.is_dir() else ()
        places = [place for folder in below if (place := as_spelled(folder.joinpath(*pieces[-2:]))).is_file()]
        if len(places) == 1:
            yield places[0]


@lru_cache(maxsize=64)
def _folders_below(home: Path, _: int) -> tuple[Path, ...]:
    """List the folders in a folder, and those in them, at some time."""
    return tuple(path for depth in ("*", "*/*") for path in home.glob(depth) if path.is_dir())


def skeleton_setting(edges: Iterable[Sequence[str]], parts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the setting `skeleton` for pairs of body parts; none where there is none, or a name is unknown."""
    pairs = [list(edge) for edge in edges if len(set(edge)) == 2 and set(edge) <= set(parts)]
    return {"myconfig_analysis.py": {"skeleton": pairs}} if pairs else {}
