"""Bundle adjustment: lenses, cameras and boards together, so that all corners are where they were seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.linalg import LinAlgError, eigh, solve
from scipy.sparse import csr_matrix, diags_array
from scipy.spatial.transform import Rotation

from dlc_toolbox import ToolboxError
from dlc_toolbox.cameras.boards import Corners
from dlc_toolbox.cameras.geometry import Camera, distort

_BLOCK = 6  # a lens: fx, fy, cx, cy, k1, k2; a motion: turn, move
_FIRST_SCALE_PX = 1.0  # residuals beyond it count less
_SCALE_MADS = 3.0  # the same, once the noise is known
_LEAST_SCALE_PX = 1e-3
_NORMAL = 1.4826  # from the median of absolute deviations to a standard deviation
_CONVERGED = 1e-9  # relative decrease of the cost
_ROUNDS = 200
_FIRST_DAMPING, _MOST_DAMPING = 1e-3, 1e10
_STEP = 1e-6  # for slopes
_UNDETERMINED = 1e-13  # of the best determined way to change the unknowns; less is rounding

Motion = tuple[np.ndarray, np.ndarray]
"""A rotation vector and a translation."""


@dataclass(frozen=True)
class Adjusted:
    """Cameras after the adjustment.

    Parameters
    ----------
    cameras : sequence of Camera
        In the world of the first.
    boards : mapping of int to (ndarray, ndarray)
        Rotation vector and translation of the board at each moment.
    focal_se : ndarray of shape (C,)
        Standard errors of the focal lengths (mean of fx and fy), in pixels.
    baselines : mapping of (int, int) to (float, float)
        Distance of two cameras and its standard error, in the unit of the board.
    """

    cameras: Sequence[Camera]
    boards: Mapping[int, Motion]
    focal_se: np.ndarray
    baselines: Mapping[tuple[int, int], tuple[float, float]]

    def board_point(self, moment: int, place: np.ndarray) -> np.ndarray:
        """Tell where a place on the board, (3,), was in the world at a moment."""
        turn, move = self.boards[moment]
        return Rotation.from_rotvec(turn).apply(place) + move

    def shown(self, corners: Corners, places: np.ndarray) -> np.ndarray:
        """Tell where corners, whose moments are those of the boards, would be seen: (M, 2) in pixels."""
        found = np.empty_like(corners.seen)
        for moment, (turn, move) in self.boards.items():
            world = Rotation.from_rotvec(turn).apply(places) + move
            for number, camera in enumerate(self.cameras):
                mine = (corners.moment == moment) & (corners.camera == number)
                found[mine] = camera.project(world[corners.corner[mine]])
        return found


def adjust(cameras: Sequence[Camera], boards: Mapping[int, Motion], corners: Corners, places: np.ndarray) -> Adjusted:
    """Adjust lenses, cameras and boards.

    Parameters
    ----------
    cameras : sequence of C Camera
        About right; the first is at the origin and stays there. Of their distortion k1 and k2 are adjusted, and the
        others are taken to be 0.
    boards : mapping of int to (ndarray, ndarray)
        About the rotation vector and translation of the board at each moment of `corners`.
    corners : Corners
        What was seen.
    places : ndarray of shape (P, 3)
        Of the corners on the board.

    Returns
    -------
    Adjusted
        Where the squares of the distances between seen and shown corners are least; a distance far beyond the noise
        counts less than by its square (the loss "soft L1").

    Raises
    ------
    ToolboxError
        When what was seen determines nothing.

    References
    ----------
    B. Triggs et al., "Bundle adjustment: a modern synthesis", Vision Algorithms (2000).
    """
    moments = sorted(boards)
    seen = _Seen(corners.camera, np.searchsorted(moments, corners.moment), places[corners.corner], corners.seen)
    guess = _Scene.of(cameras, [boards[moment] for moment in moments])
    scene, _ = _least(guess, seen, _FIRST_SCALE_PX)
    scale = _SCALE_MADS * _NORMAL * float(np.median(np.abs(seen.residuals(scene)[0])))
    scene, covariance = _least(scene, seen, max(scale, _LEAST_SCALE_PX))
    poses = zip(moments, Rotation.from_matrix(scene.board_turns).as_rotvec(), scene.board_moves, strict=True)
    lenses = range(0, _BLOCK * len(cameras), _BLOCK)
    focal = [np.sqrt(covariance[:, i : i + 2, i : i + 2].sum(axis=(1, 2)).max()) / 2 for i in lenses]
    return Adjusted(
        scene.cameras(cameras),
        {moment: (turn, move) for moment, turn, move in poses},
        np.array(focal),
        _baselines(scene, covariance),
    )


@dataclass(frozen=True)
class _Scene:
    """The unknowns: lenses (C, 6), turns (C, 3, 3) and moves (C, 3) of the cameras, and those of the boards."""

    lenses: np.ndarray
    turns: np.ndarray
    moves: np.ndarray
    board_turns: np.ndarray
    board_moves: np.ndarray

    @classmethod
    def of(cls, cameras: Sequence[Camera], boards: Sequence[Motion]) -> _Scene:
        """Gather the unknowns of cameras and boards."""
        lenses = [[*camera.matrix[[0, 1, 0, 1], [0, 1, 2, 2]], *camera.distortion[:2]] for camera in cameras]
        turns, moves = (np.array(part) for part in zip(*boards, strict=True))
        return cls(
            np.array(lenses),
            np.array([camera.turn for camera in cameras]),
            np.array([camera.translation for camera in cameras]),
            Rotation.from_rotvec(turns).as_matrix(),
            moves,
        )

    def stepped(self, step: np.ndarray) -> _Scene:
        """Return the scene after a step in all unknowns; those of the first camera's motion do not exist."""
        count = len(self.lenses)
        lenses, motions, boards = np.split(step.reshape(-1, _BLOCK), [count, 2 * count - 1])
        motions = np.concatenate([np.zeros((1, _BLOCK)), motions])
        return _Scene(
            self.lenses + lenses,
            Rotation.from_rotvec(motions[:, :3]).as_matrix() @ self.turns,
            self.moves + motions[:, 3:],
            Rotation.from_rotvec(boards[:, :3]).as_matrix() @ self.board_turns,
            self.board_moves + boards[:, 3:],
        )

    def cameras(self, cameras: Sequence[Camera]) -> list[Camera]:
        """Return the cameras, with the names and sizes of others."""
        found = []
        for camera, lens, turn, move in zip(cameras, self.lenses, self.turns, self.moves, strict=True):
            fx, fy, cx, cy, k1, k2 = lens
            matrix, bend = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), np.array([k1, k2, 0, 0, 0])
            rotation = Rotation.from_matrix(turn).as_rotvec()
            found.append(replace(camera, matrix=matrix, distortion=bend, rotation=rotation, translation=move))
        return found

    @property
    def places(self) -> np.ndarray:
        """Where the cameras stand."""
        return -np.einsum("cji,cj->ci", self.turns, self.moves)


@dataclass(frozen=True)
class _Seen:
    """M corners: of which camera and board, (M,), where on the board, (M, 3), and where they were seen, (M, 2)."""

    camera: np.ndarray
    board: np.ndarray
    place: np.ndarray
    pixels: np.ndarray

    def residuals(self, scene: _Scene) -> tuple[np.ndarray, csr_matrix]:
        """Return where corners would be less where they were seen, x and y in turn, in pixels, and the slopes."""
        turned = np.einsum("mij,mj->mi", scene.board_turns[self.board], self.place)
        turn, lens = scene.turns[self.camera], scene.lenses[self.camera]
        before = np.einsum("mij,mj->mi", turn, turned + scene.board_moves[self.board])
        local = before + scene.moves[self.camera]
        flat = local[:, :2] / local[:, 2:]
        bent, bends = distort(flat, np.concatenate([lens[:, 4:], np.zeros((len(lens), 3))], axis=1))
        perspective = np.zeros((len(flat), 2, 3))
        perspective[:, 0, 0] = perspective[:, 1, 1] = 1 / local[:, 2]
        perspective[:, :, 2] = -flat / local[:, 2:]
        by_local = lens[:, :2, None] * (bends @ perspective)
        by_world = by_local @ turn
        r2 = (flat**2).sum(axis=1)[:, None]
        by_lens = np.zeros((len(flat), 2, _BLOCK))
        by_lens[:, [0, 1], [0, 1]], by_lens[:, [0, 1], [2, 3]] = bent, 1
        by_lens[:, :, 4], by_lens[:, :, 5] = lens[:, :2] * flat * r2, lens[:, :2] * flat * r2**2
        blocks = by_lens, _by_motion(by_local, before), _by_motion(by_world, turned)
        return (bent * lens[:, :2] + lens[:, 2:4] - self.pixels).ravel(), self._slopes(blocks, scene)

    def _slopes(self, blocks: Sequence[np.ndarray], scene: _Scene) -> csr_matrix:
        """Put the slopes with lens, camera and board, each (M, 2, 6), where they belong; the first camera stands."""
        cameras, boards = len(scene.lenses), len(scene.board_moves)
        stands = np.maximum(cameras - 1 + self.camera, cameras)  # the first camera has no motion: its slopes are 0
        first = np.stack([self.camera, stands, 2 * cameras - 1 + self.board], axis=1) * _BLOCK
        columns = (first[:, None, :, None] + np.arange(_BLOCK)).repeat(2, axis=1)
        values = np.stack(blocks, axis=2)
        values[self.camera == 0, :, 1] = 0
        rows = np.broadcast_to(np.arange(2 * len(first)).reshape(-1, 2, 1, 1), columns.shape)
        shape = 2 * len(first), _BLOCK * (2 * cameras - 1 + boards)
        return csr_matrix((values.ravel(), (rows.ravel(), columns.ravel())), shape=shape)


def _by_motion(slopes: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """Return slopes with a small turn and a move, (M, 2, 6), from those with the point, (M, 2, 3)."""
    return np.concatenate([np.cross(turned[:, None], slopes), slopes], axis=2)


def _least(scene: _Scene, seen: _Seen, scale: float) -> tuple[_Scene, np.ndarray]:
    """Return the scene of least cost and the covariance of its unknowns; Levenberg and Marquardt's method."""
    damping, (away, slopes) = _FIRST_DAMPING, seen.residuals(scene)
    cost = _cost(away, scale)
    for _ in range(_ROUNDS):
        normal, right = _equations(away, slopes, scale)
        while damping < _MOST_DAMPING:
            found = _try(scene, seen, normal, right, damping)
            if found and (new := _cost(found[1], scale)) < cost:
                break
            damping *= 10
        else:
            break
        gain, cost, damping = (cost - new) / cost, new, damping / 10
        scene, away, slopes = found
        if gain < _CONVERGED:
            break
    normal, _ = _equations(away, slopes, scale)
    if not np.isfinite(normal).all():
        raise ToolboxError("the cameras cannot be found from these boards: their pictures contradict each other")
    return scene, _covariance(normal, away, slopes, scale, seen.board)


def _covariance(
    normal: np.ndarray, away: np.ndarray, slopes: csr_matrix, scale: float, board: np.ndarray
) -> np.ndarray:
    """Return two covariances of the unknowns, (2, U, U): if all corners, and if only boards are independent.

    The corners of one board share errors, but few boards tell little of what is hardly determined.
    """
    size = np.sqrt(np.maximum(np.diag(normal), np.finfo(float).tiny))
    values, vectors = eigh(normal / np.outer(size, size))
    ways = vectors / size[:, None]
    inverse = ways / np.maximum(values, _UNDETERMINED * values.max()) @ ways.T
    weights = 1 / np.sqrt(1 + (away / scale) ** 2)
    freedom = max(len(away) - len(normal), 1)
    count = int(board.max()) + 1
    of_board = csr_matrix((np.ones(len(away)), (board.repeat(2), np.arange(len(away)))), shape=(count, len(away)))
    pulls = (of_board @ slopes.multiply((weights * away)[:, None]).tocsr()).toarray()
    clustered = inverse @ (pulls.T @ pulls) @ inverse * count / max(count - 1, 1)
    return np.stack([inverse * (weights * away**2).sum() / freedom, clustered])


def _cost(away: np.ndarray, scale: float) -> float:
    """Return half the sum of the squares of residuals, of which those beyond the scale count less."""
    cost = float(scale**2 * (np.sqrt(1 + (away / scale) ** 2) - 1).sum())
    return cost if np.isfinite(cost) else np.inf


def _equations(away: np.ndarray, slopes: csr_matrix, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the normal equations of a step."""
    weighted = slopes.T @ diags_array(1 / np.sqrt(1 + (away / scale) ** 2))
    return (weighted @ slopes).toarray(), weighted @ away


def _try(
    scene: _Scene, seen: _Seen, normal: np.ndarray, right: np.ndarray, damping: float
) -> tuple[_Scene, np.ndarray, csr_matrix] | None:
    """Return the scene after a damped step, with its residuals and slopes; None where there is no such step."""
    diagonal = np.diag(normal)
    try:
        step = solve(normal + np.diag(damping * diagonal + 1e-12 * diagonal.max()), -right, assume_a="pos")
    except (LinAlgError, ValueError):
        return None
    stepped = scene.stepped(step)
    return stepped, *seen.residuals(stepped)


def _baselines(scene: _Scene, covariance: np.ndarray) -> dict[tuple[int, int], tuple[float, float]]:
    """Return the distances of all pairs of cameras with their standard errors, to first order."""
    count = len(scene.lenses)
    pairs = list(combinations(range(count), 2))

    def apart(scene: _Scene) -> np.ndarray:
        places = scene.places
        return np.array([np.linalg.norm(places[a] - places[b]) for a, b in pairs])

    unknowns = range(_BLOCK * count, _BLOCK * (2 * count - 1))
    step = np.eye(covariance.shape[1])[unknowns] * _STEP
    slopes = np.array([apart(scene.stepped(each)) - apart(scene.stepped(-each)) for each in step]) / (2 * _STEP)
    motions = covariance[:, unknowns][:, :, unknowns]
    errors = np.sqrt(np.einsum("up,quv,vp->qp", slopes, motions, slopes).max(axis=0))
    return {pair: (float(d), float(se)) for pair, d, se in zip(pairs, apart(scene), errors, strict=True)}
