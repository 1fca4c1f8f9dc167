"""Shapes of a TensorFlow checkpoint, read without TensorFlow."""

import numpy as np
import pytest

from deepercut.weights.tf_index import _MAGIC, claimed_shapes

tf = pytest.importorskip("tensorflow")


def write(prefix, shapes):
    tensors = [np.zeros(shape, "float32") for shape in shapes.values()]
    tf.raw_ops.SaveV2(
        prefix=str(prefix), tensor_names=list(shapes), shape_and_slices=[""] * len(shapes), tensors=tensors
    )
    return prefix.with_name(f"{prefix.name}.index")


def test_what_tensorflow_writes_is_read(tmp_path):
    """Names that share beginnings, a number, an empty one, and a side of more than 127; enough for several blocks."""
    shapes = {"a/kernel": (3, 3, 1, 200), "a/kernel_1": (2,), "b": (), "c": (0, 5)}
    shapes |= {f"layer_{number:05d}/weights": (number % 7 + 1, 2) for number in range(20_000)}
    assert claimed_shapes(write(tmp_path / "snapshot-7", shapes)) == shapes


def test_an_entry_by_hand(tmp_path):
    """Key 'x', float32, shape (2, -1): a dimension of -1 is ten bytes of ones."""
    entry = b"\x08\x01" + b"\x12\x11" + b"\x12\x02\x08\x02" + b"\x12\x0b\x08" + b"\xff" * 9 + b"\x01"
    block = bytes([0, 1, len(entry)]) + b"x" + entry + bytes(4) + b"\x01\0\0\0"
    data = block + bytes(5)
    handle = bytes([0, len(block)])
    index = bytes([0, 1, len(handle)]) + b"y" + handle + bytes(4) + b"\x01\0\0\0"
    footer = bytes([0, 0, len(data), len(index)]).ljust(40, b"\0") + _MAGIC
    (tmp_path / "s.index").write_bytes(data + index + bytes(5) + footer)
    assert claimed_shapes(tmp_path / "s.index") == {"x": (2, -1)}


@pytest.mark.parametrize("content", [b"", b"no index" * 20, b"\x7f" * 40 + _MAGIC, b"\xff" * 60 + _MAGIC])
def test_what_is_no_index_is_an_error(tmp_path, content):
    (tmp_path / "s.index").write_bytes(content)
    with pytest.raises(ValueError, match=r"no index of a checkpoint|ends too early|more than 64 bits|compressed"):
        claimed_shapes(tmp_path / "s.index")


def test_a_damaged_index_is_read_or_refused(tmp_path):
    path = write(tmp_path / "snapshot-7", {f"layer_{number}/weights": (3, 4) for number in range(50)})
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for place in rng.integers(len(whole), size=300):
        content = bytearray(whole)
        content[place] = rng.integers(256)
        path.write_bytes(content)
        try:
            found = claimed_shapes(path)
        except ValueError:
            continue
        assert all(isinstance(side, int) for shape in found.values() for side in shape)
