"""Readers of whatever lies on disk: a value, or an error of the library's own; no other error, no crash, no hang.

DEEPLABCUT_DAMAGES=1000 python -m pytest tests/hostile/test_fuzz.py -rA      1000 damaged files of each kind
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from deepercut.config import load_config
from dlc_common import UsersError
from dlc_common.cli import CHECKOUT
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.fiji import read_clicks
from dlc_toolbox.project import records
from dlc_toolbox.project.settings import load_analysis_settings, load_settings
from dlc_toolbox.project.tables import points, read_table
from dlc_toolbox.training_set.pose_cfg import read_pose_cfg
from dlc_toolbox.training_set.split import read_split_file
from tests import zoo

DAMAGES = int(os.environ.get("DEEPLABCUT_DAMAGES", 20))
HANGS_S = 60
READERS = Path(__file__).with_name("readers.py")

quick = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def outcomes(kind: str, paths: list[Path]) -> Counter[str]:
    """Count what became of files: 'read', 'refused', 'crash' or 'hang'."""
    found: list[str] = []
    while len(found) < len(paths):
        command = [sys.executable, str(READERS), kind, *map(str, paths[len(found) :])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                told, complaint = process.communicate(timeout=HANGS_S + len(paths))
            except subprocess.TimeoutExpired:
                process.kill()
                told, complaint = process.communicate()
                complaint, end = "", "hang"
            else:
                end = "crash" if process.returncode else ""
        assert "Traceback" not in complaint, complaint
        found += [*told.split(), *([end] if end else [])]
    return Counter(found)


def compressed_mat(path: Path) -> Path:
    """Write a training set as Step 4 does."""
    content = scipy.io.loadmat(zoo.mat(path))["dataset"]
    scipy.io.savemat(path, {"dataset": content}, do_compression=True)
    return path


MAKERS = {
    "table": ("labels.h5", zoo.table),
    "mat": ("set.mat", compressed_mat),
    "snapshot": ("snapshot-5.weights.h5", zoo.snapshot),
    "png": ("img1.png", zoo.image),
    "jpg": ("img1.jpg", zoo.image),
    "tif": ("img1.tif", zoo.image),
    "stack": ("film.tif", zoo.stack),
    "mp4": ("film.mp4", lambda path: zoo.video(path, "libx264")),
    "avi": ("film.avi", lambda path: zoo.video(path, "mpeg4")),
    "mkv": ("film.mkv", lambda path: zoo.video(path, "libx264")),
}


@pytest.mark.campaign
@pytest.mark.parametrize("made", MAKERS)
def test_damaged_files_are_read_or_refused(tmp_path, made):
    name, make = MAKERS[made]
    sound = make(tmp_path / name)
    paths = []
    for number, data in enumerate(zoo.damages(sound.read_bytes(), DAMAGES)):
        paths.append(tmp_path / str(number) / name)
        paths[-1].parent.mkdir()
        paths[-1].write_bytes(data)
    kind = "image" if made in ("png", "jpg", "tif") else made
    found = outcomes(kind, [sound, *paths])
    print(f"{made}: {DAMAGES} damaged files: {dict(found)}")
    assert found["crash"] + found["hang"] == 0
    assert found["read"] >= 1
    assert found["refused"] >= DAMAGES // 10


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version>
<image id="0" name="day1/img2.png" width="64" height="48">
<skeleton label="mouse"><points label="nose" outside="0" occluded="0" points="10.50,20.50"></points></skeleton>
</image></annotations>
"""
POINT = {"x": 25, "y": 50, "keypointlabels": ["nose"]}
TASKS = [
    {
        "data": {"image": "day1/img2.png"},
        "annotations": [
            {"result": [{"type": "keypointlabels", "original_width": 64, "original_height": 48, "value": POINT}]}
        ],
    }
]
FOREIGN = ["labels.slp", "opencv.pkg.slp", "analysis.h5", "labels.nwb", "coco.json", "annotations.xml", "tasks.json"]


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Labels of other programs, with the images and the video that they name."""
    with zipfile.ZipFile(CHECKOUT / "tests" / "fixtures" / "foreign.zip") as archive:
        archive.extractall(tmp_path)
    (tmp_path / "annotations.xml").write_text(CVAT)
    (tmp_path / "tasks.json").write_text(json.dumps(TASKS))
    for name in ("day1/img2.png", *(f"mouse_frame_{frame:06d}.png" for frame in (0, 5, 11))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 48)).save(tmp_path / name)
    return tmp_path


@pytest.mark.campaign
@pytest.mark.parametrize("name", FOREIGN)
def test_damaged_labels_of_other_programs(foreign, name):
    paths = []
    for number, data in enumerate(zoo.damages((foreign / name).read_bytes(), DAMAGES)):
        paths.append(foreign / str(number) / name)
        paths[-1].parent.mkdir()
        paths[-1].write_bytes(data)
    found = outcomes("foreign", [foreign / name, *paths])
    print(f"{name}: {DAMAGES} damaged files: {dict(found)}")
    assert found["crash"] + found["hang"] == 0
    assert found["read"] >= 1
    assert found["refused"] >= 1


def test_a_value_that_changed_on_the_disk_is_noticed(tmp_path):
    path = zoo.table(tmp_path / "labels.h5", images=2000)
    expected = points(read_table(path))
    with h5py.File(path) as file:
        chunk = file["df_with_missing/table"].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset + chunk.size // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(ToolboxError, match=r"labels\.h5"):
        np.testing.assert_array_equal(points(read_table(path)), expected)


def refuses_cleanly(read, path: Path, content: str | bytes) -> None:
    """Let a reader read; any error but the library's own fails the test."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    with suppress(UsersError):
        read(path)


cells = st.text("0123456789.,;-eE \t\"'naNinfXYSlice\n\r\0é", max_size=12) | st.sampled_from(
    ["X", "Y", "Slice", "1", "2.5"]
)
grids = st.lists(st.lists(cells, max_size=6), max_size=6)
separators = st.sampled_from([",", ";", "\t"])


@quick
@given(grid=grids, separator=separators, header=st.booleans())
def test_label_files(tmp_path, grid, separator, header):
    lines = [["", "X", "Y", "Slice"], *grid] if header else grid
    refuses_cleanly(read_clicks, tmp_path / "nose.csv", "\n".join(separator.join(line) for line in lines))


@quick
@given(content=st.binary(max_size=200))
def test_label_files_of_any_bytes(tmp_path, content):
    refuses_cleanly(read_clicks, tmp_path / "nose.csv", content)


@quick
@given(grid=grids, header=st.booleans())
def test_csv_tables(tmp_path, grid, header):
    head = [["scorer", "Ann", "Ann"], ["bodyparts", "nose", "nose"], ["coords", "x", "y"]] if header else []
    refuses_cleanly(read_table, tmp_path / "labels.csv", "\n".join(",".join(line) for line in [*head, *grid]))


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
nested = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
tags = st.sampled_from(
    ["!!bool", "!!int", "!!float", "!!timestamp", "!!binary", "!!set", "!!omap", "!!python/name:os.system"]
)
POSE_CFG = "num_joints: 1\nall_joints: [[0]]\nall_joints_names: [nose]\n"
KEYS = [
    "dataset",
    "init_weights",
    "multi_step",
    "mean_pixel",
    "crop_size",
    "seed",
    "net_type",
    "all_joints",
    "max_iters",
]


@quick
@given(
    key=st.sampled_from(KEYS), value=nested.map(repr) | st.text(max_size=20) | st.builds("{} {!r}".format, tags, plain)
)
def test_yaml(tmp_path, key, value):
    text = f"{POSE_CFG}{key}: {value}\n"
    refuses_cleanly(load_config, tmp_path / "pose_cfg.yaml", text)
    refuses_cleanly(read_pose_cfg, tmp_path / "pose_cfg.yaml", text)


NAMES = [
    "Task",
    "bodyparts",
    "Shuffles",
    "TrainingFraction",
    "colormap",
    "vidpath",
    "filename",
    "x2",
    "scale",
    "resnet",
]


@quick
@given(name=st.sampled_from([*NAMES, "videofolder", "skeleton", "trainingsiterations", "engine"]), value=nested)
def test_settings(tmp_path, name, value):
    text = f"Task = 'toy'\ndate = 'Jan1'\nscorer = 'Ann'\n{name} = {value!r}\n"
    refuses_cleanly(lambda path: load_analysis_settings(path.parent), tmp_path / "myconfig_analysis.py", text)
    text += "bodyparts = ['nose']\nScorers = ['Ann']\n"
    refuses_cleanly(lambda path: load_settings(path.parent), tmp_path / "myconfig.py", text)


@quick
@given(content=nested)
def test_json(tmp_path, content):
    now = {"inputs": {"nose.csv": "0"}, "settings": {"bodyparts": ["nose"]}}
    record = tmp_path / "labels.json"
    text = json.dumps(content)
    refuses_cleanly(read_split_file, tmp_path / "split.json", text)
    refuses_cleanly(lambda path: records.Output("labels", path, [], now).why_stale(), record, text)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, '{"inputs": [1]}', '{"settings": 3}', '{"inputs": null}', "\ud800"],
    ids=["deep list", "deep object", "inputs a list", "settings a number", "inputs null", "no character"],
)
def test_a_record_that_is_none_makes_outputs_stale(tmp_path, text):
    record = tmp_path / "labels.json"
    record.write_bytes(text.encode("utf-8", "surrogatepass"))
    output = records.Output("labels", record, [], {"inputs": {"nose.csv": "0"}, "settings": {}})
    assert "labels.json, which tells what it was made from, is missing or damaged" in output.why_stale()
