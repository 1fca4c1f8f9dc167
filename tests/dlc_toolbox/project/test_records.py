import json
from pathlib import Path

import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.project import records


@pytest.fixture
def made(tmp_path: Path):
    """A written record of one input and one output."""
    source, output = tmp_path / "source", tmp_path / "output"
    source.write_text("1")
    output.touch()

    def describe(seed: int = 1) -> dict:
        return records.describe({"source": source}, {"seed": seed, "parts": ("a", "b")})

    records.write(tmp_path / "record.json", describe(), frames=3)
    return source, output, tmp_path / "record.json", describe


def test_current_while_nothing_changed(made):
    _, output, record, describe = made
    assert records.why_stale(record, describe(), [output]) is None


def test_stale_with_a_reason(made):
    source, output, record, describe = made
    assert records.why_stale(record, describe(seed=2), [output]) == "changed since: seed"
    source.write_text("2")
    assert records.why_stale(record, describe(), [output]) == "changed since: source"
    assert records.why_stale(record, describe(), [output.with_name("gone")]) == "gone does not exist yet"
    record.write_text("{")
    assert records.why_stale(record, describe(), [output]) == "record.json does not tell what it was made from"


def test_an_input_less_or_more_is_a_change(made):
    source, output, record, describe = made
    more = records.describe({"source": source, "other": source}, describe()["settings"])
    assert records.why_stale(record, more, [output]) == "changed since: other"
    less = records.describe({}, describe()["settings"])
    assert records.why_stale(record, less, [output]) == "changed since: source"


def test_settings_are_named_before_the_inputs_they_choose(made):
    source, output, record, _ = made
    both = records.describe({"source": source, "a": source}, {"seed": 1, "parts": ("a", "b", "c")})
    assert records.why_stale(record, both, [output]) == "changed since: parts, a"


def test_the_record_holds_versions_and_extra_facts(made):
    content = json.loads(made[2].read_text())
    assert content["frames"] == 3
    assert content["settings"] == {"seed": 1, "parts": ["a", "b"]}
    assert {"python", "numpy", "deeplabcut-scripts"} <= content["versions"].keys()


@pytest.mark.parametrize(("text", "message"), [("[1]", "holds a list"), ("{", "cannot be read"), ("\udcff", "read")])
def test_damaged_records_are_named(tmp_path: Path, text: str, message: str):
    path = tmp_path / "r.json"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ToolboxError, match=rf"r\.json .*{message}"):
        records.read(path)
