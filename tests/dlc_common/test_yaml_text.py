"""Yaml is read without surprises, and edited without losing what a person wrote around a value."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dlc_common import UsersError
from dlc_common.yaml_text import load_yaml, read_yaml, with_values

COMMENTED = """\
# Trained for Ann's mice.   (spaces stay)
max_iters: 10_000   # not more, it overfits
all_joints:
  - [0]
  - [1]
# their names, as in Fiji
all_joints_names: ['nose', "tail"]

adam_lr: 1e-4
mirror: no
note: |
  two
  lines

# the end
batch_size:
"""


def test_all_but_the_value_stays_byte_for_byte():
    edited = with_values(COMMENTED, {"max_iters": 500, "all_joints": [[0, 1]], "batch_size": 8})
    assert edited == (
        COMMENTED.replace("10_000", "500")
        .replace("all_joints:\n  - [0]\n  - [1]\n", "all_joints: [[0, 1]]\n")
        .replace("batch_size:\n", "batch_size: 8\n")
    )


@pytest.mark.parametrize("key", list(yaml.safe_load(COMMENTED)))
@pytest.mark.parametrize("value", [7, "a: b", [["x"], [1]], None, {"deep": {"er": [1]}}, "# none", "l" * 300])
def test_any_value_takes_the_place_of_any_other(key, value):
    edited = with_values(COMMENTED, {key: value})
    assert yaml.safe_load(edited) == yaml.safe_load(COMMENTED) | {key: value}
    assert [line for line in edited.split("\n") if line.startswith("#")] == [
        line for line in COMMENTED.split("\n") if line.startswith("#")
    ]
    assert "# not more, it overfits" in edited


def test_what_is_new_comes_last():
    assert with_values("a: 1\n# end", {"b": "x"}) == "a: 1\n# end\nb: x\n"
    assert with_values("", {"b": 1}) == "b: 1\n"
    assert with_values(COMMENTED, {}) == COMMENTED


@pytest.mark.parametrize(
    "text",
    [
        '"a": 1\nb: 2\n',
        "a : 1\nb: 2\n",
        "{a: 1, b: 2}",
        "a: !!int 1\nb: 2\n",
        "a: &x 1\nb: 2\n",
        "---\na: 1\nb: 2\n...\n",
    ],
)
def test_other_notations(text):
    assert load_yaml(with_values(text, {"a": [5], "b": "c"})) == {"a": [5], "b": "c"}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("{a: 1}", {"b": 2}),
        ("a: &x [1]\nb: *x\n", {"a": 2}),
        ("a: &x [1]\nb: *x\n", {"b": 2}),
        ("? a\n: 1\n", {"a": 2}),
    ],
)
def test_what_cannot_be_edited_without_harm_is_refused(text, values):
    with pytest.raises(UsersError, match="write each key at the start of a line of its own"):
        with_values(text, values)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
lists = st.lists(scalars | st.lists(scalars, max_size=2), max_size=3)
plain = scalars | lists | st.dictionaries(st.text(max_size=5), scalars, max_size=2)
keys = st.dictionaries(st.sampled_from(["a", "b", "cc", "d_e", "f"]), plain, max_size=4)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(keys, keys)
@example({"a": "\x85"}, {"a": "\x85"})  # ends a line, by Unicode
@example({}, {"a": ["\u2028", "two\nlines"]})
def test_edited_files_hold_old_and_new_values(old, new):
    text = "# first\n" + (yaml.safe_dump(old, default_flow_style=False, allow_unicode=True) if old else "")
    old = yaml.safe_load(text) or {}  # PyYAML does not read every key that it writes, such as "\x85"
    assert (load_yaml(with_values(text, new)) or {}) == old | new


# ---- Twice ----


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("max: 1\nmin: 2\nmax: 3\n", "'max' stands twice, in lines 1 and 3"),
        ("a: {x: 1, x: 1}\n", "'x' stands twice, in lines 1 and 1"),
        ("a:\n- b: 1\n  'b': 2\n", "'b' stands twice, in lines 2 and 3"),
    ],
)
def test_a_key_that_stands_twice_is_an_error_in_reading_and_editing(tmp_path: Path, text, lines):
    path = tmp_path / "pose_cfg.yaml"
    path.write_text(text)
    with pytest.raises(UsersError, match=rf"pose_cfg\.yaml cannot be read as yaml: the key {lines}: delete one"):
        read_yaml(path)
    with pytest.raises(yaml.YAMLError, match=lines):
        with_values(text, {"max": 5})


def test_the_same_key_in_two_places_and_merges_are_fine():
    assert load_yaml("a: {x: 1}\nb: {x: 2}\n") == {"a": {"x": 1}, "b": {"x": 2}}
    assert load_yaml("a: &a {x: 1, y: 1}\nb: {<<: *a, x: 2}\n")["b"] == {"x": 2, "y": 1}


@pytest.mark.parametrize("text", ["{", "a: !!bool maybe\n", "\tx: 1", "a: !!python/name:os.system x\n"])
def test_what_is_damaged_is_told_on_one_line(tmp_path: Path, text):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(UsersError, match=r"a\.yaml cannot be read as yaml: ") as told:
        read_yaml(tmp_path / "a.yaml")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: 1\nmax_iters:10000\n", "write `key: value`, with a colon and a space"),
        ("a: 1\nmax_iters = 10000\nb: 1\n", "write `key: value`"),
        ("a: 1\nmax_iters:\u00a010000\nb: 1\n", "a space of the space bar after each key"),
        ("a:\t1\n", "replace the tab by spaces"),
        ('a: "C:\\Users\\ann"\n', "a backslash starts an escape: write / in paths"),
        ('a: "C:\\data"\n', "a backslash starts an escape: write / in paths"),
    ],
)
def test_usual_slips_are_told_with_what_to_write(tmp_path: Path, text, hint):
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsersError, match=hint):
        read_yaml(tmp_path / "a.yaml")


def test_another_encoding_is_named_with_its_line(tmp_path: Path):
    (tmp_path / "a.yaml").write_bytes("x: 1\n# für Mäuse\n".encode("cp1252"))
    with pytest.raises(UsersError, match=r"a\.yaml cannot be read as yaml: line 2 is not in UTF-8: save it as UTF-8$"):
        read_yaml(tmp_path / "a.yaml")


def test_a_byte_order_mark_is_no_key(tmp_path: Path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml(tmp_path / "a.yaml") == {"a": 1}


def test_numbers_that_yaml_alone_means_otherwise_stay_texts():
    text = "a: 0100\nb: 1:30\nc: 1:30.5\nd: 100\ne: 0\nf: 0x10\ng: 1.50\nh: -07\ni: 0.5\n"
    told = ["0100", "1:30", "1:30.5", 100, 0, 16, 1.5, "-07", 0.5]
    assert list(load_yaml(text).values()) == told
