"""The script that exports a network; the models themselves are tested beside the library."""

import pytest
import yaml

SCRIPT = "pose-tensorflow/export.py"


@pytest.fixture
def config(tmp_path):
    """A pose_cfg.yaml without any snapshot."""
    path = tmp_path / "train" / "pose_cfg.yaml"
    path.parent.mkdir()
    joints = {"num_joints": 2, "all_joints": [[0], [1]], "all_joints_names": ["nose", "tail"]}
    path.write_text(yaml.safe_dump(joints))
    return path


def test_wrong_usage_is_told(refuse, config):
    assert "'caffe' is none of savedmodel, onnx, openvino, tf1" in refuse(SCRIPT, "caffe", "--config", config)


def test_without_a_format_it_is_openvino(monkeypatch, run_here):
    asked = []
    monkeypatch.setattr("dlc_toolbox.steps.training.export", lambda _, formats, *rest, **flags: asked.append(formats))
    for formats in ([], ["onnx", "tf1"], ["onnx,tf1"]):
        assert run_here(SCRIPT, *formats)[0] == 0
    assert asked == [["openvino"], ["onnx", "tf1"], ["onnx", "tf1"]]


def test_what_is_missing_is_one_line(run_here, run_script, config):
    code, output = run_here(SCRIPT, "openvino", "--config", config.with_name("nothing.yaml"))
    assert code == 1
    assert output.startswith("Error: ") and "nothing.yaml does not exist" in output
    (config.parent / "snapshot-20.weights.h5").touch()
    done = run_script(SCRIPT, "openvino", "--config", config, "--snapshot", 30)
    assert done.returncode == 1
    assert done.stdout.endswith("holds no snapshot of iteration 30; there are: 20\n")
    assert done.stderr == done.stdout
