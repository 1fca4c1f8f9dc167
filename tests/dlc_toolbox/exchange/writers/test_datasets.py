"""Datasets that are filled piece by piece."""

import h5py
import numpy as np
import pytest

from dlc_toolbox.exchange.writers.datasets import Part, fill, make_dataset
from tests.limits import files_up_to


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


def test_nothing_is_looked_at_once_the_disk_is_full(path):
    looked_at = []

    def pieces():
        for first in range(5):
            looked_at.append(first)
            yield first, [Part("counts", np.ones(1))]

    with files_up_to(path.stat().st_size), pytest.raises(OSError, match="File too large"):
        fill(path, pieces())
    assert looked_at == [0]
