"""What the settings say of several cameras: their names, what part of a frame is their view, and the board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlc_common.spelling import did_you_mean
from dlc_toolbox.project.checks import MOST_ENTRIES, file_name, flag, number, text, whole

_CAMERAS = "names and patterns, such as {'A': '*camA*', 'B': '*camB*'}"
_BOARD = "such as {'columns': 7, 'rows': 5, 'squarelength': 25, 'markerlength': 18, 'dictionary': 'DICT_4X4_50'}"


@dataclass(frozen=True)
class View:
    """What one camera sees: whole videos, or a part of them, as in a mirror.

    Parameters
    ----------
    name : str
        Of the camera.
    pattern : str
        Of the names of its videos; each ``*`` stands for any text.
    crop : (x1, x2, y1, y2), optional
        x1 <= x < x2 and y1 <= y < y2 of the frame are the view, in pixels.
    mirrored : bool
        Whether the view is seen in a mirror.
    """

    name: str
    pattern: str
    crop: tuple[int, int, int, int] | None = None
    mirrored: bool = False


@dataclass(frozen=True)
class Board:
    """A board of black and white squares that cameras are calibrated with.

    Parameters
    ----------
    columns, rows : int
        Squares along its sides.
    squarelength : float
        Side of a square, in the unit in which points in space are wanted.
    markerlength : float, optional
        Side of a marker of a ChArUco board, in the same unit; a chessboard has none.
    dictionary : str, optional
        OpenCV's name of the set of markers.
    legacy : bool
        Whether the board was made by OpenCV before 4.6 with an even number of rows: its first square is white.
    """

    columns: int
    rows: int
    squarelength: float
    markerlength: float | None = None
    dictionary: str | None = None
    legacy: bool = False


def views(value: Any) -> tuple[View, ...]:
    """Check the names of cameras, and the views they have."""
    if not isinstance(value, dict) or not len(value) <= MOST_ENTRIES:
        raise ValueError(_CAMERAS)
    if len(value) == 1:
        raise ValueError(f"{_CAMERAS}: points in space need two cameras or more")
    return tuple(_view(name, entry) for name, entry in value.items())


def _view(name: Any, entry: Any) -> View:
    """Check one camera."""
    try:
        file_name(name)
        if isinstance(entry, str):
            return View(name, text(entry))
        known = _known(entry, ("pattern", "crop", "mirrored"), needed=("pattern",))
        crop = known.get("crop")
        return View(
            name, text(known["pattern"]), None if crop is None else _crop(crop), flag(known.get("mirrored", False))
        )
    except ValueError as error:
        raise ValueError(
            f"{_CAMERAS}; in place of a pattern may stand {{'pattern': '*', 'crop': [x1, x2, y1, y2], 'mirrored': "
            f"True}} ({name!r}: {error})"
        ) from None


def _crop(value: Any) -> tuple[int, int, int, int]:
    """Check a part of the frame."""
    if not isinstance(value, list | tuple) or len(value) != 4:
        raise ValueError("crop is [x1, x2, y1, y2], in pixels")
    x1, x2, y1, y2 = (whole(0)(edge) for edge in value)
    if x1 >= x2 or y1 >= y2:
        raise ValueError("crop is [x1, x2, y1, y2] with x1 less than x2 and y1 less than y2")
    return x1, x2, y1, y2


def offsets(value: Any) -> tuple[tuple[str, int], ...]:
    """Check which frame of a camera's videos shows the first moment."""
    wanted = "names of cameras and whole numbers of frames, such as {'B': 3}"
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise ValueError(wanted)
    if not all(isinstance(frames, int) and not isinstance(frames, bool) for frames in value.values()):
        raise ValueError(wanted)
    return tuple(value.items())


def board(value: Any) -> Board | None:
    """Check what board there is; None if nobody said so."""
    if value is None:
        return None
    try:
        given = _known(
            value,
            ("columns", "rows", "squarelength", "markerlength", "dictionary", "legacy"),
            needed=("columns", "rows", "squarelength"),
        )
        return make_board(**given)
    except ValueError as error:
        raise ValueError(
            f"None, or a board {_BOARD}; without markerlength and dictionary a chessboard: {error}"
        ) from None


def make_board(
    columns: Any,
    rows: Any,
    squarelength: Any,
    markerlength: Any = None,
    dictionary: Any = None,
    legacy: Any = False,
) -> Board:
    """Describe a board.

    Raises
    ------
    ValueError
        When there is no such board, with what is wrong.

    Examples
    --------
    >>> make_board(7, 5, 25, 18, "4x4_50").dictionary
    'DICT_4X4_50'
    """
    for side, squares in (("columns", columns), ("rows", rows)):
        try:
            whole(3, 100)(squares)
        except ValueError as error:
            raise ValueError(f"{side} must be {error}") from None
    for name, length in (("squarelength", squarelength), ("markerlength", markerlength)):
        try:
            if length is not None or name == "squarelength":
                number(0, open_low=True)(length)
        except ValueError as error:
            raise ValueError(f"{name} must be {error}") from None
    if (markerlength is None) != (dictionary is None):
        raise ValueError("markerlength and dictionary are said both (ChArUco) or neither (chessboard)")
    if markerlength is None:
        if (columns + rows) % 2 == 0:
            raise ValueError(
                f"a chessboard of {columns} x {rows} squares looks the same upside down: use one with an odd and an "
                "even number of squares, or a ChArUco board"
            )
        return Board(columns, rows, squarelength)
    if markerlength >= squarelength:
        raise ValueError("markerlength must be less than squarelength: a marker stands within a white square")
    return Board(columns, rows, squarelength, markerlength, _dictionary(dictionary, columns * rows // 2), flag(legacy))


def _dictionary(value: Any, markers: int) -> str:
    """Return OpenCV's name of a set of markers that has enough of them."""
    from cv2 import aruco

    known = {name.upper(): name for name in dir(aruco) if name.startswith("DICT_")}
    wanted = f"DICT_{str(value).upper().removeprefix('DICT_')}"
    if wanted not in known:
        meant = did_you_mean(wanted, known)
        raise ValueError(f"dictionary must be one that OpenCV knows, such as 'DICT_4X4_50'{meant}")
    size = len(aruco.getPredefinedDictionary(getattr(aruco, known[wanted])).bytesList)
    if size < markers:
        raise ValueError(f"{wanted} has {size} markers, but this board needs {markers}")
    return wanted


def _known(value: Any, names: tuple[str, ...], needed: tuple[str, ...]) -> Mapping[str, Any]:
    """Return a dict whose names are all known, and none that is needed is missing."""
    if not isinstance(value, dict):
        raise ValueError(f"names and values are wanted, not {value!r}")
    if strangers := [str(name) for name in value if name not in names]:
        meant = did_you_mean(strangers[0], names)
        raise ValueError(f"{', '.join(strangers)} is not one of {', '.join(names)}{meant}")
    if missing := [name for name in needed if name not in value]:
        raise ValueError(f"{', '.join(missing)} is missing")
    return value
