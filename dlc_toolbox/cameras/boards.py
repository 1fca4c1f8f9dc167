"""The board in pictures: where its inner corners are seen, by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from dlc_toolbox.project.cameras import Board

FEWEST_CORNERS = 6
"""Of a board that counts as seen; with fewer its position is hardly known."""

_CHESSBOARD_SIDE_PX = 800  # at most, of the picture in which a chessboard is looked for
_WINDOW_PX = 2, 10  # least and largest half side of the window in which a corner is found precisely
_FARTHEST_PX = 1.5  # from where it was found first; farther is another edge
_PRECISELY = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-3)


@dataclass(frozen=True)
class Corners:
    """M corners of boards as cameras saw them at several moments.

    Parameters
    ----------
    camera, moment, corner : ndarray of shape (M,)
        int; which camera saw which corner of the board, and when.
    seen : ndarray of shape (M, 2)
        x, y in pixels.
    """

    camera: np.ndarray
    moment: np.ndarray
    corner: np.ndarray
    seen: np.ndarray

    def some(self, chosen: np.ndarray) -> Corners:
        """Return only those of a mask, or of positions."""
        return Corners(self.camera[chosen], self.moment[chosen], self.corner[chosen], self.seen[chosen])

    @classmethod
    def joined(cls, parts: Sequence[Corners]) -> Corners:
        """Join corners."""
        if not parts:
            none = np.empty(0, int)
            return cls(none, none, none, np.empty((0, 2)))
        names = ("camera", "moment", "corner", "seen")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def corner_places(board: Board) -> np.ndarray:
    """Return where the inner corners of a board lie on it, row by row.

    Parameters
    ----------
    board : Board
        With C columns and R rows of squares.

    Returns
    -------
    ndarray of shape ((C - 1) * (R - 1), 3)
        In its unit, from its upper left corner; the third coordinate is 0.

    Examples
    --------
    >>> corner_places(Board(3, 4, 10.0))[:3].tolist()
    [[10.0, 10.0, 0.0], [20.0, 10.0, 0.0], [10.0, 20.0, 0.0]]
    """
    rows, columns = np.mgrid[1 : board.rows, 1 : board.columns].reshape(2, -1)
    return np.column_stack([columns, rows, np.zeros(len(rows))]) * float(board.squarelength)


class BoardFinder:
    """Finds the inner corners of a board in pictures.

    Parameters
    ----------
    board : Board
        ChArUco, of which any part may be seen, or a chessboard, which must be seen as a whole.
    """

    def __init__(self, board: Board):
        self.board = board
        self._markers: cv2.aruco.CharucoDetector | None = None
        if board.markerlength and board.dictionary:
            names = {name.upper(): name for name in dir(cv2.aruco)}
            dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, names[board.dictionary]))
            size = (board.columns, board.rows)
            charuco = cv2.aruco.CharucoBoard(size, float(board.squarelength), float(board.markerlength), dictionary)
            charuco.setLegacyPattern(board.legacy)
            self._markers = cv2.aruco.CharucoDetector(charuco)

    def __call__(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the board.

        Parameters
        ----------
        picture : ndarray of shape (H, W, 3)
            uint8 RGB.

        Returns
        -------
        corners : ndarray of shape (N,)
            Numbers of the corners that are seen, as `corner_places` orders them; none unless there are at least
            `FEWEST_CORNERS`, not all in one line.
        seen : ndarray of shape (N, 2)
            x, y in pixels.
        """
        gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        numbers, seen = self._charuco(gray) if self._markers else self._chessboard(gray)
        rows, columns = np.divmod(numbers, self.board.columns - 1)
        enough = len(numbers) >= FEWEST_CORNERS or len(numbers) == (self.board.columns - 1) * (self.board.rows - 1)
        if not enough or min(len(set(rows)), len(set(columns))) < 2:
            return np.empty(0, int), np.empty((0, 2))
        return numbers, seen

    def _charuco(self, gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the corners between markers."""
        assert self._markers
        seen, numbers, _, _ = self._markers.detectBoard(gray)
        found: Any = numbers, seen  # None where there are none, which OpenCV's types do not tell
        if found[0] is None:
            return np.empty(0, int), np.empty((0, 2))
        corners = np.asarray(numbers, int).ravel()
        near = np.asarray(seen, np.float32).reshape(-1, 2)
        exact = self._refined(gray, corners, near)
        kept = np.linalg.norm(exact - near, axis=1) < _FARTHEST_PX
        return corners[kept], exact[kept]

    def _refined(self, gray: np.ndarray, corners: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Find corners between markers anew from nearby: OpenCV 4 places them half a pixel too far right and down."""
        assert self.board.markerlength
        apart = np.linalg.norm(seen[:, None] - seen, axis=2)
        beside = corner_places(self.board)[corners] / self.board.squarelength
        neighbours = np.isclose(np.linalg.norm(beside[:, None] - beside, axis=2), 1)
        if not neighbours.any():
            return seen.astype(float)
        to_marker = (1 - self.board.markerlength / self.board.squarelength) / 2
        side = int(np.clip(to_marker * apart[neighbours].min(), *_WINDOW_PX))  # without any of the markers
        return np.asarray(cv2.cornerSubPix(gray, seen.copy(), (side, side), (-1, -1), _PRECISELY), float)

    def _chessboard(self, gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the corners of a whole chessboard, in the one order in which the first square is dark."""
        grid = self._grid(gray)
        if grid is None:
            return np.empty(0, int), np.empty((0, 2))
        along, down = grid[0, 1] - grid[0, 0], grid[1, 0] - grid[0, 0]
        if along[0] * down[1] < along[1] * down[0]:  # numbered as in a mirror
            grid = grid[:, ::-1]
        if _begins_bright(gray, grid):
            grid = grid[::-1, ::-1]
        return np.arange(grid[..., 0].size), grid.reshape(-1, 2)

    def _grid(self, gray: np.ndarray) -> np.ndarray | None:
        """Find the corners of a whole chessboard, (rows, columns, 2), in any order that OpenCV gives; or None."""
        columns, rows = self.board.columns - 1, self.board.rows - 1
        smaller = max(1.0, max(gray.shape) / _CHESSBOARD_SIDE_PX)  # in large pictures it takes seconds
        size = round(gray.shape[1] / smaller), round(gray.shape[0] / smaller)
        small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA) if smaller > 1 else gray
        flags = cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_ACCURACY
        found, corners = cv2.findChessboardCornersSB(np.asarray(small), (columns, rows), flags=flags)
        if not found:
            return None
        grid = np.asarray(corners, float).reshape(rows, columns, 2)
        if smaller == 1:
            return grid
        grid = (grid + 0.5) * (np.array(gray.shape[::-1]) / size) - 0.5
        apart = min(np.linalg.norm(np.diff(grid, axis=axis), axis=2).min() for axis in (0, 1))
        side = int(np.clip(apart / 3, *_WINDOW_PX))
        near = grid.reshape(-1, 1, 2).astype(np.float32)
        grid = np.asarray(cv2.cornerSubPix(gray, near, (side, side), (-1, -1), _PRECISELY), float).reshape(grid.shape)
        return grid


def _begins_bright(gray: np.ndarray, grid: np.ndarray) -> bool:
    """Tell whether the square between the first corners of a grid, (R, C, 2), is one of the bright ones."""
    middles = (grid[:-1, :-1] + grid[1:, 1:] + grid[1:, :-1] + grid[:-1, 1:]) / 4
    x, y = np.moveaxis(middles.astype(np.float32), -1, 0)
    shades = np.asarray(cv2.remap(gray, x, y, cv2.INTER_LINEAR), float)
    rows, columns = np.indices(shades.shape)
    is_like_first = (rows + columns) % 2 == 0
    return bool(shades[is_like_first].mean() > shades[~is_like_first].mean())
