"""What a snapshot keeps beside the weights."""

import keras
import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.weights import state
from deepercut.weights.snapshots import read_held_out, state_path
from deepercut.weights.state import changed_versions, exact_weights, forget_memory, read_state, restore, write_state
from dlc_common.versions import versions

COSINE = keras.optimizers.schedules.CosineDecay(0.1, 10)


def stepped(steps: int, rate=0.1) -> keras.Optimizer:
    """Return Adam after some updates of one variable, and so with a memory of them."""
    variable = keras.Variable([1.0, 2.0])
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build([variable])
    for step in range(steps):
        optimizer.apply([keras.ops.convert_to_tensor([step + 1.0, -1.0])])
    return optimizer


def memory(optimizer: keras.Optimizer) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in optimizer.variables]


def test_an_optimizer_goes_on_with_its_memory(tmp_path):
    written, fresh = stepped(3), stepped(0)
    write_state(tmp_path / "s.npz", written, seed=7, validation_fraction=0.1)
    read = read_state(tmp_path / "s.npz")
    assert (int(read["seed"]), float(read["validation_fraction"])) == (7, 0.1)
    restore(fresh, read, iteration=3)
    assert all(np.array_equal(a, b) for a, b in zip(memory(fresh), memory(written), strict=True))


@pytest.mark.parametrize("before", [0.1, COSINE])
@pytest.mark.parametrize("after", [0.02, COSINE])
def test_the_learning_rate_is_that_of_the_configuration(tmp_path, before, after):
    written, fresh = stepped(3, before), stepped(0, after)
    write_state(tmp_path / "s.npz", written, seed=7, validation_fraction=0.1)
    restore(fresh, read_state(tmp_path / "s.npz"), iteration=3)
    assert all(np.array_equal(a, b) for a, b in zip(memory(fresh)[-2:], memory(written)[-2:], strict=True))
    assert float(fresh.learning_rate) == pytest.approx(0.02 if after == 0.02 else COSINE(3))


@pytest.mark.parametrize("after", [0.02, COSINE])
def test_a_learning_rate_that_earlier_versions_kept_is_left_out(after):
    written, fresh = stepped(3), stepped(0, after)
    restore(fresh, {f"optimizer_{i}": value for i, value in enumerate(memory(written))}, iteration=3)
    assert all(np.array_equal(a, b) for a, b in zip(memory(fresh)[-2:], memory(written)[-2:], strict=True))
    assert float(fresh.learning_rate) == pytest.approx(0.02 if after == 0.02 else COSINE(3))


def test_another_optimizer_starts_anew(tmp_path, caplog):
    write_state(tmp_path / "s.npz", stepped(3), seed=7, validation_fraction=0.1)
    other = keras.optimizers.SGD(0.1, momentum=0.9)
    other.build([keras.Variable([1.0, 2.0])])
    restore(other, read_state(tmp_path / "s.npz"), iteration=3)
    assert "trained with another optimizer" in caplog.text
    assert int(other.iterations) == 3 and not memory(other)[-1].any()


def test_an_older_snapshot_goes_on_without_the_memory_and_says_so(tmp_path, caplog):
    path, fresh = tmp_path / "s.npz", stepped(0)
    exact = {"conv1/kernel": np.ones((100, 100))}
    names = {"held_out": ["a/img1.png"], "trained": ["a/img0.png"]}
    write_state(path, stepped(3), seed=7, validation_fraction=0.1, **names, exact=exact)
    whole = path.stat().st_size
    assert np.array_equal(exact_weights(read_state(path))["conv1/kernel"], exact["conv1/kernel"])
    forget_memory(path)
    read, written = read_state(path), path.stat().st_mtime_ns
    assert path.stat().st_size < whole - 80_000
    assert {name: value.tolist() for name, value in read.items() if name != "versions"} == {
        **{"seed": 7, "validation_fraction": 0.1, **names}
    }
    assert exact_weights(read) == {}
    restore(fresh, read, iteration=3)
    assert int(fresh.iterations) == 3 and not memory(fresh)[-1].any()
    assert "Only the newest two snapshots keep all that going on exactly needs, and that of iteration 3" in caplog.text
    assert "put the newest snapshot back" in caplog.text
    forget_memory(path)
    assert path.stat().st_mtime_ns == written  # nothing left to forget


def test_what_is_no_state_stays_as_it_is(tmp_path):
    forget_memory(tmp_path / "none.npz")
    (tmp_path / "s.npz").write_bytes(b"no state")
    forget_memory(tmp_path / "s.npz")
    assert (tmp_path / "s.npz").read_bytes() == b"no state"


def test_held_out_images_are_known_afterwards(tmp_path):
    state = state_path(tmp_path, 3)
    assert read_held_out(tmp_path, 3) == ()
    write_state(state, stepped(1), seed=7, validation_fraction=0.1, held_out=["a/img1.png", "Käfig/2.png"])
    assert read_held_out(tmp_path, 3) == ("a/img1.png", "Käfig/2.png")
    forget_memory(state)
    assert read_held_out(tmp_path, 3) == ("a/img1.png", "Käfig/2.png")
    write_state(state, stepped(1), seed=7, validation_fraction=0)
    assert read_held_out(tmp_path, 3) == ()
    np.savez(state, seed=7)  # of before they were kept
    assert read_held_out(tmp_path, 3) == ()


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_a_bit_that_changed_in_a_state_is_noticed(tmp_path, place):
    path = tmp_path / "snapshot-3.state.npz"
    exact = {"conv1/kernel": np.random.default_rng(0).random((100, 100))}
    write_state(path, stepped(1), seed=7, validation_fraction=0.1, exact=exact)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(DeepercutError, match=r"snapshot-3\.state\.npz is damaged .*Bad CRC-32"):
        read_state(path)


def test_a_damaged_state_is_named(tmp_path):
    path = tmp_path / "snapshot-3.state.npz"
    write_state(path, stepped(1), seed=7, validation_fraction=0.1)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DeepercutError, match=r"snapshot-3\.state\.npz is damaged .* move this file away alone"):
        read_state(path)


def test_other_versions_of_what_trains_are_named(tmp_path, monkeypatch):
    write_state(tmp_path / "s.npz", stepped(1), seed=7, validation_fraction=0.1)
    read = read_state(tmp_path / "s.npz")
    assert changed_versions(read) == []
    monkeypatch.setattr(state, "versions", lambda: {**versions(), "keras": "99", "openvino": "99"})
    assert changed_versions(read) == [f"keras {keras.__version__}, now 99"]
    assert changed_versions({"seed": np.array(7)}) == []  # written before versions were
