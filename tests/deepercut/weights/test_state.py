"""What a snapshot keeps beside the weights."""

import keras
import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.weights import state
from deepercut.weights.state import changed_versions, read_state, restore, write_state
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


def test_a_damaged_state_is_named(tmp_path):
    path = tmp_path / "snapshot-3.state.npz"
    write_state(path, stepped(1), seed=7, validation_fraction=0.1)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DeepercutError, match=r"snapshot-3\.state\.npz is damaged .* move this snapshot away and go on"):
        read_state(path)


def test_other_versions_of_what_trains_are_named(tmp_path, monkeypatch):
    write_state(tmp_path / "s.npz", stepped(1), seed=7, validation_fraction=0.1)
    read = read_state(tmp_path / "s.npz")
    assert changed_versions(read) == []
    monkeypatch.setattr(state, "versions", lambda: {**versions(), "keras": "99", "openvino": "99"})
    assert changed_versions(read) == [f"keras {keras.__version__}, now 99"]
    assert changed_versions({"seed": np.array(7)}) == []  # written before versions were
