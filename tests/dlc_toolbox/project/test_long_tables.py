"""Tables written piece by piece are those that are written at once."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from dlc_common import UsersError
from dlc_common.files import is_broken
from dlc_toolbox.project.long_tables import count_rows, read_long_poses, read_long_table, write_long_table
from dlc_toolbox.project.tables import KEY, make_table, read_table, write_table
from tests.limits import files_up_to

COORDS = ("error_px", "views_px")


def random_table(rows: int) -> pd.DataFrame:
    values = np.random.default_rng(0).uniform(0, 9, (rows, 3, 2))
    values[4], values[0, 1] = np.nan, np.nan
    return make_table("net", ["nose", "paw", "tail"], np.arange(rows), values, COORDS)


@pytest.fixture
def table() -> pd.DataFrame:
    return random_table(25)


def pieces(table, size=10):
    return (table.iloc[first : first + size] for first in range(0, len(table), size))


def test_pieces_make_the_same_files_as_the_whole(tmp_path, table):
    write_table(table, tmp_path / "whole.h5")
    write_long_table(pieces(table), tmp_path / "long.h5")
    pd.testing.assert_frame_equal(read_table(tmp_path / "long.h5", COORDS), read_table(tmp_path / "whole.h5", COORDS))
    assert (tmp_path / "long.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    with h5py.File(tmp_path / "long.h5") as file:
        assert file[KEY].attrs["pandas_version"] == b"0.15.2"


def test_a_table_that_was_damaged_later_is_recognized(tmp_path, table):
    path = tmp_path / "long.h5"
    write_long_table(pieces(table), path)
    assert not is_broken(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert is_broken(path)


def test_a_csv_of_an_earlier_table_goes(tmp_path, table):
    write_long_table(pieces(table), tmp_path / "long.h5")
    write_long_table(pieces(table), tmp_path / "long.h5", csv=False)
    assert not (tmp_path / "long.csv").exists()


@pytest.fixture
def written(tmp_path) -> Path:
    """A table of 600 rows in 4 pieces, with its csv; as large as will be refused below."""
    write_long_table(pieces(random_table(600), 150), tmp_path / "long.h5")
    return tmp_path / "long.h5"


@pytest.mark.parametrize("share", np.linspace(0.05, 0.97, 12).round(3).tolist())
def test_what_the_system_does_not_take_does_not_replace_anything(written, share):
    """Of HDF5's own writing, a part was refused without a word."""
    before = {path.name: path.read_bytes() for path in written.parent.iterdir()}
    allowed = int(share * len(before["long.h5"]))
    with files_up_to(allowed), pytest.raises(UsersError, match=r"long\.h5 could not be written: "):
        write_long_table(pieces(random_table(600) + 1, 150), written, csv=False)
    assert {path.name: path.read_bytes() for path in written.parent.iterdir()} == before


def test_of_table_and_csv_the_one_that_does_not_fit_is_named(tmp_path):
    write_long_table(pieces(random_table(600), 150), tmp_path / "long.h5")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before["long.csv"]) > len(before["long.h5"])
    allowed = len(before["long.h5"]) + 1
    with files_up_to(allowed), pytest.raises(UsersError, match=r"long\.csv could not be written: File too large"):
        write_long_table(pieces(random_table(600), 150), tmp_path / "long.h5")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_error_of_hdf5_that_is_none_of_the_disk_is_told_too(written, monkeypatch):
    before = written.read_bytes()

    def fail(*_, **__):
        raise RuntimeError("no such filter")

    monkeypatch.setattr(h5py.Dataset, "resize", fail)
    with pytest.raises(RuntimeError, match="no such filter"):
        write_long_table(pieces(random_table(600), 150), written)
    assert written.read_bytes() == before


@pytest.mark.parametrize("rows", [1, 10, 25, 99])
def test_pieces_that_are_read_make_the_whole(tmp_path, table, rows):
    write_table(table, tmp_path / "whole.h5")
    read = list(read_long_table(tmp_path / "whole.h5", COORDS, rows=rows))
    assert [len(piece) for piece in read] == [min(rows, 25 - first) for first in range(0, 25, rows)]
    pd.testing.assert_frame_equal(pd.concat(read), read_table(tmp_path / "whole.h5", COORDS))


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("around", [0, 2, 30])
def test_neighbours_come_along(tmp_path, table, around, fixed):
    path = tmp_path / "whole.h5"
    if fixed:  # as people write it
        table.to_hdf(path, key="df_with_missing", mode="w")
    else:
        write_table(table, path)
    read = [piece.index.tolist() for piece in read_long_table(path, COORDS, rows=10, around=around)]
    assert read == [list(range(max(first - around, 0), min(first + 10 + around, 25))) for first in (0, 10, 20)]


def test_rows_are_counted(tmp_path, table):
    write_table(table, tmp_path / "whole.h5")
    assert count_rows(tmp_path / "whole.h5", COORDS) == 25
    table[:0].to_hdf(tmp_path / "none.h5", key="df_with_missing", mode="w")
    assert count_rows(tmp_path / "none.h5", COORDS) == 0


def test_labels_are_no_poses(tmp_path):
    write_table(make_table("Ann", ["nose"], [0, 1], np.ones((2, 1, 2))), tmp_path / "labels.h5")
    with pytest.raises(UsersError, match=r"labels\.h5 holds labels by Ann, without likelihoods, not poses"):
        next(read_long_poses(tmp_path / "labels.h5"))


def test_what_is_no_such_table_is_refused_as_by_read_table(tmp_path, table):
    path = tmp_path / "a.h5"
    with pytest.raises(UsersError, match=r"a\.h5 does not exist"):
        next(read_long_table(path))
    write_table(table, path)
    with pytest.raises(UsersError, match=r"must have one scorer and the columns x, y once for every body part"):
        next(read_long_table(path))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UsersError, match="its checksum disagrees"):
        next(read_long_table(path, COORDS))
