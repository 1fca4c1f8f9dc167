"""What comes with a project beside its labels: settings and splits. Its labels are in test_tables."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io
import yaml
from PIL import Image

from dlc_toolbox.project.tables import make_table

PARTS = ["nose", "paw"]
ROWS = [f"day{day}/img{number}.png" for day in (1, 2) for number in (1, 2, 3)]
CROP = {"crop": "10, 74, 5, 53"}


@pytest.fixture
def project(tmp_path: Path, write_video) -> Path:
    """A project with two videos and three labeled images of each, 64 x 48 pixels out of frames of 160 x 120."""
    home = tmp_path / "reach-Ann"
    for row in ROWS:
        path = home / "labeled-data" / row
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48), (len(row), 1, 1)).save(path)
    for day in (1, 2):
        write_video(home / "videos" / f"day{day}.avi", np.zeros((2, 120, 160, 3), np.uint8))
        write_labels(home, f"day{day}", ROWS[3 * day - 3 : 3 * day])
    write_config(home)
    return home


def write_labels(home: Path, folder: str, rows: list[str]) -> None:
    values = np.full((len(rows), 2, 2), 20.0)
    table = make_table("Ann", PARTS, rows, values)
    index = pd.MultiIndex.from_tuples([("labeled-data", *row.split("/")) for row in rows])
    table.set_axis(index).to_hdf(home / "labeled-data" / folder / "CollectedData_Ann.h5", key="df_with_missing")


def write_config(home: Path, **changes: object) -> None:
    videos = {f"C:\\Users\\ann\\day{day}.avi": CROP for day in (1, 2)}
    config = {
        "Task": "reach",
        "scorer": "Ann",
        "multianimalproject": False,
        "video_sets": videos,
        "bodyparts": PARTS,
        "skeleton": [["nose", "paw"], ["nose", "unknown"]],
        "pcutoff": 0.6,
        "TrainingFraction": [0.8, 0.95],
        "cropping": True,
        "x1": 1,
        "x2": 600,
        "y1": 2,
        "y2": 400,
    }
    (home / "config.yaml").write_text(yaml.safe_dump({**config, **changes}))


def write_split(home: Path, name: str, train: list[str], labeled: list[str] | None = None, iteration: int = 0) -> None:
    """Write what create_training_dataset writes: the .mat, the merged table, and the pickle that nobody opens."""
    folder = home / "training-datasets" / f"iteration-{iteration}" / "UnaugmentedDataSet_reachMay1"
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for row in train:
        joints = np.empty((1, 1), object)
        joints[0, 0] = np.array([[0, 20, 20]])
        entries.append((np.array(["labeled-data", *row.split("/")]), np.array([[3, 48, 64]]), joints))
    dataset = np.array([entries], dtype=[(key, object) for key in ("image", "size", "joints")])
    scipy.io.savemat(folder / f"reach_Ann{name}.mat", {"dataset": dataset})
    (folder / f"Documentation_data-reach_{name}.pickle").write_bytes(pickle.dumps(Bomb()))
    if labeled:
        make_table("Ann", PARTS, labeled, np.full((len(labeled), 2, 2), 20.0)).to_csv(folder / "CollectedData_Ann.csv")


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("a pickle was opened",)


def test_settings_by_file(project, read):
    found = read(project)
    videos = project / "videos"
    assert found.settings == {
        "myconfig.py": {
            "pcutoff": 0.6,
            "TrainingFraction": [0.8, 0.95],
            "vidpath": str(videos),
            "filename": ["day1.avi", "day2.avi"],
            "cropping": True,
            "x1": 10,
            "x2": 74,
            "y1": 5,
            "y2": 53,
        },
        "myconfig_analysis.py": {
            "skeleton": [["nose", "paw"]],
            "pcutoff": 0.6,
            "trainingsFraction": 0.8,
            "cropping": True,
            "x1": 1,
            "x2": 600,
            "y1": 2,
            "y2": 400,
            "videofolder": (project / "videos").as_posix(),
            "videotype": ".avi",
        },
    }
    assert found.remarks == ()


@pytest.mark.parametrize(
    ("crops", "crop", "remark"),
    [
        (["0, 160, 0, 120"] * 2, {}, "the images are not as large as the crop 0, 160, 0, 120"),
        (["0, 64, 0, 48"] * 2, {"cropping": True, "x1": 0, "x2": 64, "y1": 0, "y2": 48}, None),
        (["0, 64, 0, 48", "10, 74, 5, 53"], {}, "has 2 different crops"),
        (["0, 64, 0, 48", "whole"], {}, None),
    ],
)
def test_the_crop_counts_where_it_is_one_and_the_images_are_as_large(project, read, crops, crop, remark):
    write_config(project, video_sets={f"/a/day{n}.avi": {"crop": text} for n, text in enumerate(crops, 1)})
    found = read(project)
    ours = found.settings["myconfig.py"]
    assert {name: ours[name] for name in ("cropping", "x1", "x2", "y1", "y2") if name in ours} == crop
    assert [remark] * bool(remark) == [remark for told in found.remarks if remark and remark in told]
    assert len(found.remarks) == bool(remark)


@pytest.mark.parametrize("day", [1, 2])
def test_a_folder_of_images_that_are_not_as_large_as_their_crop_is_told(project, read, day):
    """As those of one video that were exported again, twice as large, after they were labeled."""
    own = [project / "labeled-data" / row for row in ROWS if row.startswith(f"day{day}")]
    for path in own:
        Image.new("RGB", (128, 96)).save(path)
    found = read(project)
    (told,) = found.remarks
    assert (
        f"config.yaml says: day{day}/img1.png has 128 x 96 pixels, but its video's crop 64 x 48. If they were" in told
    )
    assert found.settings["myconfig.py"]["x1"] == 10, "the crop of the others counts"
    for path in own:
        Image.new("RGB", (160, 120)).save(path)
    assert read(project).remarks == (), "they are whole frames"


def test_without_cropping_its_edges_do_not_matter(project, read):
    write_config(project, cropping=False)
    ours = read(project).settings["myconfig_analysis.py"]
    assert ours["cropping"] is False and "x2" not in ours


def test_videos_that_are_gone_are_told(project, read):
    (project / "videos" / "day1.avi").unlink()
    found = read(project)
    assert found.settings["myconfig.py"]["filename"] == ["day2.avi"]
    assert found.remarks == ("1 of 2 videos of config.yaml are not there, and not in filename: day1.avi",)


def test_strange_values_of_a_config_are_passed_over(project, read):
    write_config(project, skeleton="none", pcutoff="high", TrainingFraction=0.9, video_sets=[1], cropping="yes")
    assert read(project).settings == {}


def test_a_project_of_several_animals_with_one_animal_is_read(project, read):
    """From csv, of which a row that cannot be used is left out."""
    write_config(project, multianimalproject=True, individuals=["m1"], bodyparts="MULTI!")
    for day in ("day1", "day2"):
        folder = project / "labeled-data" / day
        (folder / "CollectedData_Ann.h5").unlink()
        table = make_table("Ann", PARTS, [f"labeled-data/{day}/img{n}.png" for n in (1, 2, 3)], np.full((3, 2, 2), 9.5))
        levels = [("Ann", "m1", part, coord) for _, part, coord in table.columns]
        names = ["scorer", "individuals", "bodyparts", "coords"]
        table.set_axis(pd.MultiIndex.from_tuples(levels, names=names), axis=1).to_csv(folder / "CollectedData_Ann.csv")
    path = project / "labeled-data" / "day2" / "CollectedData_Ann.csv"
    path.write_text(path.read_text().replace("img3.png,9.5", "img3.png,nine"))
    found = read(project)
    assert list(found.images) == ROWS[:5] and (found.values == 9.5).all()
    assert found.left_out[0] == ("line 7 (labeled-data/day2/img3.png)", "has 'nine' in place of a number")


def test_splits_come_from_the_mat_and_the_table_of_that_time(project, read):
    write_split(project, "50shuffle1", ROWS[:3], labeled=[*ROWS[:5], ROWS[4]])  # one is there twice
    write_split(project, "80shuffle2", ROWS[1:], iteration=1)
    found = read(project)
    assert found.splits == {
        "iteration0-50shuffle1": {"train": ROWS[:3], "test": ROWS[3:5]},
        "iteration1-80shuffle2": {"train": ROWS[1:], "test": ROWS[:1]},
    }, "without a table of that time, all labeled images that did not train"


def test_an_image_whose_labels_deeplabcut_drops_is_in_no_split(project, read):
    """It trains on labels that are not in the first column or row alone, so such an image is in no .mat."""
    write_split(project, "50shuffle1", ROWS[:3])
    values = np.full((6, 2, 2), 20.0)
    values[3, :, 0] = 0.75
    folder = project / "training-datasets" / "iteration-0" / "UnaugmentedDataSet_reachMay1"
    make_table("Ann", PARTS, ROWS, values).to_csv(folder / "CollectedData_Ann.csv")
    assert read(project).splits["iteration0-50shuffle1"] == {"train": ROWS[:3], "test": ROWS[4:]}


def test_a_split_that_cannot_be_used_is_left_out(project, read):
    write_split(project, "50shuffle1", ROWS[:3])
    write_split(project, "95shuffle1", ROWS)
    folder = project / "training-datasets" / "iteration-0" / "UnaugmentedDataSet_reachMay1"
    (folder / "reach_Ann60shuffle3.mat").write_bytes(b"MATLAB 5.0 cut off")
    (folder / "other.mat").write_bytes(b"")
    found = read(project)
    assert list(found.splits) == ["iteration0-50shuffle1"]
    (damaged, why), (full, whole) = found.left_out
    assert damaged == "reach_Ann60shuffle3.mat" and why.startswith("cannot be read: ")
    assert (full, whole) == ("reach_Ann95shuffle1.mat", "has 6 train and 0 test images that are here")


def test_a_table_that_is_damaged_does_not_stop_the_others(project, read):
    table = project / "labeled-data" / "day1" / "CollectedData_Ann.h5"
    table.write_bytes(table.read_bytes()[:3000])
    found = read(project)
    assert list(found.images) == ROWS[3:]
    assert found.left_out[0].what == "CollectedData_Ann.h5" and found.left_out[0].why.startswith("cannot be read: ")


def test_a_damaged_h5_gives_way_to_its_csv(project, read, caplog):
    table = project / "labeled-data" / "day1" / "CollectedData_Ann.h5"
    make_table("Ann", PARTS, ROWS[:3], np.full((3, 2, 2), 21.0)).to_csv(table.with_suffix(".csv"))
    table.write_bytes(table.read_bytes()[:3000])
    found = read(project)
    assert list(found.images) == ROWS and found.values[0].tolist() == [[21, 21]] * 2
    assert "CollectedData_Ann.h5 is damaged; its csv is read in its place" in caplog.text


def test_an_h5_with_an_image_twice_is_not_called_damaged(project, read, caplog):
    write_labels(project, "day1", [*ROWS[:3], ROWS[2]])
    make_table("Ann", PARTS, ROWS[:3], np.full((3, 2, 2), 21.0)).to_csv(
        project / "labeled-data" / "day1" / "CollectedData_Ann.csv"
    )
    found = read(project)
    assert list(found.images) == ROWS and found.values[0].tolist() == [[20, 20]] * 2
    assert found.left_out == ((ROWS[2], "names an image that another row names, too"),)
    assert "is damaged" not in caplog.text


def test_images_that_deeplabcut_extracted_are_frames_of_their_videos(project, read):
    """The folder tells the video, the name the frame; what the images show is told by their size."""
    frames = read(project).frames
    assert list(frames) == ROWS
    assert frames["day2/img3.png"] == (project / "videos" / "day2.avi", 3, (10, 74, 5, 53))
    write_config(project, video_sets={"day1.avi": {"crop": "0, 160, 0, 120"}, "day2.avi": CROP, "day3.avi": CROP})
    assert {row.partition("/")[0] for row in read(project).frames} == {"day2"}, "day1's images are not as large"
    for row in ROWS[:3]:
        Image.new("RGB", (160, 120)).save(project / "labeled-data" / row)
    assert read(project).frames["day1/img2.png"] == (project / "videos" / "day1.avi", 2, None)
