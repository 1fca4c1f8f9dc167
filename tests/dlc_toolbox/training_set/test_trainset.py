import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from scipy.io import loadmat

from dlc_common import UsersError
from dlc_common.training_set import read_training_set
from dlc_common.yaml_text import with_values
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.labels import convert_labels
from dlc_toolbox.project.experiment import Experiment
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.project.tables import make_table, points, read_table, write_table
from dlc_toolbox.training_set import trainset
from dlc_toolbox.training_set.recorded import read_split
from dlc_toolbox.training_set.split import split_images
from dlc_toolbox.training_set.trainset import make_training_sets

NAMES = [f"toy/img{frame:02d}.png" for frame in range(0, 30, 3)]
EXPERIMENT = Experiment("toy", "Jan1", "Ann", 70, 1, 50)


@pytest.fixture
def toy(toy_project: Path):
    toy = Toy(toy_project)
    toy.convert()
    return toy


class Toy:
    """A project whose labels and settings a test may change."""

    def __init__(self, root: Path):
        self.layout = Layout(root)
        self.data = self.layout.data_folder("toy")

    def set(self, text: str) -> None:
        with (self.layout.root / "myconfig.py").open("a") as file:
            file.write(f"\n{text}\n")

    def convert(self) -> None:
        convert_labels(self.layout, load_settings(self.layout.root), "Ann")

    def move_a_label(self, x: float = 50.25) -> None:
        path = self.data / "toy" / "nose.csv"
        path.write_text(path.read_text().replace("135.0", str(x)))
        self.convert()

    def make(self, **options: object) -> list[Experiment]:
        return make_training_sets(self.layout, load_settings(self.layout.root), **options)

    def train(self, name: str = "snapshot-50.weights.h5", experiment: Experiment = EXPERIMENT) -> None:
        (self.layout.train_folder(experiment) / name).touch()

    def files(self) -> dict[str, int]:
        """Every file under models, with the time of its last change."""
        models = self.layout.models
        return {str(path.relative_to(models)): path.stat().st_mtime_ns for path in models.rglob("*") if path.is_file()}


# What is written


def test_accepted_machine_labels_are_counted_and_documented(toy: Toy, toy_points: np.ndarray, caplog):
    caplog.set_level("INFO")
    (x, y), moved = toy_points[3, 1].tolist(), [1, 1]
    accepted = {"state": "accepted", "time": "2026-01-01T10:00:00Z"}
    parts = {"nose": {**accepted, "at": moved}, "paw": {**accepted, "at": [x, y]}}
    (toy.data / "toy" / "labeling.json").write_text(json.dumps({"images": {"img03.png": {"parts": parts}}}))
    toy.make()
    assert "1 of 29 labels (3 %) are machine labels that were accepted as they were" in caplog.text
    assert read_split(toy.layout, EXPERIMENT).accepted == {"toy/img03.png": ["paw"]}


def test_without_accepted_machine_labels_nothing_is_said_of_them(toy: Toy, caplog):
    caplog.set_level("INFO")
    toy.make()
    assert "machine labels" not in caplog.text
    assert "accepted" not in yaml.safe_load(toy.layout.split_documentation(EXPERIMENT).read_text())
    assert read_split(toy.layout, EXPERIMENT).accepted == {}


def test_the_names_of_all_files(toy: Toy):
    assert toy.make() == [EXPERIMENT]
    dataset, experiment = "UnaugmentedDataSet_toyJan1/", "toyJan1-trainset70shuffle1/"
    assert toy.files().keys() == {
        *(f"{dataset}toy_Ann70shuffle1{suffix}" for suffix in (".mat", ".h5", ".csv", ".json")),
        f"{dataset}Documentation_data-toy_70shuffle1.yaml",
        *(f"{dataset}data-toy/{name}" for name in NAMES),
        *(f"{experiment}{side}/pose_cfg.yaml" for side in ("train", "test")),
    }
    for name in NAMES:
        copy = toy.layout.dataset_images("toy", "Jan1") / name
        assert copy.read_bytes() == (toy.data / name).read_bytes()


def test_the_mat_as_the_reader_of_v1_takes_it(toy: Toy, toy_points: np.ndarray):
    toy.make()
    dataset = loadmat(toy.layout.mat_file(EXPERIMENT))["dataset"]
    train, _ = split_images(NAMES, 0.7, 42, 1)
    assert dataset.dtype.names == ("image", "size", "joints")
    assert dataset.shape == (1, 7)
    for position, name in enumerate(train):
        sample = dataset[0, position]
        path = sample[0][0]
        assert path == f"../../UnaugmentedDataSet_toyJan1/data-toy/{name}"
        assert (toy.layout.train_folder(EXPERIMENT) / path).resolve().is_file()
        assert sample[1][0].tolist() == [3, 120, 160]
        frame = int(name[-6:-4])
        parts = [0, 1] if frame == 9 else [0, 1, 2]
        np.testing.assert_array_equal(sample[2][0][0], [[part, *toy_points[frame, part]] for part in parts])


def test_the_split_is_documented_and_read_back(toy: Toy, toy_points: np.ndarray):
    toy.make()
    train, test = split_images(NAMES, 0.7, 42, 1)
    split = read_split(toy.layout, EXPERIMENT)
    assert (split.train, split.test) == (train, test)
    np.testing.assert_array_equal(points(split.table)[:3], toy_points[:9:3])
    document = yaml.safe_load(toy.layout.split_documentation(EXPERIMENT).read_text())
    assert [NAMES[row] for row in document["train_rows"]] == train
    assert [NAMES[row] for row in document["test_rows"]] == test
    assert (document["fraction"], document["seed"]) == (0.7, 42)
    assert "numpy" in document["versions"]


def test_every_fraction_and_shuffle(toy: Toy):
    toy.set("Shuffles = [1, 10]\nTrainingFraction = [0.29, 0.5]")
    experiments = toy.make()
    assert [e.name for e in experiments] == [
        f"toyJan1-trainset{percent}shuffle{shuffle}" for percent in (29, 50) for shuffle in (1, 10)
    ]
    assert [len(read_split(toy.layout, e).train) for e in experiments] == [3, 3, 5, 5]
    assert len({tuple(read_split(toy.layout, e).train) for e in experiments}) == 4
    toy.set("TrainingFraction = [0.291, 0.29]")
    with pytest.raises(ToolboxError, match=r"0\.29 and 0\.291 would share .* both are 29 %: take one"):
        toy.make()


def test_a_split_of_the_users_is_one_set_with_its_own_fraction(toy: Toy, caplog):
    rows = {"train": [8, 0, 2], "test": [5]}
    for line in ("Shuffles = [1, 2]", "Shuffles = [1]\nTrainingFraction = [0.5, 0.7]"):
        toy.set(line)
        with pytest.raises(ToolboxError, match="a split of your own is one training set"):
            toy.make(rows=rows)
    toy.set("TrainingFraction = [0.7]")
    (named_70,) = toy.make(rows=rows)
    assert "shuffle1 is named after 70 %, but 75 % of the images in the split train" in caplog.text
    assert yaml.safe_load(toy.layout.split_documentation(named_70).read_text())["fraction"] == 0.75
    caplog.clear()
    toy.set("TrainingFraction = [0.75]")
    toy.make(rows=rows)
    assert "is named after" not in caplog.text


def test_a_split_of_the_users(toy: Toy):
    toy.make(rows={"train": [8, 0, 2], "test": [5]})
    split = read_split(toy.layout, EXPERIMENT)
    assert split.train == [NAMES[8], NAMES[0], NAMES[2]]
    assert split.test == [NAMES[5]]
    assert [Path(image.path).name for image in read_training_set(toy.layout.mat_file(EXPERIMENT))] == [
        "img24.png",
        "img00.png",
        "img06.png",
    ]


# What is left out


def test_labels_outside_the_image_are_dropped_and_named(toy: Toy, caplog):
    toy.move_a_label(200)
    toy.make(rows={"train": [0, 1], "test": [2]})
    assert "1 of 29 labels lie outside their images and are dropped: nose in toy/img00.png (x 200, y 60)" in caplog.text
    assert read_training_set(toy.layout.mat_file(EXPERIMENT))[0].joints[:, 0].tolist() == [1, 2]
    assert np.isnan(points(read_split(toy.layout, EXPERIMENT).table, ["nose"])[0]).all()
    assert points(read_table(toy.layout.label_table("toy", "Ann")), ["nose"])[0].tolist() == [[200, 60]]


def test_images_without_a_label_are_left_out_and_counted(toy: Toy, caplog):
    values = np.full((10, 3, 2), np.nan)
    values[2:6, 1] = 50
    values[6, 1] = 500
    write_table(make_table("Ann", ["nose", "paw", "tail"], NAMES, values), toy.layout.label_table("toy", "Ann"))
    caplog.set_level("INFO")
    toy.make()
    assert "6 of 10 images have no label and are left out" in caplog.text
    split = read_split(toy.layout, EXPERIMENT)
    assert sorted(split.train + split.test) == NAMES[2:6]
    assert len(split.table) == 10
    copies = toy.layout.dataset_images("toy", "Jan1") / "toy"
    assert len(list(copies.iterdir())) == 4


def test_parts_go_by_name(toy: Toy, toy_points: np.ndarray):
    table = read_table(toy.layout.label_table("toy", "Ann"))
    write_table(table.iloc[:, [4, 5, 2, 3, 0, 1]], toy.layout.label_table("toy", "Ann"))
    toy.make(rows={"train": [0], "test": [1]})
    np.testing.assert_array_equal(read_training_set(toy.layout.mat_file(EXPERIMENT))[0].joints[:, 1:], toy_points[0])


def test_sizes_beyond_the_limits_are_told(toy: Toy, caplog):
    for name in NAMES:
        Image.new("RGB", (160, 60)).save(toy.data / name)
    toy.layout.label_record("toy", "Ann").unlink()  # which tells how large they were when people clicked
    toy.convert()
    toy.make()
    assert "7 of 7 training images are left out" in caplog.text
    assert "7 of 160 x 60" in caplog.text


# What is current


def test_running_again_changes_nothing(toy: Toy):
    toy.make()
    before = toy.files()
    toy.make()
    assert toy.files() == before


def test_making_it_again_gives_the_same(toy: Toy):
    toy.make()
    mat, split = read_training_set(toy.layout.mat_file(EXPERIMENT)), read_split(toy.layout, EXPERIMENT)
    images = {name: time for name, time in toy.files().items() if name.endswith(".png")}
    toy.make(overwrite=True)
    again, split_again = read_training_set(toy.layout.mat_file(EXPERIMENT)), read_split(toy.layout, EXPERIMENT)
    assert (split_again.train, split_again.test) == (split.train, split.test)
    pd.testing.assert_frame_equal(split_again.table, split.table)
    for one, other in zip(mat, again, strict=True):
        assert (one.path, one.size, one.joints.tolist()) == (other.path, other.size, other.joints.tolist())
    assert {name: time for name, time in toy.files().items() if name.endswith(".png")} == images, "copied again"


def test_corrected_labels_and_images_are_taken_over(toy: Toy, caplog):
    caplog.set_level("INFO")
    toy.make(rows={"train": [0], "test": [1]})
    toy.move_a_label(50.25)
    Image.new("RGB", (160, 120), "red").save(toy.data / NAMES[0])
    toy.convert()
    toy.make(rows={"train": [0], "test": [1]})
    image = read_training_set(toy.layout.mat_file(EXPERIMENT))[0]
    assert image.joints[0, 1] == 50.25
    assert image.size == (120, 160)
    assert (toy.layout.dataset_images("toy", "Jan1") / NAMES[0]).read_bytes() == (toy.data / NAMES[0]).read_bytes()
    assert "shuffle1: being made, because labels and toy/img00.png changed" in caplog.text


def test_labels_corrected_since_step_2_are_not_overlooked(toy: Toy):
    path = toy.data / "toy" / "nose.csv"
    path.write_text(path.read_text().replace("135.0", "50.25"))
    with pytest.raises(ToolboxError, match=r"is older than .*toy/nose\.csv changed\): run Step 2 again"):
        toy.make()


def test_an_edited_pose_cfg_is_kept(toy: Toy):
    toy.make()
    path = toy.layout.train_folder(EXPERIMENT) / "pose_cfg.yaml"
    path.write_text(with_values(path.read_text(), {"max_iters": 7}))
    toy.move_a_label()
    toy.make()
    assert yaml.safe_load(path.read_text())["max_iters"] == 7


def test_a_mistyped_pose_cfg_is_told_before_anything_is_written(toy: Toy):
    toy.make()
    path = toy.layout.train_folder(EXPERIMENT) / "pose_cfg.yaml"
    path.write_text(path.read_text().replace("global_scale: 0.8", "global_scale: 0,8"))
    toy.move_a_label()
    before = toy.files()
    with pytest.raises(ToolboxError, match=r"train/pose_cfg\.yaml: global_scale is '0,8', but must be a number"):
        toy.make()
    assert toy.files() == before


def test_an_interrupted_run_is_made_up_for(toy: Toy, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise UsersError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(trainset, "write_table", refuse)
        with pytest.raises(UsersError, match="disk full"):
            toy.make()
    assert not toy.layout.train_folder(EXPERIMENT).exists(), "nothing may look ready to train"
    toy.make()
    assert len(read_split(toy.layout, EXPERIMENT).train) == 7


# What was trained stays


@pytest.mark.parametrize(
    ("snapshot", "change"),
    [
        ("snapshot-50.weights.h5", "labels"),
        ("snapshot-200.index", "seed = 7"),
        ("mine-1.weights.h5", "bodyparts = ['nose', 'paw']"),
        ("snapshot-50.weights.h5", "resnet = 101"),
    ],
)
def test_a_trained_network_keeps_everything_and_a_free_shuffle_is_named(toy: Toy, snapshot: str, change: str):
    toy.set("Shuffles = [1, 2]")
    toy.make()
    toy.train(snapshot)
    before = toy.files()
    if change == "labels":
        toy.move_a_label()
    else:
        toy.set(change)
        toy.convert()
    message = (
        r"shuffle1/train holds a network trained on other labels or settings .* replace 1 by a free number such as 3"
    )
    with pytest.raises(ToolboxError, match=message):
        toy.make(overwrite=True)
    assert toy.files() == before
    toy.set("Shuffles = [3]")
    assert toy.make() == [replace(EXPERIMENT, shuffle=3, resnet=101 if "resnet" in change else 50)]


def test_a_trained_network_that_is_current_is_left_alone(toy: Toy, caplog):
    caplog.set_level("INFO")
    toy.make()
    toy.train()
    before = toy.files()
    toy.make(overwrite=True)
    assert toy.files() == before
    assert "shuffle1: kept, it is current and a network was trained on it" in caplog.text
    toy.layout.split_table(EXPERIMENT).unlink()
    toy.make()
    assert len(read_split(toy.layout, EXPERIMENT).train) == 7, "a lost file of an unchanged set comes back"


def test_other_files_are_no_snapshots(toy: Toy):
    toy.make()
    for name in ("snapshot-50.state.npz", "learning_stats.csv", "weights.h5"):
        toy.train(name)
    toy.move_a_label()
    toy.make()
    assert 50.25 in points(read_split(toy.layout, EXPERIMENT).table)


def test_an_image_that_a_network_was_trained_on_is_not_replaced(toy: Toy):
    toy.make()
    toy.train()
    before = toy.files()
    Image.new("RGB", (160, 120)).save(toy.data / NAMES[0])
    toy.convert()
    toy.set("Shuffles = [2]")
    with pytest.raises(ToolboxError, match=r"img00\.png \(1 images\) changed since .*shuffle1.* set another date"):
        toy.make()
    assert toy.files() == before
    toy.set("date = 'Feb1'")
    assert toy.make() == [replace(EXPERIMENT, date="Feb1", shuffle=2)]


# What cannot be made


def test_without_labels_step_2_comes_first(toy: Toy):
    toy.layout.label_table("toy", "Ann").unlink()
    with pytest.raises(ToolboxError, match=r"CollectedData_Ann\.h5 does not exist; .*: run Step 2 first"):
        toy.make()


def test_missing_and_damaged_images_are_named_before_anything_is_written(toy: Toy):
    content = (toy.data / NAMES[3]).read_bytes()
    (toy.data / NAMES[3]).write_bytes(content[: len(content) // 2])
    with pytest.raises(UsersError, match=r"img09\.png is damaged"):
        toy.make()
    assert not toy.layout.mat_file(EXPERIMENT).exists()
    toy.layout.label_record("toy", "Ann").unlink()
    (toy.data / NAMES[3]).unlink()
    with pytest.raises(
        ToolboxError,
        match=r"CollectedData_Ann\.h5 has labels of images that do not exist: .*toy/img09\.png; put them",
    ):
        toy.make()


@pytest.mark.parametrize(
    ("names", "values", "message"),
    [
        (NAMES[:2], [50, np.nan], "has 1 labeled images; at least one to train on and one to test"),
        (NAMES[:2], [500, 500], "has 0 labeled images"),
        (NAMES[:2], [np.nan, np.inf], "has 0 labeled images"),
        (["toy/img00.png", "../../../etc/img1.png"], [50, 50], r"has the row '../../../etc/img1\.png'; rows must be"),
        (["img00.png", NAMES[0]], [50, 50], "rows must be <folder>/<image>"),
    ],
)
def test_tables_that_cannot_train_are_errors(toy: Toy, names: list, values: list, message: str):
    table = make_table("Ann", ["nose", "paw", "tail"], names, np.repeat(values, 6).reshape(2, 3, 2))
    write_table(table, toy.layout.label_table("toy", "Ann"))
    with pytest.raises(ToolboxError, match=message):
        toy.make()


def test_a_part_that_the_table_lacks_is_an_error(toy: Toy):
    toy.layout.label_record("toy", "Ann").unlink()
    toy.set("bodyparts = ['nose', 'ear']")
    with pytest.raises(ToolboxError, match=r"CollectedData_Ann\.h5: the table has no body part ear.*correct bodyparts"):
        toy.make()


# Files of v1


@pytest.fixture
def v1_project(tmp_path: Path, v1_data: Path) -> Layout:
    """The demo of v1 after its Step 4."""
    layout, experiment = Layout(tmp_path), Experiment("reaching", "Jan30", "Mackenzie", 95, 1, 50)
    images = layout.dataset_images("reaching", "Jan30")
    images.mkdir(parents=True)
    shutil.copyfile(v1_data / "CollectedData_Mackenzie.h5", images / "CollectedData_Mackenzie.h5")
    shutil.copyfile(v1_data / "reaching_Mackenzie95shuffle1.mat", layout.mat_file(experiment))
    layout.train_folder(experiment).mkdir(parents=True)
    return layout


def test_the_mat_of_v1(v1_project: Layout):
    entries = read_training_set(v1_project.mat_file(Experiment("reaching", "Jan30", "Mackenzie", 95, 1, 50)))
    assert len(entries) == 19
    assert entries[0].path == "../../UnaugmentedDataSet_reachingJan30/data-reaching/reachingvideo1/img38.png"
    assert entries[0].size == (470, 640)
    assert entries[0].joints.tolist() == [[0, 452, 186], [1, 525, 168], [2, 538, 188], [3, 364, 183]]


def test_the_split_of_v1_is_recovered(v1_project: Layout, v1_data: Path):
    split = read_split(v1_project, Experiment("reaching", "Jan30", "Mackenzie", 95, 1, 50))
    assert split.test == ["reachingvideo1/img213.png"]
    assert split.train[:2] == ["reachingvideo1/img38.png", "reachingvideo1/img227.png"]
    assert set(split.train) == set(split.table.index) - set(split.test)
    pd.testing.assert_frame_equal(split.table, read_table(v1_data / "CollectedData_Mackenzie.h5"))


def test_a_trained_network_of_v1_is_kept(toy: Toy, caplog):
    toy.make()
    toy.train("snapshot-500.index")
    toy.layout.split_record(EXPERIMENT).unlink()
    toy.move_a_label()
    before = toy.files()
    caplog.set_level("INFO")
    toy.make()
    assert toy.files() == before
    assert "holds a snapshot, and nobody wrote down what it was trained on: kept" in caplog.text


def test_a_network_whose_training_set_is_lost_leads_to_no_dead_end(toy: Toy):
    toy.make()
    toy.train()
    lost = toy.layout.dataset_folder("toy", "Jan1")
    shutil.rmtree(lost)
    with pytest.raises(
        ToolboxError, match=r"nothing tells which images trained .*Bring it back with all of Unaugmented"
    ):
        read_split(toy.layout, EXPERIMENT)
    with pytest.raises(
        ToolboxError, match=r"shuffle1\.mat, on which .* is not there: bring it .* free number such as 2$"
    ):
        toy.make()
    assert not lost.exists()
    toy.set("Shuffles = [2]")
    assert len(read_split(toy.layout, toy.make()[0]).train) == 7


def test_a_pose_cfg_that_trained_a_network_is_not_made_anew_without_a_word(toy: Toy, caplog):
    toy.make()
    toy.train()
    (toy.layout.train_folder(EXPERIMENT) / "pose_cfg.yaml").unlink()
    toy.make()
    assert "pose_cfg.yaml, by which its network was trained, is missing, and is made anew" in caplog.text


def test_a_network_of_another_scorer_is_not_taken_for_ones_own(toy: Toy):
    toy.make()
    toy.train()
    toy.set("Scorers = ['Bea']\nscorer = 'Bea'")
    convert_labels(toy.layout, load_settings(toy.layout.root), "Bea")
    before = toy.files()
    with pytest.raises(
        ToolboxError, match=r"other .* \(dataset in pose_cfg\.yaml is not toy_Bea70.* free number such as 2"
    ):
        toy.make()
    assert toy.files() == before
    with pytest.raises(ToolboxError, match=r"toy_Bea70shuffle1\.h5 does not exist: .* set scorer to that name$"):
        read_split(toy.layout, replace(EXPERIMENT, scorer="Bea"))


def test_a_network_of_v1_under_its_truncated_name_is_found(toy: Toy):
    toy.set("TrainingFraction = [0.29]")
    of_v1 = replace(EXPERIMENT, percent=28)
    toy.layout.train_folder(of_v1).mkdir(parents=True)
    toy.train("snapshot-500.index", of_v1)
    mat = toy.layout.mat_file(of_v1)
    mat.parent.mkdir()
    mat.touch()
    assert toy.make() == [of_v1]
    (toy.layout.train_folder(of_v1) / "snapshot-500.index").unlink()
    assert toy.make() == [replace(EXPERIMENT, percent=29)], "nothing was trained yet, so the name is today's"


@pytest.mark.parametrize("content", [b"", b"nonsense" * 100])
def test_damaged_mats_are_named(tmp_path: Path, content: bytes):
    path = tmp_path / "a.mat"
    with pytest.raises(UsersError, match=r"a\.mat does not exist: run Step 4"):
        read_training_set(path)
    path.write_bytes(content)
    with pytest.raises(UsersError, match=r"a\.mat is (no|empty, not a) training set made by Step 4"):
        read_training_set(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as the documentation"),
        ("train: [1]\ntest: [2]", "cannot be read as the documentation"),
        ("train: [toy/img99.png]\ntest: []", "names toy/img99.png, which its label table lacks"),
    ],
)
def test_damaged_splits_are_named(toy: Toy, text: str, message: str):
    toy.make()
    toy.layout.split_documentation(EXPERIMENT).write_text(text)
    with pytest.raises(ToolboxError, match=message):
        read_split(toy.layout, EXPERIMENT)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test": ["toy/img00.png"]}, r"has toy/img00\.png among the training and the test images"),
        (
            {"train": "all but the first"},
            r"\.mat has other training images than .*: toy/img\d\d\.png is in one of",
        ),
    ],
)
def test_a_split_that_would_measure_what_it_was_trained_on_is_refused(toy: Toy, change: dict, message: str):
    toy.make()
    path = toy.layout.split_documentation(EXPERIMENT)
    content = yaml.safe_load(path.read_text())
    if "train" in change:
        content["test"].append(content["train"].pop(0))
    else:
        content["test"].append(content["train"][0])
        message = message.replace(r"toy/img00\.png", re.escape(content["train"][0]))
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ToolboxError, match=message):
        read_split(toy.layout, EXPERIMENT)


# Splits by video


def test_folders_of_one_video_are_on_one_side(toy: Toy):
    toy.set("splitby = 'video'")
    videos = {"toy_2": "/videos/toy.avi", "toy": "/videos/toy.avi", "other": None}
    for folder in ("toy_2", "other"):
        shutil.copytree(toy.data / "toy", toy.data / folder)
    for folder, video in videos.items():
        if video:
            (toy.data / folder / "frames.json").write_text(json.dumps({"video": video}))
    toy.convert()
    toy.make()
    split = read_split(toy.layout, EXPERIMENT)
    folders = [{name.split("/")[0] for name in side} for side in (split.train, split.test)]
    assert folders == [{"toy", "toy_2"}, {"other"}]
    documentation = yaml.safe_load(toy.layout.split_documentation(EXPERIMENT).read_text())
    assert documentation["splitby"] == "video"


def test_the_way_to_split_is_part_of_what_a_training_set_is_made_from(toy: Toy):
    toy.make()
    before = toy.files()
    toy.set("splitby = 'image'")
    toy.make()
    assert toy.files() == before
    toy.set("splitby = 'video'")
    with pytest.raises(ToolboxError, match="splitby = 'video' needs images of two videos or more, but all 10"):
        toy.make()


def test_all_damaged_images_are_named_and_nothing_is_left_behind(toy: Toy):
    for name in ("img03.png", "img12.png"):
        path = toy.data / "toy" / name
        path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(UsersError, match=r"^2 problems: .*img03\.png is damaged.*img12\.png is damaged"):
        toy.make()
    assert toy.files() == {}


def test_black_images_are_named(toy: Toy, caplog):
    Image.new("RGB", (160, 120), (12, 3, 0)).save(toy.data / "toy" / "img06.png")
    toy.convert()
    toy.make()
    assert "1 images are nearly black, or all one colour: toy/img06.png" in caplog.text


def test_a_wrong_task_names_the_tasks_that_there_are(toy: Toy):
    toy.set("Task = 'toyy'")
    with pytest.raises(ToolboxError, match=r"data-toyy does not exist \(there are: data-toy; the name after data- is"):
        toy.make()
