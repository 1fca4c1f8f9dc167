"""Analysis files that sleap-io wrote (tests/fixtures/foreign/make.py)."""

import h5py
import numpy as np
import pytest

from dlc_toolbox import ToolboxError

from .conftest import PARTS, PLACES


@pytest.mark.parametrize("name", ["analysis.h5", "analysis-frames-first.h5"])
def test_poses_by_frame(foreign, read, name):
    found = read(foreign / name)
    assert (found.kind, found.frames_of) == ("an analysis file of SLEAP", "mouse")
    assert [part for _, part, _ in found.table.columns[::2]] == PARTS
    expected = np.full((12, 3, 2), np.nan)
    for frame, places in PLACES.items():
        expected[frame] = places
    expected[7] = 1  # what a network found
    np.testing.assert_array_equal(found.values, expected)
    assert found.likelihoods[7].tolist() == [1, 1, 1] and np.isnan(found.likelihoods[1]).all()


@pytest.mark.parametrize("names", [[b"nose"] * 3, [b"nose", b"tail"]])
def test_names_that_do_not_fit_the_places(foreign, read, names):
    with h5py.File(foreign / "analysis.h5", "r+") as file:
        del file["node_names"]
        file["node_names"] = names
    with pytest.raises(ToolboxError, match=r"analysis\.h5 is damaged: it names nose, .* for 3 body parts"):
        read(foreign / "analysis.h5")


def test_several_animals_and_strange_axes(foreign, read):
    with h5py.File(foreign / "analysis.h5", "r+") as file:
        tracks = np.repeat(file["tracks"][()], 2, axis=0)
        del file["tracks"]
        file["tracks"] = tracks
    with pytest.raises(ToolboxError, match=r"has 2 animals with poses; here every video has one"):
        read(foreign / "analysis.h5")
    with h5py.File(foreign / "analysis.h5", "r+") as file:
        del file["tracks"]
        file["tracks"] = tracks[0]
    with pytest.raises(ToolboxError, match=r"has 'tracks' with the axes \['track', 'xy', 'node', 'frame'\], not"):
        read(foreign / "analysis.h5")


def test_an_edge_that_joins_nothing_is_passed_over(foreign, read):
    with h5py.File(foreign / "analysis.h5", "r+") as file:
        edges = file["edge_inds"][()].tolist()
        del file["edge_inds"]
        file["edge_inds"] = [*edges, [0, 99]]
    found = read(foreign / "analysis.h5")
    assert found.settings["myconfig_analysis.py"]["skeleton"] == [["nose", "tail base"], ["nose", "ear.left"]]
