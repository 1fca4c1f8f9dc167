"""Datasets that are filled piece by piece."""

import shutil
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from dlc_common import UsersError
from dlc_toolbox.exchange.writers.datasets import Part, fill, make_dataset, replacing_hdf5


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        make_dataset(file, "places", [2, 5], axis=1)
        make_dataset(file, "counts", [5], dtype="i8")
    return tmp_path / "a.h5"


def test_pieces_come_to_their_places_along_their_axis(path):
    values = np.arange(10.0).reshape(2, 5)
    pieces = [(0, slice(0, 3)), (3, slice(3, 5))]
    fill(
        path, ((first, [Part("places", values[:, part], 1), Part("counts", values[0, part])]) for first, part in pieces)
    )
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["places"], values)
        assert file["counts"][:].tolist() == [0, 1, 2, 3, 4]
        assert file["places"].fletcher32 and file["places"].compression == "gzip"


def test_what_nobody_filled_is_missing(path):
    fill(path, [(0, [Part("places", np.zeros((2, 2)), 1)])])
    with h5py.File(path) as file:
        assert np.isnan(file["places"][:, 2:]).all()


def test_a_full_disk_is_found_out_before_hdf5_meets_it(path, monkeypatch):
    before = path.read_bytes()
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**21 + 8 * 100 - 1))
    with replacing_hdf5(path, 99) as temporary:
        temporary.write_bytes(before)
    with (
        pytest.raises(UsersError, match=r"a\.h5 could not be written: No space left on device"),
        replacing_hdf5(path, 100),
    ):
        pytest.fail("nothing is written")
    with pytest.raises(UsersError, match=r"could not be written: Input/output error"), replacing_hdf5(path, 1):
        raise RuntimeError("Can't decrement id ref count")
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 1


def test_other_values_than_were_written_are_an_error(path, monkeypatch):
    read = h5py.Dataset.__getitem__
    monkeypatch.setattr(h5py.Dataset, "__getitem__", lambda *arguments: read(*arguments) + 1)
    with pytest.raises(OSError, match="what was written is not what is read"):
        fill(path, [(0, [Part("counts", np.arange(5))])])
