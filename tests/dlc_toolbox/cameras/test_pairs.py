"""How one camera stands to another, and what is said where their boards contradict each other."""

from dataclasses import replace

import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.cameras.boards import Corners, corner_places
from dlc_toolbox.cameras.geometry import Camera
from dlc_toolbox.cameras.pairs import contradictions, evenly, motion_between
from tests.studio import CHARUCO, board_motions, make_cameras

from .test_calibrate import solve, watch

PLACES = corner_places(CHARUCO)


@pytest.fixture(scope="module")
def cameras():
    return make_cameras(2)


@pytest.fixture(scope="module")
def motions(cameras):
    return board_motions(CHARUCO, cameras, 24)


def at_origin(camera: Camera) -> Camera:
    return replace(camera, rotation=np.zeros(3), translation=np.zeros(3))


def poses_of(cameras, motions):
    """How the board really stands to each camera."""
    import cv2

    return {
        (number, moment): (cv2.Rodrigues(camera.turn @ turn)[0].ravel(), camera.turn @ move + camera.translation)
        for moment, (turn, move) in enumerate(motions)
        for number, camera in enumerate(cameras)
    }


def shifted(corners: Corners, by: int) -> Corners:
    """The corners of B, so many moments later."""
    return replace(corners, moment=corners.moment + by * (corners.camera == 1))


def test_what_one_moment_tells_fits_the_others(cameras, motions):
    corners, lens = watch(cameras, motions, noise_px=0), at_origin(cameras[1])
    (turn, move), error = motion_between(lens, 0, 1, poses_of(cameras, motions), corners, PLACES)
    np.testing.assert_allclose(turn, cameras[1].rotation, atol=1e-9)
    np.testing.assert_allclose(move, cameras[1].translation, atol=1e-6)
    assert error < 1e-6


@pytest.mark.parametrize(("late", "advice"), [(2, "2 more"), (-3, "3 less")])
def test_frames_of_other_moments_are_told_with_the_offset_that_fits(cameras, motions, late, advice):
    """Not that the boards were too much alike, which a camera alone would tell."""
    with pytest.raises(ToolboxError, match=rf"A and B saw do not fit each other, .* off: with {advice} in cameraof"):
        solve(cameras, shifted(watch(cameras, motions), late))


def test_offsets_are_in_frames_where_only_some_are_looked_at(cameras, motions):
    corners, lenses = watch(cameras, motions, noise_px=0), [at_origin(camera) for camera in cameras]
    poses = {(number, 7 * (moment + number)): pose for (number, moment), pose in poses_of(cameras, motions).items()}
    spread = replace(shifted(corners, 1), moment=7 * shifted(corners, 1).moment)
    (told,) = contradictions(lenses, poses, spread, PLACES, 0.01)
    assert told.endswith("with 7 more in cameraoffsets for B they do")


def test_videos_that_do_not_belong_together_are_told(cameras, motions):
    other = board_motions(CHARUCO, cameras, 24, seed=9)
    mine, theirs = watch(cameras, motions), watch(cameras, other)
    corners = Corners.joined([mine.some(mine.camera == 0), theirs.some(theirs.camera == 1)])
    with pytest.raises(ToolboxError, match=r"do not fit each other, and are \d+ px off: do the videos belong to each"):
        solve(cameras, corners)


def test_boards_that_fit_are_no_contradiction(cameras, motions):
    lenses = [at_origin(camera) for camera in cameras]
    assert list(contradictions(lenses, poses_of(cameras, motions), watch(cameras, motions), PLACES, 0.01)) == []


def test_some_of_many():
    assert evenly(range(10), 4) == [0, 3, 6, 9]
    assert evenly([5, 6], 4) == [5, 6]
