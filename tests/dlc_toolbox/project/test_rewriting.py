import pytest

from dlc_common.cli import CHECKOUT
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.assignments import read_assignments
from dlc_toolbox.project.rewriting import rewrite_settings, with_assignments, would_change


def test_only_the_value_changes():
    text = '"""Settings."""\n\n# videos\nfilename = ["a.avi",\n            "b.avi"]  # two\npcutoff=0.1# low\n'
    edited = with_assignments(text, {"filename": ["c.avi"], "pcutoff": 0.6})
    assert edited == '"""Settings."""\n\n# videos\nfilename = [\'c.avi\']  # two\npcutoff=0.6# low\n'


def test_other_line_ends_and_letters_stay():
    text = "Task = 'Füße'  # ä\r\nx1 = 1\r\n"
    assert with_assignments(text, {"Task": "paw", "x2": 5}) == "Task = 'paw'  # ä\r\nx1 = 1\r\nx2 = 5\r\n"
    assert with_assignments("a = 1", {"b": None}) == "a = 1\nb = None\n"


def test_the_last_of_two_counts():
    assert with_assignments("a = 1\na = 2\n", {"a": 3}) == "a = 1\na = 3\n"


def test_names_that_share_one_value_change_apart(tmp_path):
    text = "x1 = y1 = (0)  # corner\nx2 = 5; y2 = 6\n"
    assert with_assignments(text, {"y1": 3}) == "x1 = 0; y1 = 3  # corner\nx2 = 5; y2 = 6\n"
    edited = with_assignments(text, {"x1": 10, "x2": 396, "y1": 20, "y2": 406})
    assert edited == "x1 = 10; y1 = 20  # corner\nx2 = 396; y2 = 406\n"


def test_a_long_list_is_broken_into_lines_that_python_reads(tmp_path):
    pairs = [[f"part number {number}", f"part number {number + 1}"] for number in range(12)]
    text = with_assignments("skeleton = []  # pairs\n", {"skeleton": pairs})
    assert max(map(len, text.splitlines())) <= 120 and len(text.splitlines()) > 3
    (tmp_path / "a.py").write_text(text)
    assert read_assignments(tmp_path / "a.py")["skeleton"][0] == pairs


@pytest.mark.parametrize("name", ["myconfig.py", "myconfig_analysis.py"])
def test_the_template_keeps_every_comment(tmp_path, name):
    template = (CHECKOUT / name).read_text(encoding="utf-8")
    (tmp_path / name).write_text(template, encoding="utf-8")
    old, changes = rewrite_settings(tmp_path / name, {"pcutoff": 0.25, "x2": 77})
    assert old.read_text(encoding="utf-8") == template
    assert changes == {"pcutoff": (0.6, 0.25), "x2": (changes["x2"][0], 77)}
    now, then = (tmp_path / name).read_text(encoding="utf-8").splitlines(), template.splitlines()
    differ = [(before, after) for before, after in zip(then, now, strict=True) if before != after]
    assert [after.split("=")[0].strip() for _, after in differ] in (["x2", "pcutoff"], ["pcutoff", "x2"])
    assert all(before.partition("#")[2] == after.partition("#")[2] for before, after in differ)


def test_nothing_to_change_writes_nothing(toy_project):
    path = toy_project / "myconfig.py"
    assert rewrite_settings(path, {"Shuffles": (1,)}) == (path, {})
    assert would_change(path, {"Shuffles": [2], "pcutoff": 1}) == {"Shuffles": ([1], [2]), "pcutoff": (None, 1)}
    assert not list(toy_project.glob("*.before-import"))


def test_a_file_that_would_be_wrong_stays(toy_project):
    path, before = toy_project / "myconfig.py", (toy_project / "myconfig.py").read_bytes()
    with pytest.raises(ToolboxError, match=r"myconfig\.py would be wrong: line \d+: x1 = -1, but it must be"):
        rewrite_settings(path, {"x1": -1})
    assert path.read_bytes() == before and not list(toy_project.glob("*.before-import"))
