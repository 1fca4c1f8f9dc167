"""Cameras found from corners, against those that saw them."""

import numpy as np
import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.cameras.boards import Corners, corner_places
from dlc_toolbox.cameras.calibrate import Calibration, calibrate
from tests.studio import CHARUCO, board_motions, make_cameras, middle_of

PLACES = corner_places(CHARUCO)


def watch(cameras, motions, noise_px=0.15, seed=0) -> Corners:
    """What cameras see of a board, with normal errors; only what lies in their pictures."""
    rng, parts = np.random.default_rng(seed), []
    for moment, (turn, move) in enumerate(motions):
        for number, camera in enumerate(cameras):
            if (camera.turn @ turn)[:, 2] @ (camera.turn @ move + camera.translation) <= 0:
                continue  # its back
            seen = camera.project(PLACES @ turn.T + move)
            inside = np.flatnonzero(((seen > 0) & (seen < np.array(camera.size) - 1)).all(axis=1))
            if len(inside) >= 6:
                count = len(inside)
                noisy = seen[inside] + rng.normal(0, noise_px, (count, 2))
                parts.append(Corners(np.full(count, number), np.full(count, moment), inside, noisy))
    return Corners.joined(parts)


def solve(cameras, corners) -> Calibration:
    return calibrate([camera.name for camera in cameras], [camera.size for camera in cameras], corners, PLACES)


def check(found: Calibration, cameras, within=0.005) -> None:
    """Focal lengths and distances within 0.5 %."""
    for camera, true in zip(found.cameras, cameras, strict=True):
        assert (camera.name, camera.size) == (true.name, true.size)
        np.testing.assert_allclose(camera.matrix[[0, 1], [0, 1]], true.matrix[[0, 1], [0, 1]], rtol=within)
    for (a, b), (distance, _) in found.adjusted.baselines.items():
        assert distance == pytest.approx(np.linalg.norm(cameras[a].place - cameras[b].place), rel=within)


@pytest.fixture(scope="module")
def cameras():
    return make_cameras(3)


@pytest.fixture(scope="module")
def motions(cameras):
    return board_motions(CHARUCO, cameras, 40)


@pytest.fixture(scope="module")
def found(cameras, motions):
    return solve(cameras, watch(cameras, motions))


def test_lenses_and_places_are_found(found, cameras):
    check(found, cameras)
    for number, (camera, true) in enumerate(zip(found.cameras, cameras, strict=True)):
        np.testing.assert_allclose(camera.matrix[:2, 2], true.matrix[:2, 2], atol=3)
        np.testing.assert_allclose(camera.turn, true.turn, atol=0.01)
        assert found.error_px(number) == pytest.approx(0.15 * np.sqrt(2), rel=0.1)  # a little less: fitted to them
    np.testing.assert_array_equal(found.cameras[0].place, 0)


def test_the_standard_errors_are_honest(found, cameras):
    focal = np.array([[camera.matrix[[0, 1], [0, 1]].mean() for camera in each] for each in (found.cameras, cameras)])
    off = (focal[0] - focal[1]) / found.adjusted.focal_se
    assert 0.1 < np.sqrt(np.mean(off**2)) < 2.5
    assert (found.adjusted.focal_se / focal[1]).max() < 0.003


def test_held_out_squares_have_their_length(found):
    assert len(found.lengths) > 50
    assert found.lengths.mean() == pytest.approx(1, abs=0.002)


def test_without_noise_all_is_exact(cameras, motions):
    exact = solve(cameras, watch(cameras, motions, noise_px=0))
    check(exact, cameras, within=1e-6)
    assert exact.error_px(1) < 1e-5


def test_the_unit_is_that_of_the_board(found, cameras, motions):
    corners = watch(cameras, motions)
    names, sizes = zip(*((camera.name, camera.size) for camera in cameras), strict=True)
    twice = calibrate(names, sizes, corners, 2 * PLACES)
    np.testing.assert_allclose(twice.cameras[2].place, 2 * found.cameras[2].place, rtol=1e-4)
    np.testing.assert_allclose(twice.cameras[2].matrix, found.cameras[2].matrix, rtol=1e-4)


def test_misread_boards_are_left_out(cameras, motions, caplog):
    caplog.set_level("INFO")
    corners = watch(cameras, motions)
    pictures = sorted(set(zip(corners.camera.tolist(), corners.moment.tolist(), strict=True)))
    for camera, moment in pictures[::12]:  # numbered from the other end, as a chessboard upside down
        mine = np.flatnonzero((corners.camera == camera) & (corners.moment == moment))
        corners.corner[mine] = len(PLACES) - 1 - corners.corner[mine]
    misread = solve(cameras, corners)
    check(misread, cameras)
    assert max(misread.error_px(number) for number in range(3)) < 0.3
    assert "pictures of the board are left out, because all others contradict them" in caplog.text


def test_cameras_that_share_no_moment_are_reached_over_a_third(cameras, motions):
    corners = watch(cameras, motions)
    half = np.where(corners.moment % 2 == 0, 0, 2)  # A sees the board at one half of the moments, C at the other
    kept = corners.some((corners.camera == 1) | (corners.camera == half))
    check(solve(cameras, kept), cameras, within=0.01)
    apart = corners.some(corners.camera == half)
    two = Corners(apart.camera // 2, apart.moment, apart.corner, apart.seen)
    with pytest.raises(ToolboxError, match="at no moment the board was seen by A and by C at once: show it to both"):
        solve([cameras[0], cameras[2]], two)


@pytest.mark.parametrize("tilt", [0, 0.5])
def test_boards_that_are_too_much_alike_are_refused(tilt):
    """Parallel boards leave open whether the lens is long or the board near; no small error may be told."""
    pair = make_cameras(2, step=10)
    turn = np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])
    middle = middle_of(pair) - turn @ PLACES.mean(axis=0)
    alike = [(turn, middle + np.array([4, 2, 0]) * (0 if tilt else number)) for number in range(12)]
    with pytest.raises(
        ToolboxError, match="camera A: no lens can be found from these boards, which are too much alike"
    ):
        solve(pair, watch(pair, alike))


def test_where_the_board_was_seen(found):
    seen = found.corners.seen[found.corners.camera == 1]
    spans = (seen.max(axis=0) - seen.min(axis=0)) / (560, 420)
    assert found.reach(1) == min(spans)
    assert 0.6 < found.reach(1) < 1


def test_a_camera_that_has_hardly_seen_the_board(cameras, motions):
    corners = watch(cameras, motions)
    few = corners.some((corners.camera != 1) | (corners.moment < 3))
    with pytest.raises(ToolboxError, match=r"camera B has seen the board at \d moments only; at least 5 are needed"):
        solve(cameras, few)
