"""Steps 1, 2 and 4, as a user runs them on a project outside the checkout."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from dlc_common import cli
from dlc_common.cli import CHECKOUT
from dlc_common.yaml_text import read_yaml, with_values
from dlc_toolbox.labeling.store.overview import describe_project
from dlc_toolbox.labeling.store.store import LabelStore
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.tables import read_table

FOLDER = "Generating_a_Training_Set/"
STEP1 = FOLDER + "Step1_SelectRandomFrames_fromVideos.py"
STEP2 = FOLDER + "Step2_ConvertingLabels2DataFrame.py"
STEP4 = FOLDER + "Step4_GenerateTrainingFileFromLabelledData.py"
DOWNLOAD = "pose-tensorflow/models/pretrained/download.py"


def test_from_video_and_labels_to_a_training_set(toy_project: Path, run_script):
    data = toy_project / "Generating_a_Training_Set" / "data-toy"
    models = toy_project / "pose-tensorflow" / "models"
    for script, written in (
        (STEP1, [data / "IsCroppingOK.png", data / "toy_2" / "frames.json"]),
        (STEP2, [data / "CollectedData_Ann.h5", data / "CollectedData_Ann.csv"]),
        (STEP4, [models / "toyJan1-trainset70shuffle1" / "train" / "pose_cfg.yaml"]),
    ):
        done = run_script(script, "--project", toy_project)
        assert done.returncode == 0, done.stdout + done.stderr
        assert all(path.is_file() for path in written)
        assert done.stdout.splitlines()[-1].startswith("Next: ")
    assert len(list((data / "toy_2").glob("img*.png"))) == 5


def test_step_4_names_the_download_where_the_weights_are_missing(toy_project: Path, run_here):
    own = Layout(toy_project).models / "pretrained"
    own.mkdir(parents=True)
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    download, train = run_here(STEP4, "--project", toy_project)[1].splitlines()[-2:]
    assert download == f"Next, once: {cli.command(toy_project, DOWNLOAD)}"
    assert train.startswith("Next: ") and "train.py" in train
    (own / "resnet_v1_50.weights.h5").touch()
    assert "download.py" not in run_here(STEP4, "--project", toy_project)[1]


def test_the_seed_flag_chooses_other_frames(toy_project: Path, run_here):
    record = toy_project / "Generating_a_Training_Set" / "data-toy" / "toy_2" / "frames.json"
    chosen = []
    for seed in (1, 2):
        assert run_here(STEP1, "--project", toy_project, "--seed", seed)[0] == 0
        chosen.append(json.loads(record.read_text())["frames"])
    assert chosen[0] != chosen[1]
    with pytest.raises(SystemExit) as end:
        run_here(STEP1, "--project", toy_project, "--seed", -1)
    assert end.value.code == 2


def test_the_page_of_a_choice_is_no_image_to_label(toy_project: Path, run_here):
    with (toy_project / "myconfig.py").open("a") as file:
        file.write("\nframechoice = 'kmeans'\nsecondsapart = 0.1\n")
    code, output = run_here(STEP1, "--project", toy_project)
    assert code == 0
    told = "20 frames compared by looks and motion; those chosen are at least 0.04 s apart, not 0.1 s,"
    assert told in output, "every third frame is labeled already"
    layout = Layout(toy_project)
    data = layout.data_folder("toy")
    assert f"Look at {data / 'toy_2_chosen.png'}" in output
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    labeled = [f"toy/img{frame:02d}.png" for frame in range(0, 30, 3)]
    assert list(read_table(layout.label_table("toy", "Ann")).index) == labeled
    with closing(LabelStore(layout)) as store:
        folders = describe_project(store.contents)["folders"]
    assert {folder["name"]: len(folder["images"]) for folder in folders} == {"toy": 10, "toy_2": 5}


def test_no_frames_only_the_preview(toy_project: Path, run_here):
    with (toy_project / "myconfig.py").open("a") as file:
        file.write("\nnumframes2pick = 0\n")
    assert run_here(STEP1, "--project", toy_project)[0] == 0
    data = toy_project / "Generating_a_Training_Set" / "data-toy"
    assert sorted(path.name for path in data.iterdir()) == ["IsCroppingOK.png", "toy"]


def test_a_split_file_is_used(toy_project: Path, tmp_path: Path, run_here):
    split = tmp_path / "split.json"
    split.write_text('{"train": [0, 1, 2], "test": [5]}')
    run_here(STEP2, "--project", toy_project)
    code, output = run_here(STEP4, "--project", toy_project, "--split", split)
    assert code == 0
    assert "3 images train, 1 test" in output


@pytest.mark.parametrize(
    ("script", "spoiled"),
    [(STEP1, "videos/toy.avi"), (STEP2, "Generating_a_Training_Set/data-toy/toy/paw.csv"), (STEP4, "myconfig.py")],
)
def test_bad_input_is_one_line_and_exit_code_1(toy_project: Path, run_here, script: str, spoiled: str):
    (toy_project / spoiled).write_bytes(b"spoiled: ")
    code, output = run_here(script, "--project", toy_project)
    assert code == 1
    last = output.splitlines()[-1]
    assert last.startswith("Error: ")
    assert Path(spoiled).name in last
    assert output.count("Error") == 1
    assert "Traceback" in run_here(script, "--project", toy_project, "--verbose")[1]


@pytest.mark.parametrize(("head", "padding"), [("pose/part_pred/block4/biases", "none"), ("global_step", None)])
def test_a_network_that_starts_from_one_of_deeplabcut_goes_on_without_padding(
    toy_project: Path, run_here, head: str, padding: str | None
):
    tf = pytest.importorskip("tensorflow")
    template = toy_project / "Generating_a_Training_Set" / "pose_cfg.yaml"
    text = (CHECKOUT / "Generating_a_Training_Set" / "pose_cfg.yaml").read_text(encoding="utf-8")
    template.write_text(with_values(text, {"init_weights": str(toy_project / "theirs" / "snapshot-500")}))
    (toy_project / "theirs").mkdir()
    prefix = str(toy_project / "theirs" / "snapshot-500")
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=[head], shape_and_slices=[""], tensors=[tf.zeros(3)])
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    for _ in range(2):
        assert run_here(STEP4, "--project", toy_project)[0] == 0
        train = toy_project / "pose-tensorflow" / "models" / "toyJan1-trainset70shuffle1" / "train"
        assert read_yaml(train / "pose_cfg.yaml").get("padding") == padding


def test_a_network_that_is_trained_already_keeps_how_it_computes(toy_project: Path, run_here):
    tf = pytest.importorskip("tensorflow")
    assert run_here(STEP2, "--project", toy_project)[0] == 0
    assert run_here(STEP4, "--project", toy_project)[0] == 0
    train = toy_project / "pose-tensorflow" / "models" / "toyJan1-trainset70shuffle1" / "train"
    config, prefix = train / "pose_cfg.yaml", str(toy_project / "snapshot-500")
    names = ["pose/part_pred/block4/biases"]
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=[""], tensors=[tf.zeros(3)])
    config.write_text(with_values(config.read_text(encoding="utf-8"), {"init_weights": prefix}), encoding="utf-8")
    (train / "snapshot-100.weights.h5").write_bytes(b"trained here, with padding")
    before = config.read_bytes()
    assert run_here(STEP4, "--project", toy_project)[0] == 0
    assert config.read_bytes() == before
