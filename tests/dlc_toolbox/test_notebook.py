import sys
from pathlib import Path

import IPython.display
import pytest

from dlc_common.cli import CHECKOUT
from dlc_toolbox import ToolboxError
from dlc_toolbox.notebook import open_project, run_script, show
from dlc_toolbox.project.layout import Layout

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
    with pytest.raises(ToolboxError, match="did the cells above run"):
        show()
    with pytest.raises(ToolboxError, match=r"no picture .*curve\.png"):
        show(tmp_path / "curve.png")


def test_a_notebook_shows_the_message_alone():
    assert ToolboxError("a.csv line 3: no X")._render_traceback_() == ["Error: a.csv line 3: no X"]
