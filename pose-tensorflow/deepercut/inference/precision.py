"""Reduced precision, used only after its poses were compared with float32's on labeled images."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepercut import DeepercutError, __version__
from deepercut.backend import start_backend
from deepercut.config import PoseConfig
from deepercut.inference.engines import (
    ENGINES,
    Engine,
    cpu_runtime,
    device_name,
    keras_engine,
    openvino_network,
    read_openvino,
    run_openvino,
    save_openvino,
)
from deepercut.inference.models import (
    OPENVINO_FILE,
    describe,
    describe_function,
    fingerprint,
    read_description,
    write_description,
)
from deepercut.weights.snapshots import Snapshot
from dlc_common.files import replacing_folder
from dlc_common.progress import tqdm
from dlc_common.promise import LARGEST_DIFFERENCE_PX, LARGEST_INCREASE, MEANINGFUL, chance_px, is_kept, largest_error_px

if TYPE_CHECKING:
    import openvino

    from deepercut.data.dataset import TrainingImage

log = logging.getLogger(__name__)

MOST_IMAGES = 100
"""Images to calibrate with, and images to check with, at most."""

MAP_AXES = 4
"""Axes of the maps that a network computes, (B, C, rows, columns); places of body parts have three."""


def reduced_engine(engine: str, config: PoseConfig, arrays: Mapping[str, np.ndarray], snapshot: Snapshot) -> Engine:
    """Make the poses of a network in reduced precision, which was compared with float32.

    The first time, labeled images of the training set are needed: half of them calibrate what has to be calibrated,
    the other half tell the accuracy. The outcome is kept beside the snapshot, for this network on this kind of device.

    Parameters
    ----------
    engine : {'keras-bf16', 'openvino-bf16', 'openvino-int8'}
        See `engines.choose_engine`.
    config : PoseConfig
        Of the network.
    arrays : mapping of str to ndarray
        All its weights, by ``<layer>/<variable>``.
    snapshot : Snapshot
        Where they come from.

    Returns
    -------
    Engine
        Frames to poses.

    Raises
    ------
    DeepercutError
        When the poses differ too much from those of float32, with the figures; when the images are gone; when nncf,
        which int8 needs, is not installed.
    """
    folder = snapshot.model_folder(engine)
    runtime = cpu_runtime() if engine.startswith("openvino") else device_name(engine)
    made_from = {"weights": fingerprint(config, arrays), "runtime": runtime, "deepercut": __version__}
    known = read_description(folder)
    if any(known.get(key) != value for key, value in made_from.items()):
        known = {"engine": engine, **describe(config, snapshot), **describe_function(config.num_joints), **made_from}
        known["accuracy"] = _prepare(engine, config, arrays, folder, known)
    if problem := _problem(known["accuracy"]):
        raise DeepercutError(f"{engine} changes the poses of {snapshot.path.name} too much: {problem}. Choose auto")
    return _compute(engine, config, arrays, folder)


def _compute(engine: str, config: PoseConfig, arrays: Mapping[str, np.ndarray], folder: Path) -> Engine:
    """Make the poses of a network in reduced precision, of one in integers as it lies in a folder."""
    if engine == "keras-bf16":
        return keras_engine(config, arrays, "mixed_bfloat16")
    if engine == "openvino-bf16":
        return run_openvino(openvino_network(config, arrays, features=True), config.num_joints, "bf16")
    try:
        return run_openvino(read_openvino(folder / OPENVINO_FILE), config.num_joints)
    except RuntimeError as error:
        raise DeepercutError(f"{folder} is damaged: delete it, and the model in it is made again") from error


def quantize(network: openvino.Model, images: Sequence[np.ndarray]) -> openvino.Model:
    """Turn the convolutions of a network, the sums over its units and its score maps into 8-bit integers.

    What is computed for the best cells alone, places and refinement, stays in float32, and the first convolution has
    its integers already. nncf's correction of biases is left out: with it, poses came out farther off (0.23 in place of
    0.18 px, with sums in float32).

    Parameters
    ----------
    network : openvino.Model
        From `openvino_graph.build_openvino`, laid out for integers.
    images : sequence of ndarray of shape (H, W, 3), uint8
        RGB; the ranges of all activations are measured on them.

    Returns
    -------
    openvino.Model
        Of the same inputs and outputs.

    Raises
    ------
    DeepercutError
        When nncf is not installed.
    """
    try:
        import nncf
    except ImportError:
        raise DeepercutError("the engine openvino-int8 needs nncf once for each snapshot: pip install nncf") from None
    nncf.set_log_level(logging.ERROR)
    additions = [operation for operation in network.get_ops() if operation.get_type_name() == "Add"]
    of_places = [each.get_friendly_name() for each in additions if len(each.get_output_partial_shape(0)) < MAP_AXES]
    network = nncf.quantize(
        network,
        nncf.Dataset(images, lambda image: image[None]),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(images),
        ignored_scope=nncf.IgnoredScope(names=["conv1", *of_places], types=["Multiply", "ReduceSum"]),
        advanced_parameters=nncf.AdvancedQuantizationParameters(disable_bias_correction=True),
    )
    _share_integers(network)
    return network


def _share_integers(network: openvino.Model) -> None:
    """Let the refinement read the features, too, as the integers that the score maps are made of; is changed."""
    (head,) = (each for each in network.get_ops() if each.get_type_name() == "ConvolutionBackpropData")
    integers = head.input_value(0).get_node()
    if integers.get_type_name() != "FakeQuantize":  # of an nncf that rounds elsewhere
        return
    for reader in integers.input_value(0).get_target_inputs():
        if reader.get_node() != integers:
            reader.replace_source_output(integers.output(0))


def compare(reference: np.ndarray, reduced: np.ndarray, joints: Sequence[np.ndarray]) -> dict[str, float]:
    """Compare poses in reduced precision with those of float32, and both with labels.

    Parameters
    ----------
    reference, reduced : ndarray of shape (N, K, 3)
        x and y in pixels, likelihood; of float32 and of reduced precision.
    joints : sequence of N ndarray of shape (M, 3)
        Labels of each image: part number, x and y in pixels.

    Returns
    -------
    dict
        ``median_difference_px`` over the poses whose likelihood in float32 is at least 0.1, NaN if there is none;
        over all labels ``mean_error_px``, ``float32_mean_error_px`` and ``increase_standard_error_px``, see
        `promise.chance_px`.

    Examples
    --------
    >>> reference = np.array([[[10, 10, 0.9], [50, 50, 0.01]]])
    >>> reduced = np.array([[[10, 11, 0.9], [90, 90, 0.02]]])
    >>> compare(reference, reduced, [np.array([[0, 10, 8], [1, 50, 50]])])["median_difference_px"]
    1.0
    """
    from deepercut.training.validation import errors_px

    differences = np.linalg.norm((reduced - reference)[..., :2], axis=-1)[reference[..., 2] >= MEANINGFUL]
    errors, float32_errors = (list(map(errors_px, poses, joints)) for poses in (reduced, reference))
    return {
        "median_difference_px": float(np.median(differences)) if differences.size else float("nan"),
        "mean_error_px": float(np.concatenate(errors).mean()),
        "float32_mean_error_px": float(np.concatenate(float32_errors).mean()),
        "increase_standard_error_px": chance_px(list(map(np.subtract, errors, float32_errors))),
    }


def _prepare(
    engine: str,
    config: PoseConfig,
    arrays: Mapping[str, np.ndarray],
    folder: Path,
    description: Mapping[str, Any],
) -> dict[str, float]:
    """Quantize where it is needed, compare with float32, write it down with the model, and return the accuracy."""
    start_backend()  # quietly, before what follows imports Keras, whatever the engine
    from deepercut.data.dataset import load_dataset, read_labeled

    images = load_dataset(config)
    calibrating, checked = (_spread(images[start::2] or images) for start in (1, 0))
    frames = [read_labeled(image) for image in checked]
    if engine == "openvino-int8":
        log.info("Calibrating %s with %d labeled images, once for this snapshot", engine, len(calibrating))
        network = openvino_network(config, arrays, features=True, integers=True)
        network = quantize(network, [read_labeled(image) for image in calibrating])
        reduced = run_openvino(network, config.num_joints)
    else:
        reduced = _compute(engine, config, arrays, folder)
    float32_poses, reduced_poses = (
        np.concatenate([compute(frame[None]) for frame in tqdm(frames, f"Checking {engine}", unit=" images")])
        for compute in (ENGINES[engine.split("-")[0]](config, arrays), reduced)
    )
    compared = compare(float32_poses, reduced_poses, [image.joints for image in checked])
    accuracy = {"images": len(checked), **compared}
    with replacing_folder(folder) as new:
        if engine == "openvino-int8" and _problem(accuracy) is None:
            save_openvino(network, new / OPENVINO_FILE)
        write_description(new, {**description, "accuracy": accuracy})
    return accuracy


def _spread(images: Sequence[TrainingImage]) -> Sequence[TrainingImage]:
    """Return at most as many images as are needed, from the whole training set."""
    return images[:: -(-len(images) // MOST_IMAGES)]


def _problem(accuracy: Mapping[str, float]) -> str | None:
    """Tell what is wrong with the poses in reduced precision; None if nothing is."""
    difference, chance = accuracy["median_difference_px"], accuracy["increase_standard_error_px"]
    error, reference = accuracy["mean_error_px"], accuracy["float32_mean_error_px"]
    if is_kept(difference, error, reference, chance):
        return None
    bound = largest_error_px(reference, chance)
    digits = _digits_that_tell([(difference, LARGEST_DIFFERENCE_PX), (error, bound)])
    return (
        f"on {accuracy['images']} labeled images the median distance from the poses of float32 is "
        f"{difference:.{digits}f} px (at most {LARGEST_DIFFERENCE_PX}), the mean error {error:.{digits}f} px instead "
        f"of {reference:.{digits}f} px (at most {bound:.{digits}f} px: {LARGEST_INCREASE:.0%} more, and chance)"
    )


def _digits_that_tell(pairs: Sequence[tuple[float, float]]) -> int:
    """Return how many decimals show which values lie above their bounds.

    >>> _digits_that_tell([(0.31, 0.3), (4.0, 5.0)]), _digits_that_tell([(0.3004, 0.3)])
    (2, 4)
    """
    above = [(value, bound) for value, bound in pairs if value > bound]
    return next((n for n in range(2, 9) if all(round(value, n) > round(bound, n) for value, bound in above)), 9)
