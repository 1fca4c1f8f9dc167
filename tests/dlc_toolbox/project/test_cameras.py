"""What the settings may say of cameras and boards."""

import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.project.cameras import Board, View, board, offsets, views
from dlc_toolbox.project.settings import load_analysis_settings

CHARUCO = {"columns": 7, "rows": 5, "squarelength": 25, "markerlength": 18.5, "dictionary": "4x4_50"}


def test_cameras_are_patterns_or_parts_of_a_frame():
    assert views({}) == ()
    assert views({"A": "*camA*", "B": "*B.avi"}) == (View("A", "*camA*"), View("B", "*B.avi"))
    top = {"pattern": "*", "crop": [0, 100, 20, 80], "mirrored": True}
    assert views({"top": top, "side": {"pattern": "*"}}) == (
        View("top", "*", (0, 100, 20, 80), True),
        View("side", "*"),
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["*camA*"], "names and patterns, such as"),
        ({"A": "*"}, "points in space need two cameras or more"),
        ({"A": "*a", "B": 3}, r"\('B': names and values are wanted, not 3\)"),
        ({"A": "*a", "B/C": "*b"}, r"\('B/C': a text that can be part of a file name"),
        ({"A": "*a", "B": {"patern": "*"}}, "patern is not one of pattern, crop, mirrored; did you mean pattern?"),
        ({"A": "*a", "B": {"crop": [0, 1, 0, 1]}}, "pattern is missing"),
        ({"A": "*a", "B": {"pattern": "*", "crop": [0, 1, 0]}}, r"crop is \[x1, x2, y1, y2\], in pixels"),
        ({"A": "*a", "B": {"pattern": "*", "crop": [5, 1, 0, 1]}}, "with x1 less than x2"),
        ({"A": "*a", "B": {"pattern": "*", "mirrored": 1}}, "True or False"),
    ],
)
def test_wrong_cameras(value, message):
    with pytest.raises(ValueError, match=message):
        views(value)


def test_offsets_are_frames():
    assert offsets({"B": 3, "C": -2}) == (("B", 3), ("C", -2))
    for wrong in ({"B": 1.5}, {"B": True}, {3: 1}, [3]):
        with pytest.raises(ValueError, match="names of cameras and whole numbers of frames, such as"):
            offsets(wrong)


def test_boards():
    assert board(None) is None
    assert board(CHARUCO) == Board(7, 5, 25, 18.5, "DICT_4X4_50")
    assert board({"columns": 9, "rows": 6, "squarelength": 2.5}) == Board(9, 6, 2.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": 2}, r"columns must be a whole number from 3 to 100"),
        ({"squarelength": 0}, "squarelength must be a number above 0"),
        ({"markerlength": "18"}, "markerlength must be a finite number"),
        ({"markerlength": 25}, "markerlength must be less than squarelength"),
        ({"dictionary": None}, r"both \(ChArUco\) or neither \(chessboard\)"),
        ({"dictionary": "4x4_55"}, "one that OpenCV knows, such as 'DICT_4X4_50'; did you mean DICT_4X4_"),
        ({"columns": 14, "rows": 9}, "DICT_4X4_50 has 50 markers, but this board needs 63"),
        ({"colums": 3}, "colums is not one of columns, rows.*did you mean columns?"),
        ({"markerlength": None, "dictionary": None}, "a chessboard of 7 x 5 squares looks the same upside down"),
    ],
)
def test_wrong_boards(change, message):
    with pytest.raises(ValueError, match=message):
        board(CHARUCO | change)


def test_a_file_of_settings(tmp_path):
    path = tmp_path / "myconfig_analysis.py"
    plain = "scorer = 'Ann'\nTask = 'toy'\ndate = 'Jan1'\n"
    path.write_text(plain)
    assert load_analysis_settings(tmp_path).cameras == ()
    path.write_text(plain + "cameras = {'A': '*a', 'B': '*b'}\ncameraoffsets = {'C': 3}\n")
    with pytest.raises(ToolboxError, match="cameraoffsets names C, which cameras does not"):
        load_analysis_settings(tmp_path)
