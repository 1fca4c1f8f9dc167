"""Rows on disk that outlive a killed process."""

import os

import numpy as np
import pytest

from dlc_common.locks import try_lock
from dlc_toolbox import ToolboxError
from dlc_toolbox.analysis.partial import open_partial
from tests.limits import files_up_to

ROW = np.dtype([("time", "<i8"), ("pose", "<f4", (2, 3))])
MADE_FROM = {"inputs": {"video": "abc"}, "settings": {"crop": None}}


def poses(start, count):
    return np.arange(6 * start, 6 * (start + count), dtype=np.float32).reshape(count, 2, 3)


def interrupted(path, count, made_from=MADE_FROM):
    """Leave some rows behind, as a process does that ends early."""
    with pytest.raises(KeyboardInterrupt), open_partial(path, made_from, ROW) as partial:
        partial.append(range(count), poses(0, count))
        raise KeyboardInterrupt


def test_rows_outlive_an_interruption_and_go_with_success(tmp_path):
    path = tmp_path / "v.partial"
    interrupted(path, 5)
    with open_partial(path, MADE_FROM, ROW) as partial:
        assert len(partial) == 5
        partial.append([5, 6], poses(5, 2))
        rows = partial.read()
        assert rows["time"].tolist() == list(range(7))
        assert np.array_equal(rows["pose"], poses(0, 7))
    assert not path.exists()


def test_a_torn_row_is_dropped(tmp_path):
    path = tmp_path / "v.partial"
    interrupted(path, 3)
    with path.open("ab") as file:
        file.write(b"half a row")
    with open_partial(path, MADE_FROM, ROW) as partial:
        assert len(partial) == 3
        partial.keep(2)
        partial.append([2], poses(9, 1))
        assert np.array_equal(partial.read()["pose"], np.concatenate([poses(0, 2), poses(9, 1)]))


@pytest.mark.parametrize("content", [None, b"", b'{"inputs"', b"\x00" * 200])
def test_rows_of_something_else_are_dropped(tmp_path, content):
    path = tmp_path / "v.partial"
    interrupted(path, 3, {"inputs": {"video": "another"}, "settings": {"crop": None}})
    if content is not None:
        path.write_bytes(content)
    with open_partial(path, MADE_FROM, ROW) as partial:
        assert len(partial) == 0
        partial.append([0], poses(4, 1))
        assert np.array_equal(partial.read()["pose"], poses(4, 1))


def test_only_one_may_hold_it(tmp_path):
    path = tmp_path / "v.partial"
    with open_partial(path, MADE_FROM, ROW) as first:
        first.append([0], poses(0, 1))
        with open_partial(path, MADE_FROM, ROW) as second:
            assert second is None
        assert len(first) == 1
        assert path.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no open file")
def test_a_file_removed_before_it_could_be_locked_is_opened_anew(tmp_path, monkeypatch):
    path = tmp_path / "v.partial"

    def remove_once(file) -> bool:
        """Do at the worst moment what the process that held the lock does."""
        monkeypatch.setattr("dlc_toolbox.analysis.partial.try_lock", try_lock)
        path.unlink()
        return try_lock(file)

    monkeypatch.setattr("dlc_toolbox.analysis.partial.try_lock", remove_once)
    with open_partial(path, MADE_FROM, ROW) as partial:
        partial.append([0], poses(7, 1))
        assert np.array_equal(partial.read()["pose"], poses(7, 1))


def test_a_file_without_rows_is_not_left_behind(tmp_path):
    with pytest.raises(RuntimeError), open_partial(tmp_path / "v.partial", MADE_FROM, ROW):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_a_clear_error(tmp_path):
    path = tmp_path / "nowhere" / "v.partial"
    with (
        pytest.raises(ToolboxError, match=r"v\.partial could not be written: No such file"),
        open_partial(path, MADE_FROM, ROW),
    ):
        pass


def test_a_full_disk_is_a_clear_error_and_whole_rows_stay(tmp_path):
    path, written = tmp_path / "v.partial", 0
    with (
        files_up_to(1000),
        pytest.raises(ToolboxError, match=r"v\.partial could not be written: .*the same command then goes on"),
        open_partial(path, MADE_FROM, ROW) as partial,
    ):
        while True:
            partial.append([written, written + 1], poses(written, 2))
            written += 2
    assert written > 0
    with open_partial(path, MADE_FROM, ROW) as partial:
        assert len(partial) >= written
        partial.keep(written)
        partial.append([written], poses(written, 1))
        assert np.array_equal(partial.read()["pose"], poses(0, written + 1))
