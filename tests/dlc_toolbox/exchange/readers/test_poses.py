"""Poses of a video in a table of DeepLabCut, with rows that are none."""

from pathlib import Path

import pytest

HEADER = "scorer,net,net,net\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n"
SOUND = "0,1,2,0.9\n1,2,3,0.8\n2,3,4,0.7\n"


@pytest.mark.parametrize(
    ("rows", "left_out"),
    [
        (SOUND, ()),
        (SOUND.replace("0,1,2", "0.0,1,2").replace("1,2,3", "1.0,2,3"), ()),
        (SOUND + "3,x,4,0.7\n", (("line 7 (3)", "has 'x' in place of a number"),)),
        (SOUND + "2,9,9,0.7\n", (("line 7 (2)", "names an image that another row names, too"),)),
        (SOUND + "2.0,9,9,0.7\n", (("row 2.0", "is a frame that is there twice"),)),
        (SOUND + "mean,2,3,0.8\n", (("row mean", "is no frame"),)),
        (SOUND + "-1,2,3,0.8\n", (("row -1", "is no frame"),)),
    ],
)
def test_rows_that_are_no_frames_do_not_stop_the_others(tmp_path: Path, read, rows: str, left_out: tuple):
    (tmp_path / "day1DLC_net.csv").write_text(HEADER + rows)
    found = read(tmp_path / "day1DLC_net.csv")
    assert (found.kind, found.frames_of) == ("a table of poses in the frames of a video", "day1DLC_net")
    assert found.table.index.tolist() == [0, 1, 2]
    assert found.values[:, 0].tolist() == [[1, 2], [2, 3], [3, 4]]
    assert found.likelihoods.ravel().tolist() == [0.9, 0.8, 0.7]
    assert found.left_out == left_out
