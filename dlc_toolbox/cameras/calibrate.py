"""Calibrate cameras: lenses, and where the cameras stand, from a board that they saw at the same moments.

The lens of each camera is found alone, by OpenCV. Then each pair of cameras that saw the board at the same moment tells
how one stands to the other, and chains of pairs lead from the first camera to all. From there everything is adjusted
together: lenses, cameras and the board at each moment.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.cameras.adjust import Adjusted, adjust
from dlc_toolbox.cameras.boards import Corners
from dlc_toolbox.cameras.geometry import Camera, chain, undo
from dlc_toolbox.cameras.pairs import Motion, contradictions, evenly, motion_between, shown
from dlc_toolbox.cameras.triangulate import triangulate

log = logging.getLogger(__name__)

FEWEST_BOARDS = 5
"""Boards that a camera must have seen."""

_MOST_BOARDS = 40  # of one camera alone; more add nothing to the first guess
_MOST_MOMENTS = 80  # that are adjusted together
_GUESS = 0.1  # relative error of a focal length; more is not known at all
_NO_GUESS, _HARDLY_A_GUESS = 0.05, 0.01  # of a picture's width; so far off is a board, or may be, not the same
_ALIKE = "no lens can be found from these boards, which are too much alike: tilt the board, and move it near and far"
_HELD_OUT = 5  # one of so many moments tells how good the rest has made the cameras
_FEWEST_HELD_OUT = 3
_ONE_LENS = cv2.CALIB_ZERO_TANGENT_DIST | cv2.CALIB_FIX_K3  # k1 and k2 alone: more bend where no corner was seen


@dataclass(frozen=True)
class Calibration:
    """Cameras, and how good they are.

    Parameters
    ----------
    adjusted : Adjusted
        Cameras in the world of the first, with their standard errors.
    corners : Corners
        What they were adjusted to; moments are those of the boards.
    away : ndarray of shape (M, 2)
        Where each corner was seen, less where it would be, in pixels.
    lengths : ndarray of shape (L,)
        Distances between neighbouring corners of boards that were held out, found by triangulation, divided by the
        true ones; empty where too few moments are shared.
    """

    adjusted: Adjusted
    corners: Corners
    away: np.ndarray
    lengths: np.ndarray

    @property
    def cameras(self) -> Sequence[Camera]:
        """The cameras."""
        return self.adjusted.cameras

    def error_px(self, camera: int) -> float:
        """Return the root mean square distance of a camera's corners from where they would be seen, in pixels."""
        return float(np.sqrt((self.away[self.corners.camera == camera] ** 2).sum(axis=1).mean()))

    def reach(self, camera: int) -> float:
        """Return over which share of a camera's width, or of its height where that is less, it has seen corners."""
        seen = self.corners.seen[self.corners.camera == camera]
        return float((np.ptp(seen, axis=0) / self.cameras[camera].size).min())


def calibrate(
    names: Sequence[str], sizes: Sequence[tuple[int, int]], corners: Corners, places: np.ndarray
) -> Calibration:
    """Find lenses and places of cameras.

    Parameters
    ----------
    names : sequence of C str
        Of the cameras.
    sizes : sequence of (int, int)
        Width and height of their frames.
    corners : Corners
        What they saw of the board.
    places : ndarray of shape (P, 3)
        Of the corners on the board, see `boards.corner_places`.

    Returns
    -------
    Calibration
        The world is that of the first camera, in the unit of `places`.

    Raises
    ------
    ToolboxError
        When a camera has not seen the board often enough, or no chain of shared moments leads to it.
    """
    lenses: list[Camera] = []
    poses: dict[tuple[int, int], Motion] = {}
    for number, (name, size) in enumerate(zip(names, sizes, strict=True)):
        mine = corners.some(corners.camera == number)
        lens = _lens(name, size, mine, places)
        lenses.append(lens)
        poses |= {(number, moment): pose for moment, pose in _board_poses(lens, mine, places).items()}
    placed = _chain_cameras(lenses, poses, corners, places)
    if wrong := next(contradictions(lenses, poses, corners, places, _NO_GUESS), None):
        raise ToolboxError(wrong)
    fitted, held_out = _choose_moments(corners, poses)
    chosen = corners.some(_of_boards(corners, [pair for pair in poses if pair[1] in fitted]))
    boards = {moment: _in_world(placed, poses, chosen, moment) for moment in sorted(fitted)}
    log.info("Adjusting %d cameras to %d corners at %d moments", len(names), len(chosen.seen), len(boards))
    adjusted = adjust(placed, boards, chosen, places)
    fits = _fits(chosen, chosen.seen - adjusted.shown(chosen, places))
    if not fits.all():
        chosen = chosen.some(fits)
        boards = {moment: adjusted.boards[moment] for moment in np.unique(chosen.moment).tolist()}
        adjusted = adjust(adjusted.cameras, boards, chosen, places)
    _refuse_guesses(adjusted, contradictions(lenses, poses, corners, places, _HARDLY_A_GUESS))
    away = chosen.seen - adjusted.shown(chosen, places)
    return Calibration(adjusted, chosen, away, _lengths(adjusted.cameras, corners, held_out, places))


def _refuse_guesses(adjusted: Adjusted, contradictions: Iterator[str]) -> None:
    """Raise when the boards do not determine the cameras, or contradict each other."""
    for camera, error in zip(adjusted.cameras, adjusted.focal_se, strict=True):
        if not error < _GUESS * camera.matrix[0, 0]:
            raise ToolboxError(next(contradictions, f"camera {camera.name}: {_ALIKE}"))


def _lens(name: str, size: tuple[int, int], corners: Corners, places: np.ndarray) -> Camera:
    """Find the lens of one camera, which stands at the origin."""
    moments = np.unique(corners.moment)
    if len(moments) < FEWEST_BOARDS:
        raise ToolboxError(
            f"camera {name} has seen the board at {len(moments)} moments only; at least {FEWEST_BOARDS} are needed, "
            "and 20 with the board near and far, tilted, and in all parts of the picture make it good. Is the board "
            "described as it is (calibrationboard), and is it said of a view in a mirror (cameras: 'mirrored': True)?"
        )
    moments = moments[np.linspace(0, len(moments) - 1, min(len(moments), _MOST_BOARDS)).round().astype(int)]
    matrix, distortion, errors = _solve_lens(size, corners, moments, places)
    fine = errors <= 3 * np.median(errors) + 0.5
    if not fine.all() and fine.sum() >= FEWEST_BOARDS:  # boards that were misread
        matrix, distortion, _ = _solve_lens(size, corners, moments[fine], places)
    return Camera(name, size, matrix, distortion, np.zeros(3), np.zeros(3))


def _solve_lens(
    size: tuple[int, int], corners: Corners, moments: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return matrix and distortion of a lens, and the error of each board in pixels."""
    at = [corners.some(corners.moment == moment) for moment in moments]
    boards = [places[each.corner].astype(np.float32) for each in at]
    seen = [each.seen.astype(np.float32) for each in at]
    guess = np.array([[max(size), 0, (size[0] - 1) / 2], [0, max(size), (size[1] - 1) / 2], [0, 0, 1]], float)
    try:
        _, matrix, distortion, _, _, _, _, errors = cv2.calibrateCameraExtended(
            boards, seen, size, guess, np.zeros(5), flags=_ONE_LENS
        )
    except cv2.error as error:  # of boards that determine nothing
        raise ToolboxError(_ALIKE) from error
    if not np.isfinite(matrix).all():
        raise ToolboxError(_ALIKE)
    return matrix, np.asarray(distortion, float).ravel()[:5], np.asarray(errors).ravel()


def _board_poses(lens: Camera, corners: Corners, places: np.ndarray) -> dict[int, Motion]:
    """Return how the board stood to a camera at each moment, without those that were misread."""
    poses, errors = {}, {}
    for moment in np.unique(corners.moment):
        at = corners.some(corners.moment == moment)
        found, turn, move = cv2.solvePnP(places[at.corner], at.seen, lens.matrix, lens.distortion)
        if not found or move[2, 0] <= 0:
            continue
        pose = turn.ravel(), move.ravel()
        poses[int(moment)] = pose
        errors[int(moment)] = float(np.sqrt(((shown(lens, pose, places[at.corner]) - at.seen) ** 2).sum(axis=1).mean()))
    limit = 3 * np.median(list(errors.values())) + 1 if errors else 0
    return {moment: pose for moment, pose in poses.items() if errors[moment] <= limit}


def _of_boards(corners: Corners, boards: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return a mask of the corners of boards, each given by its camera and moment."""
    most = int(corners.moment.max()) + 1
    return np.isin(corners.camera * most + corners.moment, [camera * most + moment for camera, moment in boards])


def _chain_cameras(
    lenses: Sequence[Camera], poses: dict[tuple[int, int], Motion], corners: Corners, places: np.ndarray
) -> list[Camera]:
    """Place all cameras in the world of the first, along the pairs that have shared the most moments."""
    moments = [{moment for camera, moment in poses if camera == number} for number in range(len(lenses))]
    motions: dict[int, Motion] = {0: (np.zeros(3), np.zeros(3))}
    while len(motions) < len(lenses):
        pairs = [(len(moments[a] & moments[b]), -a, b) for a in motions for b in range(len(lenses)) if b not in motions]
        shared, minus_a, b = max(pairs, key=lambda pair: (pair[0], pair[1], -pair[2]))
        if not shared:
            raise ToolboxError(_unreached(lenses, motions))
        motion, _ = motion_between(lenses[b], -minus_a, b, poses, corners, places)
        motions[b] = chain(motions[-minus_a], motion)
    return [
        Camera(lens.name, lens.size, lens.matrix, lens.distortion, *motions[number])
        for number, lens in enumerate(lenses)
    ]


def _unreached(lenses: Sequence[Camera], reached: dict[int, Motion]) -> str:
    """Say which cameras have never seen the board together with the others."""
    inside = ", ".join(lenses[number].name for number in sorted(reached))
    outside = ", ".join(lens.name for number, lens in enumerate(lenses) if number not in reached)
    return (
        f"at no moment the board was seen by {inside} and by {outside} at once: show it to both. If you did, check "
        "cameraoffsets, and that the videos of the board belong to each other"
    )


def _choose_moments(corners: Corners, poses: dict[tuple[int, int], Motion]) -> tuple[set[int], list[int]]:
    """Return the moments to adjust to, shared ones and some of each camera, and those that are held out."""
    count = {moment: 0 for _, moment in poses}
    for _, moment in poses:
        count[moment] += 1
    shared = sorted(moment for moment, cameras in count.items() if cameras >= 2)
    held_out = shared[_HELD_OUT // 2 :: _HELD_OUT]
    held_out = held_out if len(held_out) >= _FEWEST_HELD_OUT else []
    fitted = set(evenly([moment for moment in shared if moment not in held_out], _MOST_MOMENTS))
    for camera in sorted({camera for camera, _ in poses}):
        alone = sorted(moment for number, moment in poses if number == camera and count[moment] == 1)
        fitted |= set(evenly(alone, _MOST_BOARDS // 2))
    return fitted, held_out


def _fits(corners: Corners, away: np.ndarray) -> np.ndarray:
    """Return a mask of the corners of boards that were not misread: that are about as far off as the others."""
    key = np.stack([corners.camera, corners.moment])
    boards, which = np.unique(key, axis=1, return_inverse=True)
    errors = np.sqrt(np.bincount(which, (away**2).sum(axis=1)) / np.bincount(which))
    wrong = errors > 3 * np.median(errors) + 1
    for camera, moment in boards[:, wrong].T:
        log.debug("board at moment %d, camera %d: left out, because it was misread", moment, camera)
    if wrong.any():
        log.info(
            "%d of %d pictures of the board are left out, because all others contradict them", wrong.sum(), len(errors)
        )
    return ~wrong[which]


def _in_world(cameras: Sequence[Camera], poses: dict[tuple[int, int], Motion], corners: Corners, moment: int) -> Motion:
    """Return how the board stood in the world, by the camera that saw most of it."""
    seen = corners.camera[corners.moment == moment]
    best = cameras[int(np.bincount(seen).argmax())]
    number = int(np.bincount(seen).argmax())
    return chain(poses[number, moment], undo((best.rotation, best.translation)))


def _lengths(cameras: Sequence[Camera], corners: Corners, moments: Sequence[int], places: np.ndarray) -> np.ndarray:
    """Return distances of neighbouring corners at moments that were held out, over the true ones."""
    seen = np.full((len(cameras), len(moments), len(places), 2), np.nan)
    for row, moment in enumerate(moments):
        at = corners.some(corners.moment == moment)
        seen[at.camera, row, at.corner] = at.seen
    points = triangulate(cameras, seen).points
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    first, second = np.nonzero(np.triu(np.isclose(apart, apart[apart > 0].min())))
    found = np.linalg.norm(points[:, first] - points[:, second], axis=2) / apart[first, second]
    return found[np.isfinite(found)]
