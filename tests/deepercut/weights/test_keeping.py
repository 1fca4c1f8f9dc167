"""What stays of the snapshots of a training, and from which of them it goes on."""

import h5py
import keras
import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.weights import keeping
from deepercut.weights.keeping import newest_sound, set_aside, surplus, tidy
from deepercut.weights.snapshots import list_snapshots, snapshot_path, state_path, statistics_path
from deepercut.weights.state import read_state, write_state
from dlc_common.files import seal


@pytest.fixture
def write_snapshot(tmp_path):
    """``write_snapshot(iteration)``: weights of no layer, sealed, and a state with the memory of one variable."""
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    optimizer.build([keras.Variable([1.0, 2.0])])

    def write(iteration):
        path = snapshot_path(tmp_path, iteration)
        with h5py.File(path, "w") as file:
            file["weights"] = np.arange(iteration)
        seal(path)
        write_state(state_path(tmp_path, iteration), optimizer, seed=7, validation_fraction=0.1)

    return write


def iterations(folder):
    return [snapshot.iteration for snapshot in list_snapshots(folder)]


def remembers(folder, iteration):
    return any(name.startswith("optimizer_") for name in read_state(state_path(folder, iteration)))


def test_only_the_newest_two_keep_the_memory(tmp_path, write_snapshot):
    for iteration in (10, 20, 30, 40):
        write_snapshot(iteration)
        tidy(tmp_path)
    assert iterations(tmp_path) == [10, 20, 30, 40]
    assert [remembers(tmp_path, iteration) for iteration in (10, 20, 30, 40)] == [False, False, True, True]
    assert int(read_state(state_path(tmp_path, 10))["seed"]) == 7


def test_snapshots_of_deeplabcut_and_of_other_prefixes_are_let_alone(tmp_path, write_snapshot):
    for name in ("snapshot-1.index", "snapshot-1.data-00000-of-00001", "other-2.weights.h5", "other-2.state.npz"):
        (tmp_path / name).write_bytes(b"theirs")
    before = sorted(path.name for path in tmp_path.iterdir())
    for iteration in (10, 20, 30):
        write_snapshot(iteration)
    tidy(tmp_path, most=2)
    assert iterations(tmp_path) == [1, 20, 30]
    assert [path.name for path in sorted(tmp_path.iterdir()) if path.name in before] == before


def test_the_snapshot_with_the_lowest_error_stays(tmp_path, write_snapshot, caplog):
    caplog.set_level("INFO")
    statistics_path(tmp_path).write_text("iteration,validation_error_px\n10,5\n20,4\n30,3\n40,4\n50,6\n60,9\n")
    for iteration in (10, 20, 30, 40, 50, 60):
        write_snapshot(iteration)
    tidy(tmp_path, most=4)
    assert iterations(tmp_path) == [30, 40, 50, 60]  # 40 = 8 * 5 goes last; 30, the best, stays
    assert not state_path(tmp_path, 10).exists()
    assert "Deleted, because max_snapshots is 4: the snapshots of 10, 20" in caplog.text
    tidy(tmp_path, most=4)
    assert caplog.text.count("Deleted") == 1


def test_one_at_a_time_leaves_a_spread():
    left = []
    for iteration in range(1000, 65000, 1000):
        left.append(iteration)
        left = [each for each in left if each not in surplus(left, most=8)]
    assert left == [16000, 24000, 32000, 40000, 48000, 56000, 63000, 64000]


def test_the_newest_two_stay_whatever_is_wanted():
    assert surplus([1, 2, 3, 4], most=2, wanted=[1, 2]) == []
    assert surplus([1, 2, 3, 4], most=2) == [1, 2]
    assert surplus([1, 2], most=8) == []


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_snapshot_gives_way_to_the_one_before(tmp_path, write_snapshot):
    for iteration in (10, 20, 30):
        write_snapshot(iteration)
    assert newest_sound(list_snapshots(tmp_path), 100, "snapshot")[0].iteration == 30
    damage(snapshot_path(tmp_path, 30))
    found, damaged = newest_sound(list_snapshots(tmp_path), 100, "snapshot")
    assert found.iteration == 20
    assert [snapshot.iteration for snapshot in damaged] == [30]
    assert "snapshot-30.weights.h5 are damaged: they are not what was written there" in "".join(damaged.values())
    damage(state_path(tmp_path, 20))
    found, damaged = newest_sound(list_snapshots(tmp_path), 100, "snapshot")
    assert found.iteration == 10
    assert [snapshot.iteration for snapshot in damaged] == [30, 20]
    assert newest_sound(list_snapshots(tmp_path), 20, "snapshot")[0].iteration == 20  # complete: no state is needed
    snapshot_path(tmp_path, 10).write_bytes(snapshot_path(tmp_path, 10).read_bytes()[:900])  # a copy that was cut off
    found, damaged = newest_sound(list_snapshots(tmp_path), 100, "snapshot")
    assert found is None and len(damaged) == 3


def test_a_snapshot_without_state_is_sound(tmp_path, write_snapshot):
    write_snapshot(10)
    state_path(tmp_path, 10).unlink()
    assert newest_sound(list_snapshots(tmp_path), 100, "snapshot")[0].iteration == 10


def test_what_is_set_aside_is_no_snapshot_any_more_and_whole(tmp_path, write_snapshot):
    write_snapshot(10)
    (snapshot,) = list_snapshots(tmp_path)
    content = snapshot.path.read_bytes()
    assert set_aside(snapshot, "snapshot") == tmp_path / "snapshot-10.weights.h5.damaged"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("snapshot-10.state.npz.damaged", "snapshot-10.weights.h5.damaged")
    ]
    assert (tmp_path / "snapshot-10.weights.h5.damaged").read_bytes() == content
    assert list_snapshots(tmp_path) == []
    with pytest.raises(DeepercutError, match=r"10\.weights\.h5 is damaged and could not be renamed .No such file"):
        set_aside(snapshot, "snapshot")


def test_a_training_can_lose_one_of_those_it_goes_on_from():
    assert keeping.RESUMABLE == 2
