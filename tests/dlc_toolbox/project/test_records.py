import json
from dataclasses import replace
from pathlib import Path

import pytest

from dlc_toolbox import ToolboxError
from dlc_toolbox.project import records
from dlc_toolbox.project.records import Output, describe


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_text("1")
    return path


@pytest.fixture
def made(tmp_path: Path, source: Path) -> Output:
    """One file made from one input, with its record."""
    (tmp_path / "a.png").write_text("picture")
    made_from = describe({"source": source}, {"seed": 1, "parts": ("a", "b")})
    output = Output("toy", tmp_path / "record.json", [tmp_path / "a.png"], made_from)
    output.write_record(frames=3)
    return output


def now(made: Output, inputs: dict | None = None, settings: dict | None = None) -> Output:
    """Return the same output, to be made from something else."""
    inputs = {"source": made.record.with_name("source")} if inputs is None else inputs
    return replace(made, made_from=describe(inputs, {"seed": 1, "parts": ["a", "b"], **(settings or {})}))


def test_current_while_nothing_changed(made):
    assert now(made).why_stale() is None
    assert now(made).why_changed() is None


def test_stale_with_a_reason(made, source):
    assert now(made, settings={"seed": 2}).why_stale() == "seed changed"
    source.write_text("2")
    assert now(made).why_stale(overwrite=True) == "source changed"
    made.record.write_text("{")
    reason = "record.json, which tells what it was made from, is missing or damaged"
    assert now(made).why_stale() == reason
    made.record.unlink()
    assert now(made).why_stale() == reason


def test_files_must_exist(made, tmp_path):
    a, b, c = (tmp_path / name for name in ("a.png", "b.png", "c.png"))
    assert replace(made, files=[b]).why_stale() == "it does not exist yet"
    assert replace(made, files=[b, c]).why_stale() == "it does not exist yet"
    assert replace(made, files=[b, c]).why_stale(overwrite=True) == "it does not exist yet"
    assert replace(made, files=[a, b]).why_stale() == "b.png is missing"
    assert replace(made, files=[a, b, c]).why_stale() == "2 of its 3 files are missing"
    assert replace(made, files=[b]).why_changed() is None
    assert replace(made, files=[]).why_stale() is None


def test_an_empty_file_is_not_current(made):
    made.files[0].write_bytes(b"")
    assert made.why_stale() == "a.png is empty"


def test_overwrite_is_a_reason_of_its_own(made):
    assert made.why_stale(overwrite=True) == "--overwrite asks for it"


def test_an_input_less_or_more_is_a_change(made, source):
    assert now(made, inputs={"source": source, "other": source}).why_stale() == "other changed"
    assert now(made, inputs={}).why_stale() == "source changed"


def test_settings_are_named_before_the_inputs_they_choose(made, source):
    both = now(made, inputs={"source": source, "a": source}, settings={"parts": ["c"]})
    assert both.why_stale() == "parts and a changed"
    many = now(made, inputs={}, settings=dict.fromkeys("bcdefg", 0))
    assert many.why_stale() == "b, c, d, e, f and 2 more changed"


def test_a_setting_that_came_later_makes_nothing_stale_while_it_says_what_was_done_before(made, source):
    """The record of `made` lacks `window`, as if written before there was such a setting."""

    def with_window(window: object) -> Output:
        settings = {"seed": 1, "parts": ("a", "b"), "window": window}
        return replace(made, made_from=describe({"source": source}, settings, before={"window": None}))

    assert with_window(None).why_stale() is None
    assert with_window({"margin": 8.0}).why_stale() == "window changed"
    with_window({"margin": 8.0}).write_record()
    assert with_window({"margin": 8.0}).why_stale() is None
    assert with_window({"margin": 9.0}).why_stale() == "window changed"
    assert with_window(None).why_stale() == "window changed"
    assert made.why_stale() == "window changed"


def test_a_value_of_the_time_before_is_compared_as_json_holds_it(source):
    assert describe({}, {"crop": (0, 5)}, before={"crop": [0, 5]})["settings"] == {}
    with pytest.raises(TypeError):
        describe({}, {"path": source})


def test_the_log_has_one_form(made, caplog):
    caplog.set_level("INFO")
    assert made.is_current()
    assert not made.is_current(overwrite=True)
    assert not now(made, settings={"seed": 2}).is_current()
    assert [record.getMessage() for record in caplog.records] == [
        "toy: skipped, it is current (--overwrite does it again)",
        "toy: being made, because --overwrite asks for it",
        "toy: being made, because seed changed",
    ]


def test_what_was_started_and_not_finished_is_not_current(made):
    """Neither for what it was to be made from, nor for what it was made from before."""
    changed = now(made, settings={"seed": 2})
    assert changed.start()
    for output in (changed, made):
        assert output.why_stale() == "an earlier run did not finish it"
    changed.write_record()
    assert changed.why_stale() is None
    assert made.why_stale() == "seed changed"


def test_making_the_same_again_may_be_interrupted(made):
    before = made.record.read_bytes()
    assert not made.start()
    assert made.record.read_bytes() == before


def test_the_record_holds_versions_and_other_facts(made):
    content = json.loads(made.record.read_text())
    assert content["frames"] == 3
    assert content["settings"] == {"seed": 1, "parts": ["a", "b"]}
    assert {"python", "numpy", "deeplabcut-scripts"} <= content["versions"].keys()


@pytest.mark.parametrize(("text", "message"), [("[1]", "holds a list"), ("{", "cannot be read"), ("\udcff", "read")])
def test_damaged_records_are_named(tmp_path: Path, text: str, message: str):
    path = tmp_path / "r.json"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ToolboxError, match=rf"r\.json .*{message}"):
        records.read(path)
