"""A board that was described wrongly, in pictures of it."""

from dataclasses import replace

import numpy as np
import pytest

from dlc_toolbox.cameras import descriptions
from dlc_toolbox.cameras.descriptions import described_otherwise
from tests.studio import CHARUCO, CHESSBOARD, board_motions, make_cameras, photograph


@pytest.fixture(scope="module")
def seen():
    """Two pictures of each board."""
    pair = make_cameras(2, size=(400, 300), step=20)
    return {
        board: [photograph(pair[0], board, *motion) for motion in board_motions(board, pair, 2, seed=2)]
        for board in (CHARUCO, CHESSBOARD)
    }


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Fewer descriptions are tried, which saves time."""
    monkeypatch.setattr(descriptions, "_DICTIONARIES", ["DICT_4X4_50", "DICT_5X5_100", "DICT_7X7_50"])
    monkeypatch.setattr(descriptions, "_FARTHEST", 1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"columns": 5, "rows": 7}, "with 'columns': 7, 'rows': 5"),
        ({"columns": 8}, "with 'columns': 7, 'rows': 5"),
        ({"dictionary": "DICT_5X5_100"}, "with the dictionary DICT_4X4_50"),
    ],
)
def test_what_is_wrong_is_found(seen, wrong, words):
    assert described_otherwise(replace(CHARUCO, **wrong), seen[CHARUCO]) == words


def test_corners_that_were_counted_in_place_of_squares(seen):
    assert (
        described_otherwise(replace(CHESSBOARD, columns=6, rows=5), seen[CHESSBOARD]) == "with 'columns': 7, 'rows': 6"
    )


def test_a_mirror_that_is_none_and_one_that_nobody_told(seen):
    mirrored = [np.ascontiguousarray(picture[:, ::-1]) for picture in seen[CHARUCO]]
    assert described_otherwise(CHARUCO, mirrored) == "with 'mirrored': True in cameras"
    assert described_otherwise(CHARUCO, mirrored, is_flipped=True) == "without 'mirrored' in cameras"


def test_nothing_is_guessed_where_there_is_no_board(seen):
    assert described_otherwise(CHARUCO, seen[CHESSBOARD]) == ""
    assert described_otherwise(CHARUCO, []) == ""
    one = [np.ascontiguousarray(seen[CHARUCO][0][:, ::-1])]
    assert described_otherwise(CHARUCO, one) == "", "one picture may be chance"
