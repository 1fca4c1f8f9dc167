"""What the disk refuses of an HDF5 file is told, and harms no other file."""

import h5py
import numpy as np
import pytest

from dlc_common.hdf5 import writing_hdf5
from tests.limits import files_up_to, open_hdf5_objects

GROUPS = [f"group{number}" for number in range(10)]


def write(path, mode="w", value=0.0):
    with writing_hdf5(path, mode) as file:
        for name in GROUPS:
            group = file.require_group(name)
            group.attrs["value"] = value
            group.create_dataset(f"{mode[0]} {value}", data=np.full(500, value))


def values(path) -> dict[str, float]:
    with h5py.File(path) as file:
        return {f"{group}/{name}": file[group][name][:].max() for group in file for name in file[group]}


def test_what_is_written_is_there(tmp_path):
    write(tmp_path / "a.h5")
    write(tmp_path / "a.h5", "r+", 2.0)
    found = values(tmp_path / "a.h5")
    assert len(found) == 2 * len(GROUPS) and set(found.values()) == {0.0, 2.0}


@pytest.mark.parametrize("mode", ["w", "r+"])
@pytest.mark.parametrize("share", np.linspace(0.05, 0.97, 8).round(3).tolist())
def test_a_refusal_is_told_and_nothing_of_the_file_stays_open(tmp_path, mode, share):
    before, path = open_hdf5_objects(), tmp_path / "a.h5"
    write(tmp_path / "whole.h5")
    start = 0
    if mode == "r+":
        write(path)
        start = path.stat().st_size
    with files_up_to(start + int(share * 40_000)), pytest.raises(OSError, match="File too large"):
        write(path, mode, 1.0)
    assert open_hdf5_objects() == before
    assert len(values(tmp_path / "whole.h5")) == len(GROUPS)


def test_what_the_disk_refused_can_be_read_while_the_file_is_open(tmp_path):
    """HDF5 looks again at its heaps of texts, and ends the process where it finds what it did not write."""
    texts = {str(number): [f"{number} {row} {'x' * row}" for row in range(100)] for number in range(60)}
    with files_up_to(20_000), pytest.raises(OSError, match="File too large"), writing_hdf5(tmp_path / "a.h5") as file:
        for name, values in texts.items():
            file.create_dataset(name, data=values, dtype=h5py.string_dtype())
        assert {name: file[name].asstr()[:].tolist() for name in texts} == texts
    write(tmp_path / "whole.h5")


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(RuntimeError, match="no such filter"), writing_hdf5(tmp_path / "a.h5"):
        raise RuntimeError("no such filter")
