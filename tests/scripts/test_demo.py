"""The demo's commands; what they make of a real mouse, `make demo` itself shows."""

import runpy
from pathlib import Path

import av
import numpy as np
import pytest

from dlc_common import cli
from dlc_common.cli import CHECKOUT


@pytest.fixture
def demo():
    """What demo/run.py defines."""
    return runpy.run_path(str(CHECKOUT / "demo" / "run.py"))


@pytest.fixture
def ran(monkeypatch):
    """Let no script do its work; list those that would, and let them end with the exit codes of `codes`."""
    names, codes = [], {}

    def end_at_once(main, argv, **_):
        names.append(main.__globals__["__file__"].rsplit("/", 1)[1])
        return codes.get(names[-1], 0)

    monkeypatch.setattr(cli, "run", end_at_once)
    return names, codes


def test_every_command_is_one_that_its_script_takes(demo, tmp_path):
    for script, *arguments in demo["steps"](tmp_path):
        runpy.run_path(str(CHECKOUT / script))["build_parser"]().parse_args(arguments)


def test_an_interrupted_training_goes_on(demo, tmp_path):
    def training():
        (command,) = (command for command in demo["steps"](tmp_path) if command[0].endswith("train.py"))
        return command

    assert "--resume" not in training()
    (tmp_path / "snapshot-120.weights.h5").touch()
    assert training()[-1] == "--resume"


def test_it_stops_at_the_first_step_that_fails(demo, ran, capsys):
    names, codes = ran
    codes["train.py"] = 130
    assert demo["main"]([]) == 130
    assert names == [
        *("download.py", "fetch_mouse.py", "Step2_ConvertingLabels2DataFrame.py", "Step3_CheckLabels.py"),
        *("Step4_GenerateTrainingFileFromLabelledData.py", "train.py"),
    ]
    printed = [line for line in capsys.readouterr().out.splitlines() if line]
    assert printed[1] == "[2/10] python3 demo/fetch_mouse.py --frames 432"
    assert len(printed) == 6


def test_settings_of_ones_own_are_left_alone(demo, monkeypatch, tmp_path):
    (tmp_path / "myconfig.py").write_text((CHECKOUT / "myconfig.py").read_text().replace("'mouse'", "'rat'", 1))
    monkeypatch.setitem(demo["train_folder"].__globals__, "CHECKOUT", tmp_path)
    with pytest.raises(Exception, match="has Task = 'rat'; the demo needs the settings that came with this checkout"):
        demo["train_folder"]()


def test_a_part_of_the_video_is_kept_as_it_is_coded(tmp_path):
    """Every fifth picture of this video is a key frame, and some frames are coded after ones that are shown later."""
    keep_first = runpy.run_path(str(CHECKOUT / "demo" / "fetch_mouse.py"))["keep_first"]
    path = tmp_path / "mouse.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=250, options={"g": "5", "bf": "2", "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * shade, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    whole = decoded(path)
    keep_first(path, 8)
    assert (len(whole), len(decoded(path))) == (20, 10)
    for frame, same in zip(decoded(path), whole, strict=False):
        assert frame.time == same.time
        np.testing.assert_array_equal(frame.to_ndarray(), same.to_ndarray())
    keep_first(path, 1000)
    assert len(decoded(path)) == 10


def decoded(path: Path) -> list[av.VideoFrame]:
    with av.open(path) as container:
        return list(container.decode(video=0))
