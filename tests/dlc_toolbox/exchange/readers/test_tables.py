"""Rows that cannot be used, and machine labels; more of tables is in exchange/test_labelset.py."""

import numpy as np
import pytest
from PIL import Image

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.found import LeftOut
from dlc_toolbox.project.tables import make_table, write_table

ROWS = [f"day1/img{number}.png" for number in range(4)]


@pytest.fixture
def folder(tmp_path):
    """A folder as lightning-pose has it: CollectedData.csv beside labeled-data."""
    for row in ROWS:
        path = tmp_path / "lp" / "labeled-data" / row
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48)).save(path)
    rows = [f"labeled-data/{row}" for row in ROWS]
    table = make_table("Ann", ["nose", "paw"], rows, np.arange(16.0).reshape(4, 2, 2) + 20)
    table.to_csv(tmp_path / "lp" / "CollectedData.csv")
    return tmp_path / "lp"


def test_a_folder_of_lightning_pose(folder, read):
    found = read(folder)
    assert found.kind == "a label table of lightning-pose, with its images"
    assert list(found.images) == ROWS
    assert found.images[ROWS[1]] == folder / "labeled-data" / ROWS[1]
    assert found.values[1].tolist() == [[24, 25], [26, 27]]


def test_a_folder_whose_accents_macos_has_spelled(folder, read):
    together, apart = "M\u00e4use", "Ma\u0308use"
    path = folder / "CollectedData.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("day1", together), encoding="utf-8")
    (folder / "labeled-data" / "day1").rename(folder / "labeled-data" / apart)
    assert read(folder).images[f"{together}/img1.png"] == folder / "labeled-data" / apart / "img1.png"


def test_rows_that_cannot_be_used_are_left_out_with_their_lines(folder, read):
    path = folder / "CollectedData.csv"
    lines = path.read_text().splitlines()
    lines[4] = lines[4].replace("24.0", "twenty-four")
    lines[5] += ",7"
    long = f"labeled-data/day1/img{'1' * 300}.png"
    lines += [lines[3], ",1,2,3,4", "labeled-data/../img9.png,1,2,3,4", "img7.png", f"{long},1,2,3,4"]
    path.write_text("\n".join(lines))
    found = read(folder)
    assert list(found.images) == [ROWS[0], ROWS[3]]
    assert found.left_out == (
        LeftOut("line 5 (labeled-data/day1/img1.png)", "has 'twenty-four' in place of a number"),
        LeftOut("line 6 (labeled-data/day1/img2.png)", "has 6 cells, not 5"),
        LeftOut("line 8 (labeled-data/day1/img0.png)", "names an image that another row names, too"),
        LeftOut("line 9 (no name)", "names no image"),
        LeftOut("line 11 (img7.png)", "has 1 cells, not 5"),
        LeftOut("../img9.png", "names no image as <folder>/<image>"),
        LeftOut(long.removeprefix("labeled-data/"), "has a name of more than 255 bytes, which no file can have here"),
    )


def test_of_two_rows_of_one_image_in_an_h5_the_first_counts(folder, read):
    path = folder / "labeled-data" / "day1" / "CollectedData_Ann.h5"
    table = make_table("Ann", ["nose"], [*ROWS, ROWS[3]], np.arange(10.0).reshape(5, 1, 2) + 20)
    write_table(table, path, csv=False)
    found = read(path)
    assert list(found.images) == ROWS
    assert found.values[3].tolist() == [[26, 27]]
    assert found.left_out == (LeftOut(ROWS[3], "names an image that another row names, too"),)


def test_a_csv_of_something_else_says_so_itself(folder, read):
    (folder / "other.csv").write_text("a,b,c\n1,2,3\n4,5,6\n7,8,nine\n")
    with pytest.raises(ToolboxError, match=r"lp/other\.csv "):
        read(folder / "other.csv")


def test_csv_and_h5_of_a_folder_that_differ_stop_with_three_cells(folder, read):
    values, text = np.arange(16.0).reshape(4, 2, 2) + 20, (folder / "CollectedData.csv").read_text()
    values[:, 0, 0] += 1
    write_table(make_table("Ann", ["nose", "paw"], ROWS, values), folder / "CollectedData.h5")
    (folder / "CollectedData.csv").write_text(text)
    with pytest.raises(ToolboxError) as told:
        read(folder)
    assert str(told.value).count("nose x is") == 3 and "and 1 more" in str(told.value)
    assert "day1/img0.png: nose x is 21 in the h5, 20 in the csv" in str(told.value)
    assert (folder / "CollectedData.csv").read_text() == text


def test_a_table_with_likelihoods_holds_machine_labels(folder, read):
    values = np.concatenate([np.full((4, 2, 2), 30.0), np.full((4, 2, 1), 0.25)], axis=2)
    path = folder / "labeled-data" / "day1" / "machinelabels-iter0.h5"
    write_table(make_table("DLC_resnet50", ["nose", "paw"], ROWS, values), path, csv=False)
    found = read(path)
    assert found.kind == "a table of machine labels, as DeepLabCut and napari-deeplabcut write it"
    assert found.likelihoods.tolist() == [[0.25, 0.25]] * 4
    assert found.images[ROWS[2]].is_file()
    write_table(make_table("DLC_resnet50", ["nose", "paw"], ROWS, values[..., :2]), path, csv=False)
    assert np.isnan(read(path).likelihoods).all(), "the name tells, where there are no likelihoods"


def test_images_of_lightning_pose_are_frames_of_the_video_that_is_there(folder, read, write_video):
    assert read(folder).frames == {}, "no video"
    film = write_video(folder / "videos" / "day1.avi", np.zeros((4, 48, 64, 3), np.uint8))
    assert read(folder).frames == {row: (film, number, None) for number, row in enumerate(ROWS)}
    write_video(film, np.zeros((4, 96, 64, 3), np.uint8))
    assert read(folder).frames == {}, "its frames are larger than the images"


def test_machine_labels_are_told_from_labels(folder, read, caplog):
    caplog.set_level("INFO")
    table = make_table("net", ["nose"], ROWS, np.full((4, 1, 3), 0.5))
    write_table(table, folder / "network.h5", csv=False)
    assert read(folder / "network.h5").likelihoods.tolist() == [[0.5]] * 4
    assert caplog.messages[0].endswith("is a table of machine labels, as DeepLabCut and napari-deeplabcut write it")
