import json
import sys
from pathlib import Path

import IPython.display
import numpy as np
import pytest

from dlc_common.cli import CHECKOUT
from dlc_toolbox import ToolboxError
from dlc_toolbox.notebook import open_project, run_script, show, trust_in_networks, trust_in_video
from dlc_toolbox.poses.trust import CONFIDENCE
from dlc_toolbox.project.layout import Layout, confidence_table, pose_record
from dlc_toolbox.project.tables import make_table, write_table

pytestmark = pytest.mark.usefixtures("own_handlers")


@pytest.fixture
def script(tmp_path: Path):
    """``script(body)``: a script that ends as ours do."""

    def write(body: str) -> str:
        path = tmp_path / "step.py"
        end = "if __name__ == '__main__':\n    sys.exit(cli.run(main))\n"
        path.write_text(f"import signal, sys\nfrom dlc_common import cli\ndef main(argv=None):\n    {body}\n{end}")
        return str(path)

    return write


def test_a_project_is_the_checkout_or_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert open_project() == open_project(None) == Layout(CHECKOUT)
    monkeypatch.chdir(tmp_path)
    assert open_project("mice") == open_project(Path("mice")) == Layout(tmp_path / "mice")


def test_a_script_gets_its_arguments_as_in_a_command(script, capsys: pytest.CaptureFixture):
    before = sys.argv
    run_script(script("print(sys.argv[1:])"), "--project", Path("my mice"), 3)
    assert capsys.readouterr().out == "['--project', 'my mice', '3']\n"
    assert sys.argv is before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("sys.exit(2)", "2"),
        ("open('no such file')", "1"),
        ("signal.raise_signal(signal.SIGINT)", "130"),
        ("sys.exit('install first')", "install first"),
    ],
)
def test_a_script_that_fails_stops_the_notebook(script, body: str, code: str):
    before = sys.argv
    with pytest.raises(ToolboxError, match=rf"step\.py stopped \(exit code {code}\)"):
        run_script(script(body))
    assert sys.argv is before


def test_pictures_come_in_the_order_of_their_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *items: shown.extend(items))
    for number in (10, 9):
        (tmp_path / f"{number}.png").write_bytes(bytes([number]))
    show(tmp_path / "10.png", tmp_path / "9.png")
    assert [item.data for item in shown] == [f"`{tmp_path / '9.png'}`", b"\x09", f"`{tmp_path / '10.png'}`", b"\x0a"]


def test_nothing_to_show_is_said(tmp_path: Path):
    with pytest.raises(ToolboxError, match=r"^there is no picture to show: did the cells above run"):
        show()
    with pytest.raises(ToolboxError, match=r"^there is no picture .*curve\.png to show: "):
        show(tmp_path / "curve.png")


def test_a_notebook_shows_the_message_alone():
    assert ToolboxError("a.csv line 3: no X")._render_traceback_() == ["Error: a.csv line 3: no X"]


def test_trust_in_networks_is_the_median_of_the_test_images(tmp_path: Path):
    layout = Layout(tmp_path)
    layout.results.mkdir(parents=True)
    unknown = "see the log of Step2_AnalysisofResults.py"
    assert trust_in_networks(layout)["not known, because"].tolist() == [unknown]
    table = layout.results / "Net_500forTask_toy.h5"
    write_table(make_table("Net_500", ["nose", "paw"], ["a/1.png"], np.ones((1, 2, 3))), table)
    assert trust_in_networks(layout).iloc[0, 0] == unknown, "poses alone tell nothing"
    found = np.full((4, 2, 4), np.nan)
    found[1:, :, 0] = [[1, 4], [2, 5], [9, 9]]  # of three test images; the first trained the network
    found[1:, :, 1] = 10
    write_table(
        make_table("Net_500", ["nose", "paw"], [f"a/{n}.png" for n in range(4)], found, CONFIDENCE),
        confidence_table(table),
    )
    told = trust_in_networks(layout)
    assert told["Net_500forTask_toy", "expected error (px)"].to_dict() == {"nose": 2, "paw": 5}
    assert told["Net_500forTask_toy", "90 % within (px)"].tolist() == [10, 10]
    found[..., :2] = np.nan  # views or postures alone
    found[..., 2:] = 1
    write_table(
        make_table("Net_500", ["nose", "paw"], [f"a/{n}.png" for n in range(4)], found, CONFIDENCE),
        confidence_table(table),
    )
    assert trust_in_networks(layout).iloc[0, 0] == unknown


def test_trust_in_a_video_is_that_of_its_record(tmp_path: Path):
    table = tmp_path / "vidNet.h5"
    record = pose_record(table)
    record.write_text(json.dumps({"inputs": {}, "settings": {}}))
    assert trust_in_video(table).iloc[0, 0] == "the poses were found before it was learned"
    record.write_text(json.dumps({"confidence": {"unknown": "too few labels"}}))
    assert trust_in_video(table)["not known, because"].tolist() == ["too few labels"]
    parts = {
        "nose": {"visible_frames": 90, "share_within": 0.5},
        "paw": {"visible_frames": 0, "share_within": None},
    }
    record.write_text(json.dumps({"confidence": {"wantederror": 5.0, "share_within": 0.5, "parts": parts}}))
    told = trust_in_video(table)
    assert told.loc["nose"].tolist() == [90, 0.5] and told.loc["paw", "visible in frames"] == 0
    assert list(told.columns) == ["visible in frames", "expected within 5 px"]
