"""Writing whole files or none."""

import re

import pytest

from deepercut import DeepercutError
from deepercut.files import replacing


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
