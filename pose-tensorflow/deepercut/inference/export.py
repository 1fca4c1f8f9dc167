"""A trained network for other programs: TensorFlow's SavedModel, ONNX, OpenVINO, and checkpoints of TensorFlow 1."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepercut import DeepercutError
from deepercut.config import PoseConfig
from deepercut.inference.engines import (
    FLOAT32_HINT,
    Compute,
    hold_in_float32,
    keras_engine,
    keras_network,
    openvino_network,
    read_openvino,
    run_openvino,
    save_openvino,
)
from deepercut.inference.models import OPENVINO_FILE, describe, describe_function, fingerprint, write_description
from deepercut.inference.predict import read_network
from deepercut.weights.checkpoints import read_weights
from deepercut.weights.foreign import Arrays, export_tf1, refused_by_the_system
from deepercut.weights.snapshots import Snapshot
from dlc_common.files import replacing_folder

log = logging.getLogger(__name__)

LARGEST_DIFFERENCE_PX = 0.1
"""Accepted median distance from Keras' poses in each frame."""

LARGEST_LIKELIHOOD_DIFFERENCE = 0.01
"""Accepted difference from Keras' likelihoods."""

IMAGES = 5
"""Images of the training set on which an exported model is compared with Keras."""


class Format(NamedTuple):
    """A way to write a network, and to load what was written with the program that it is for.

    Parameters
    ----------
    packages : tuple of str
        What has to be installed.
    file : str
        Name in the model's folder.
    write : callable
        ``write(config, arrays, path)``.
    load : callable
        ``load(config, path)`` returns a function from frames to poses.
    is_function : bool
        Whether it holds a function from frames to poses, rather than weights alone.
    tell : callable
        ``tell(config, arrays, frames, reference)`` returns what else ``model.json`` is to say.
    """

    packages: tuple[str, ...]
    file: str
    write: Callable[[PoseConfig, Arrays, Path], None]
    load: Callable[[PoseConfig, Path], Compute]
    is_function: bool = True
    tell: Callable[[PoseConfig, Arrays, Sequence[np.ndarray], Sequence[np.ndarray]], dict[str, Any]] = lambda *_: {}


def export_snapshot(config_path: Path, snapshot: Snapshot, formats: Sequence[str]) -> list[Path]:
    """Write a trained network for other programs, and keep what gives the poses that Keras gives.

    Parameters
    ----------
    config_path : Path
        The pose_cfg.yaml it was trained with.
    snapshot : Snapshot
        As `snapshots.select_snapshot` finds it.
    formats : sequence of {'savedmodel', 'onnx', 'openvino', 'tf1'}
        What to write. All but 'tf1', which holds weights alone, take frames, uint8 (B, H, W, 3), RGB of any size, and
        give poses, float32 (B, K, 3): x and y in pixels, likelihood.

    Returns
    -------
    list of Path
        A folder for each, in the train folder, with a ``model.json`` that describes the model and tells how it
        compares.

    Raises
    ------
    DeepercutError
        When a package is missing, the snapshot is damaged, the images of the training set are gone, the system
        refuses to write, or a model's poses deviate.
    """
    packages = {package for name in formats for package in FORMATS[name].packages}
    if missing := sorted(package for package in packages if importlib.util.find_spec(package) is None):
        raise DeepercutError(f"not installed, but needed: pip install {' '.join(missing)}")
    config, arrays = read_network(config_path, snapshot)
    frames = _frames(config)
    reference = _poses(keras_engine(config, arrays), frames)
    description = {**describe(config, snapshot), "weights": fingerprint(config, arrays)}
    folders = []
    for name in formats:
        folder, chosen = snapshot.model_folder(name), FORMATS[name]
        with replacing_folder(folder) as new:
            path = new / chosen.file.format(iteration=snapshot.iteration)
            chosen.write(config, arrays, path)
            compared = compare(reference, _poses(chosen.load(config, path), frames))
            if problem := _problem(compared):
                raise DeepercutError(f"{name} gives other poses than Keras and was not kept: {problem}")
            function = describe_function(config.num_joints) if chosen.is_function else {}
            told = {"compared_with_keras": compared, **chosen.tell(config, arrays, frames, reference)}
            write_description(new, {"format": name, **description, **function, **told})
        log.info(
            "Wrote %s; its poses in %d frames differ from Keras' by at most %.1g px",
            *(folder, len(frames), compared["largest_difference_px"]),
        )
        folders.append(folder)
    return folders


def compare(reference: Sequence[np.ndarray], exported: Sequence[np.ndarray]) -> dict[str, float]:
    """Compare the poses that two models give in the same frames.

    Parameters
    ----------
    reference, exported : sequence of ndarray of shape (1, K, 3)
        x and y in pixels, likelihood.

    Returns
    -------
    dict
        ``frames``, their number; in pixels ``median_difference_px`` and ``largest_difference_px`` over all poses, and
        ``largest_median_difference_px``, the median over the parts of the worst frame;
        ``largest_likelihood_difference``.

    Examples
    --------
    >>> compare([np.zeros((1, 1, 3))], [np.array([[[3, 4, 0.5]]])])["largest_difference_px"]
    5.0
    """
    difference = np.concatenate(exported).astype(float) - np.concatenate(reference)
    distance = np.linalg.norm(difference[..., :2], axis=-1)
    return {
        "frames": len(reference),
        "median_difference_px": float(np.median(distance)),
        "largest_difference_px": float(distance.max()),
        "largest_median_difference_px": float(np.median(distance, axis=1).max()),
        "largest_likelihood_difference": float(np.abs(difference[..., 2]).max()),
    }


def _problem(compared: Mapping[str, float]) -> str | None:
    """Tell which difference is too large; None if none is."""
    accepted = {
        "largest_median_difference_px": LARGEST_DIFFERENCE_PX,
        "largest_likelihood_difference": LARGEST_LIKELIHOOD_DIFFERENCE,
    }
    found = [
        f"{name.replace('_', ' ')} {compared[name]:.3g} (accepted is {most:g})"
        for name, most in accepted.items()
        if not compared[name] <= most
    ]
    return ", ".join(found) or None


def _poses(compute: Compute, frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the poses in each frame, which may be of different sizes."""
    return [compute(frame[None]) for frame in frames]


def _frames(config: PoseConfig) -> list[np.ndarray]:
    """Return images from the whole training set, and the first one cropped, which is of another size."""
    from deepercut.data.dataset import load_dataset, read_labeled

    images = load_dataset(config)
    frames = [read_labeled(image) for image in images[:: -(-len(images) // IMAGES)]]
    return [*frames, frames[0][:-7, :-13]]


def _write_savedmodel(config: PoseConfig, arrays: Arrays, path: Path) -> None:
    """Write TensorFlow's format, a folder, with one function from frames to poses."""
    import keras
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        raise DeepercutError(
            f"the format savedmodel needs Keras on TensorFlow, not on {keras.backend.backend()}: unset KERAS_BACKEND"
        )
    from deepercut.network.posenet import with_poses

    model = with_poses(keras_network(config, arrays), config.locref_stdev)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, "frames")])
    def serve(frames: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"poses": model(frames, training=False)}

    module = tf.Module()
    module.kept = [weight.value for weight in model.weights]
    with refused_by_the_system():
        tf.saved_model.save(module, str(path), signatures=serve)


def _load_savedmodel(config: PoseConfig, path: Path) -> Compute:
    """Load it with TensorFlow alone."""
    import tensorflow as tf

    module = tf.saved_model.load(str(path))
    return lambda frames: module.signatures["serving_default"](frames=tf.constant(frames))["poses"].numpy()


def _write_onnx(config: PoseConfig, arrays: Arrays, path: Path) -> None:
    """Write ONNX."""
    import onnx

    from deepercut.inference.onnx_graph import build_onnx

    how = config.depth, config.mean_pixel, config.locref_stdev
    onnx.save(build_onnx(arrays, *how, padding=config.pads()), path)


def _load_onnx(config: PoseConfig, path: Path) -> Compute:
    """Load it with ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda frames: session.run(["poses"], {"frames": frames})[0]


def _write_openvino(config: PoseConfig, arrays: Arrays, path: Path) -> None:
    """Write OpenVINO's format: the graph and, beside it, the weights; whoever runs it computes in float32."""
    network = openvino_network(config, arrays)
    hold_in_float32(network)
    save_openvino(network, path)


def _load_openvino(config: PoseConfig, path: Path) -> Compute:
    """Load it with OpenVINO."""
    return run_openvino(read_openvino(path), config.num_joints)


def _write_tf1(config: PoseConfig, arrays: Arrays, path: Path) -> None:
    """Write a checkpoint of DeepLabCut 1.x and 2.x."""
    export_tf1(keras_network(config, arrays), path)


def _load_tf1(config: PoseConfig, path: Path) -> Compute:
    """Read the weights back; it holds nothing that could compute."""
    return keras_engine(config, read_weights(path.with_name(f"{path.name}.index")))


def _tell_of_deeplabcut(
    config: PoseConfig, arrays: Arrays, frames: Sequence[np.ndarray], reference: Sequence[np.ndarray]
) -> dict[str, Any]:
    """Say how DeepLabCut computes with these weights, and how far its poses are from those of a network that pads."""
    poses = _poses(keras_engine(replace(config, padding=False), arrays), frames) if config.pads() else reference
    compared = compare(reference, poses)
    if config.pads() and _problem(compared):
        log.warning(
            "DeepLabCut does not pad images to multiples of 16 pixels, as this network was trained to: in these frames "
            "its poses are %.2g px away in the median, %.2g px at most. For the same poses in both, train with "
            "padding: none in pose_cfg.yaml",
            *(compared["median_difference_px"], compared["largest_difference_px"]),
        )
    return {"in_deeplabcut": {"padding": "none", "compared_with_keras": compared}}


def _tell_of_float32(*_: object) -> dict[str, Any]:
    """Say with which hint OpenVINO gives the poses that were compared."""
    meaning = "float32, in which the poses were compared; a CPU with bfloat16 instructions would use them unasked"
    return {"compile_with": {**FLOAT32_HINT, "meaning": meaning}}


FORMATS = {
    "savedmodel": Format(("tensorflow",), "model", _write_savedmodel, _load_savedmodel),
    "onnx": Format(("onnx", "onnxruntime"), "model.onnx", _write_onnx, _load_onnx),
    "openvino": Format(("openvino",), OPENVINO_FILE, _write_openvino, _load_openvino, tell=_tell_of_float32),
    "tf1": Format(
        ("tensorflow",), "snapshot-{iteration}", _write_tf1, _load_tf1, is_function=False, tell=_tell_of_deeplabcut
    ),
}
