"""Writing whole files or none."""

import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.files import alone, is_broken, replacing, replacing_folder, seal


def test_the_new_file_takes_the_place_of_the_old_when_it_is_whole(tmp_path):
    path = tmp_path / "snapshot-7.weights.h5"
    path.write_text("old")
    with replacing(path) as temporary:
        assert temporary.parent == tmp_path and temporary.name.endswith(".weights.h5")
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "stats.csv"
    path.write_text("old")
    with pytest.raises(KeyError), replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_system_refuses_is_told_with_the_file(tmp_path):
    path = tmp_path / "gone" / "stats.csv"
    message = re.escape(f"{path} cannot be written: No such file or directory. Free disk space or allow writing there")
    with pytest.raises(DeepercutError, match=message), replacing(path) as temporary:
        temporary.write_text("x")


def test_the_new_folder_takes_the_place_of_the_old_when_it_is_whole(tmp_path):
    folder = tmp_path / "models" / "snapshot-7-onnx"
    for content in ("old", "new"):
        with replacing_folder(folder) as new:
            assert list(new.iterdir()) == []
            (new / content).write_text(content)
            assert content == "old" or (folder / "old").read_text() == "old"
        assert [path.name for path in folder.iterdir()] == [content]
    assert list(folder.parent.iterdir()) == [folder]


def test_an_error_leaves_the_old_folder_alone(tmp_path):
    folder = tmp_path / "snapshot-7-onnx"
    folder.mkdir()
    (folder / "old").touch()
    with pytest.raises(KeyError), replacing_folder(folder) as new:
        (new / "half").touch()
        raise KeyError
    assert list(tmp_path.rglob("*")) == [folder, folder / "old"]
    (tmp_path / "file").touch()
    message = r"onnx cannot be written: .*\. Free disk space or allow writing there"
    with pytest.raises(DeepercutError, match=message), replacing_folder(tmp_path / "file" / "onnx"):
        raise AssertionError("there is nowhere to write to")


def test_two_trainings_do_not_mix(tmp_path: Path):
    config = tmp_path / "pose_cfg.yaml"
    config.write_text("seed: 1")
    with (
        alone(config, "wait"),
        pytest.raises(DeepercutError, match=r"another process works with .*pose_cfg\.yaml: wait"),
        alone(config, "wait"),
    ):
        pass
    with alone(config, "wait"):
        assert config.read_text() == "seed: 1"


def test_any_damage_to_a_sealed_file_is_noticed_and_others_are_left_alone(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["values"] = np.arange(1000)
    assert not is_broken(path)  # not sealed
    seal(path)
    assert not is_broken(path)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["values"], np.arange(1000))
    content = path.read_bytes()
    for place in (0, len(content) // 2, len(content) - 1):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        assert is_broken(path)
