"""Corners of boards, in pictures taken by known cameras."""

import numpy as np
import pytest

from dlc_toolbox.cameras.boards import BoardFinder, Corners, corner_places
from dlc_toolbox.project.cameras import Board
from tests.studio import CHARUCO, CHESSBOARD, make_cameras, middle_of, photograph


@pytest.fixture(scope="module")
def camera():
    return make_cameras(1)[0]


def motion(camera, board, turn=0.0, tilt=0.3):
    """A board before the camera, turned in its plane by quarter turns, and tilted."""
    spin = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    lean = np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])
    half = np.array([board.columns, board.rows, 0]) * board.squarelength / 2
    return lean @ spin, middle_of([camera]) - lean @ spin @ half


def test_places_are_counted_row_by_row():
    assert corner_places(Board(4, 3, 10.0)).tolist() == [[x, y, 0] for y in (10, 20) for x in (10, 20, 30)]


@pytest.mark.parametrize("board", [CHARUCO, CHESSBOARD])
@pytest.mark.parametrize("turn", [0, np.pi / 2, np.pi, -np.pi / 2])
def test_corners_are_found_whichever_way_up(camera, board, turn):
    how = motion(camera, board, turn)
    numbers, seen = BoardFinder(board)(photograph(camera, board, *how))
    assert sorted(numbers) == list(range((board.columns - 1) * (board.rows - 1)))
    true = camera.project(corner_places(board)[numbers] @ how[0].T + how[1])
    assert np.hypot(*(seen - true).T).max() < 0.6
    np.testing.assert_allclose((seen - true).mean(axis=0), 0, atol=0.1)  # (0, 0) is the centre of a pixel


@pytest.mark.parametrize("board", [CHARUCO, CHESSBOARD])
def test_large_pictures_are_not_less_exact(board):
    camera = make_cameras(1, size=(1200, 900))[0]
    how = motion(camera, board)
    numbers, seen = BoardFinder(board)(photograph(camera, board, *how))
    assert len(numbers) == (board.columns - 1) * (board.rows - 1)
    off = seen - camera.project(corner_places(board)[numbers] @ how[0].T + how[1])
    assert np.hypot(*off.T).max() < 0.4
    np.testing.assert_allclose(off.mean(axis=0), 0, atol=0.05)


def test_a_part_of_a_charuco_board_is_enough_and_a_line_is_not(camera):
    how = motion(camera, CHARUCO)
    picture = photograph(camera, CHARUCO, *how)
    seen = camera.project(corner_places(CHARUCO) @ how[0].T + how[1])
    picture[:, : int(seen[2, 0]) + 5] = 120  # the left half
    numbers, _ = BoardFinder(CHARUCO)(picture)
    assert 6 <= len(numbers) < 24
    assert {number % 6 for number in numbers} <= {2, 3, 4, 5}
    picture[:, : int(seen[4, 0]) + 10] = 120
    numbers, found = BoardFinder(CHARUCO)(picture)
    assert len(numbers) == 0 and found.shape == (0, 2)


@pytest.mark.parametrize("board", [CHARUCO, CHESSBOARD])
def test_where_there_is_no_board_none_is_found(board):
    numbers, seen = BoardFinder(board)(np.full((200, 300, 3), 90, np.uint8))
    assert numbers.shape == (0,) and seen.shape == (0, 2)


def test_corners_are_joined_and_chosen():
    one = Corners(np.array([0]), np.array([5]), np.array([3]), np.array([[1.0, 2]]))
    two = Corners(np.array([1]), np.array([6]), np.array([4]), np.array([[7.0, 8]]))
    both = Corners.joined([one, two])
    assert both.some(both.camera == 1).seen.tolist() == [[7, 8]]
    assert Corners.joined([]).seen.shape == (0, 2)
