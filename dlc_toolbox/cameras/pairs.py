"""How two cameras stand to each other, by the boards that both saw; and what is wrong where no answer fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from dlc_toolbox.cameras.boards import Corners
from dlc_toolbox.cameras.geometry import Camera, chain, undo

Motion = tuple[np.ndarray, np.ndarray]
"""A rotation vector and a translation."""

Poses = Mapping[tuple[int, int], Motion]
"""How the board stood to a camera at a moment, by both numbers."""

_MOST_COMPARED = 30  # moments of two cameras, each with each
_FARTHEST_OFFSET = 10  # moments; that far frames may be shifted
_FEWEST_SHARED = 3
_MUCH_BETTER = 4  # times; so much nearer are the corners with the right offset


def shown(camera: Camera, pose: Motion, places: np.ndarray) -> np.ndarray:
    """Tell where a camera sees corners, (M, 2), of a board with a pose in its world."""
    turn, _ = cv2.Rodrigues(pose[0])
    return camera.project(places @ turn.T + pose[1])


def evenly(items: Sequence[int], most: int) -> list[int]:
    """Return at most so many items, evenly spaced."""
    return [items[place] for place in np.linspace(0, len(items) - 1, min(len(items), most)).round().astype(int)]


def motion_between(
    lens: Camera, a: int, b: int, poses: Poses, corners: Corners, places: np.ndarray
) -> tuple[Motion, float]:
    """Find how to come from camera a to b: of what each shared moment tells, that which fits most of the others.

    Parameters
    ----------
    lens : Camera
        That of b, at the origin.
    a, b : int
        Numbers of the cameras, which share moments.
    poses : mapping of (int, int) to (ndarray, ndarray)
        By camera and moment how the board stood to it.
    corners : Corners
        What was seen.
    places : ndarray of shape (P, 3)
        Of the corners on the board.

    Returns
    -------
    motion : (ndarray, ndarray)
        Rotation vector and translation.
    error_px : float
        Median, over the moments, of how far b sees corners from where a says that they are.
    """
    moments = evenly(sorted(_moments(poses, a) & _moments(poses, b)), _MOST_COMPARED)
    mine = corners.some((corners.camera == b) & np.isin(corners.moment, moments))
    which = np.searchsorted(moments, mine.moment)
    turns, moves = (np.array(part) for part in zip(*(poses[a, moment] for moment in moments), strict=True))
    from_a = Rotation.from_rotvec(turns[which]).apply(places[mine.corner]) + moves[which]
    best, least = (np.zeros(3), np.zeros(3)), np.inf
    for moment in moments:
        motion = chain(undo(poses[a, moment]), poses[b, moment])
        away = np.hypot(*(lens.project(Rotation.from_rotvec(motion[0]).apply(from_a) + motion[1]) - mine.seen).T)
        errors = np.bincount(which, away, len(moments)) / np.bincount(which, minlength=len(moments))
        if (error := float(np.nan_to_num(np.median(errors), nan=np.inf))) < least:
            best, least = motion, error
    return best, least


def _moments(poses: Poses, camera: int) -> set[int]:
    """Return the moments at which a camera saw the board."""
    return {moment for number, moment in poses if number == camera}


def contradictions(
    lenses: Sequence[Camera], poses: Poses, corners: Corners, places: np.ndarray, far: float
) -> Iterator[str]:
    """Say of each pair of cameras whose boards cannot be the same what is wrong, and with which offset they would be.

    Parameters
    ----------
    lenses : sequence of C Camera
        At the origin.
    poses, corners, places
        As for `motion_between`.
    far : float
        Share of a picture's width; boards that are farther off are not the same.

    Yields
    ------
    str
        One sentence.
    """
    for a, b in combinations(range(len(lenses)), 2):
        if len(_moments(poses, a) & _moments(poses, b)) < _FEWEST_SHARED:
            continue
        _, error = motion_between(lenses[b], a, b, poses, corners, places)
        if error > far * lenses[b].size[0]:
            offset, less = _better_offset(lenses[b], a, b, poses, corners, places)
            advice = (
                f"with {abs(offset)} {'more' if offset > 0 else 'less'} in cameraoffsets for {lenses[b].name} they do"
                if less * _MUCH_BETTER < error
                else "do the videos belong to each other (cameras), are frames of one number of the same moment "
                "(cameraoffsets), did a camera move, and is the board described as it is (calibrationboard)?"
            )
            yield (
                f"the boards that {lenses[a].name} and {lenses[b].name} saw do not fit each other, and are "
                f"{error:.0f} px off: {advice}"
            )


def _better_offset(
    lens: Camera, a: int, b: int, poses: Poses, corners: Corners, places: np.ndarray
) -> tuple[int, float]:
    """Return how many frames later those of b fit those of a best, and how far off in pixels they are then."""
    mine, theirs = (np.array(sorted(_moments(poses, number))) for number in (a, b))
    step = int(min(np.diff(mine).min(initial=np.iinfo(int).max), np.diff(theirs).min(initial=np.iinfo(int).max)))
    best, least = 0, np.inf
    for offset in range(-_FARTHEST_OFFSET * step, _FARTHEST_OFFSET * step + 1, step):
        if len(set(mine) & set(theirs - offset)) < _FEWEST_SHARED:
            continue
        moved = {(camera, moment - offset * (camera == b)): pose for (camera, moment), pose in poses.items()}
        seen = replace(corners, moment=corners.moment - offset * (corners.camera == b))
        _, error = motion_between(lens, a, b, moved, seen, places)
        if error < least:
            best, least = offset, error
    return best, least
