"""What the disk refuses of an HDF5 file is told, and harms no other file."""

import h5py
import numpy as np
import pytest

from dlc_common.hdf5 import writing_hdf5
from tests.limits import files_up_to

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


def open_objects() -> int:
    return h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_ALL)


def test_what_is_written_is_there(tmp_path):
    write(tmp_path / "a.h5")
    write(tmp_path / "a.h5", "r+", 2.0)
    found = values(tmp_path / "a.h5")
    assert len(found) == 2 * len(GROUPS) and set(found.values()) == {0.0, 2.0}


@pytest.mark.parametrize("mode", ["w", "r+"])
@pytest.mark.parametrize("share", np.linspace(0.05, 0.97, 8).round(3).tolist())
def test_a_refusal_is_told_and_nothing_of_the_file_stays_open(tmp_path, mode, share):
    """What stays open of one file ends the process when another is closed."""
    before, path = open_objects(), tmp_path / "a.h5"
    write(tmp_path / "whole.h5")
    start = 0
    if mode == "r+":
        write(path)
        start = path.stat().st_size
    with files_up_to(start + int(share * 40_000)), pytest.raises(OSError, match="File too large"):
        write(path, mode, 1.0)
    assert open_objects() == before
    assert len(values(tmp_path / "whole.h5")) == len(GROUPS)


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(RuntimeError, match="no such filter"), writing_hdf5(tmp_path / "a.h5"):
        raise RuntimeError("no such filter")
