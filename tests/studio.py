"""Cameras whose lenses and places are known, and what they see: points, and pictures of a board."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from dlc_toolbox.cameras.geometry import Camera
from dlc_toolbox.project.cameras import Board

CHARUCO = Board(7, 5, 20.0, 15.0, "DICT_4X4_50")
CHESSBOARD = Board(7, 6, 20.0)

_FINER = 2  # times, before pictures are averaged to their size
_SQUARE_PX = 60  # of the board's own picture
_GRAY = 120


def make_cameras(
    count: int, size: tuple[int, int] = (560, 420), distance: float = 400, step: float = 50
) -> list[Camera]:
    """Put cameras on an arc around the origin, `step` degrees apart, each with another lens; the first is the world."""
    cameras = []
    for number in range(count):
        angle = np.deg2rad(step * number)
        place = distance * np.array([np.sin(angle), 0.15 * (number % 2 + 1), -np.cos(angle)])
        ahead = -place / np.linalg.norm(place)
        right = np.cross([0, 1, 0], ahead) / np.linalg.norm(np.cross([0, 1, 0], ahead))
        turn = np.stack([right, np.cross(ahead, right), ahead])
        focal = (1.1 + 0.04 * number) * size[0]
        middle = (np.array(size) - 1) / 2 + (4 + 2 * number, -3 + number)
        matrix = np.array([[focal, 0, middle[0]], [0, 1.01 * focal, middle[1]], [0, 0, 1]])
        bend = np.array([-0.18 + 0.05 * number, 0.05, 0, 0, 0])
        cameras.append(
            Camera("ABCDEF"[number], size, matrix, bend, Rotation.from_matrix(turn).as_rotvec(), -turn @ place)
        )
    return in_first_camera(cameras)


def in_first_camera(cameras: Sequence[Camera]) -> list[Camera]:
    """Return the same cameras in the world of the first."""
    first = cameras[0]
    moved = []
    for camera in cameras:
        turn = camera.turn @ first.turn.T
        move = camera.translation - turn @ first.translation
        turned = Rotation.from_matrix(turn).as_rotvec()
        moved.append(Camera(camera.name, camera.size, camera.matrix, camera.distortion, turned, move))
    return moved


def middle_of(cameras: Sequence[Camera], distance: float = 400) -> np.ndarray:
    """Return where all cameras look."""
    return cameras[0].place + cameras[0].turn[2] * distance * np.hypot(1, 0.15)


@cache
def board_picture(board: Board) -> np.ndarray:
    """The board with half a square of white around it, 60 pixels a square."""
    if board.dictionary:
        markers = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, board.dictionary))
        charuco = cv2.aruco.CharucoBoard((board.columns, board.rows), board.squarelength, board.markerlength, markers)
        picture = charuco.generateImage((board.columns * _SQUARE_PX, board.rows * _SQUARE_PX))
    else:
        rows, columns = np.mgrid[: board.rows, : board.columns]
        picture = np.kron((rows + columns) % 2 * 255, np.ones((_SQUARE_PX, _SQUARE_PX))).astype(np.uint8)
    return cv2.copyMakeBorder(picture, *[_SQUARE_PX // 2] * 4, cv2.BORDER_CONSTANT, value=255)


@cache
def _rays(size: tuple[int, int], lens: tuple[float, ...]) -> np.ndarray:
    """Directions of the finer pixels of a lens."""
    matrix, bend = np.array(lens[:9]).reshape(3, 3), np.array(lens[9:])
    camera = Camera("", size, matrix, bend, np.zeros(3), np.zeros(3))
    x, y = ((np.arange(side * _FINER) + 0.5) / _FINER - 0.5 for side in size)
    flat = camera.straighten(np.stack(np.meshgrid(x, y), axis=-1))
    return np.concatenate([flat, np.ones((*flat.shape[:2], 1))], axis=-1).astype(np.float32)


def photograph(camera: Camera, board: Board, turn: np.ndarray, move: np.ndarray) -> np.ndarray:
    """Return the picture that a camera takes of a board on gray: each fine pixel where its ray meets the board.

    `turn` is the rotation matrix from the board, whose corner is the origin, to the world; `move` its translation.
    """
    to_camera, origin = (camera.turn @ turn).astype("f4"), (camera.turn @ move + camera.translation).astype("f4")
    rays = _rays(camera.size, (*camera.matrix.ravel(), *camera.distortion))
    normal = to_camera[:, 2]
    if normal @ origin <= 0:  # its back
        return np.full((camera.size[1], camera.size[0], 3), _GRAY, np.uint8)
    with np.errstate(divide="ignore", invalid="ignore"):
        met = rays * ((normal @ origin) / (rays @ normal))[..., None] - origin
    on_board = (met @ to_camera)[..., :2] / board.squarelength * _SQUARE_PX + _SQUARE_PX // 2 - 0.5
    places = np.nan_to_num(on_board, nan=-1e4).clip(-1e4, 1e4).astype(np.float32)
    fine = cv2.remap(board_picture(board), places, None, cv2.INTER_LINEAR, borderValue=_GRAY)
    return np.repeat(cv2.resize(fine, camera.size, interpolation=cv2.INTER_AREA)[..., None], 3, axis=2)


def board_motions(
    board: Board, cameras: Sequence[Camera], count: int, seed: int = 0
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Turn and move a board about the middle of the scene, facing the cameras in turn."""
    rng = np.random.default_rng(seed)
    half = np.array([board.columns, board.rows, 0]) * board.squarelength / 2
    motions = []
    for number in range(count):
        share = rng.uniform(0.3, 0.7) if number % 2 else rng.uniform(0, 1)
        towards = Rotation.from_matrix(np.stack([cameras[0].turn.T, cameras[-1].turn.T])).as_rotvec()
        facing = Rotation.from_rotvec((1 - share) * towards[0] + share * towards[1])
        turn = (facing * Rotation.from_rotvec(rng.normal(0, 0.35, 3))).as_matrix()
        motions.append((turn, middle_of(cameras) + rng.uniform(-1, 1, 3) * (60, 45, 70) - turn @ half))
    return motions
