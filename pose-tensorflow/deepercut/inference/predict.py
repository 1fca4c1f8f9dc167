"""From frames to poses with a trained network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deepercut import DeepercutError
from deepercut.config import PoseConfig, load_config
from deepercut.inference.engines import ENGINES, Engine, choose_engine, device_name
from deepercut.inference.precision import reduced_engine
from deepercut.network.architecture import weight_shapes
from deepercut.weights.checkpoints import check_same_network, read_weights
from deepercut.weights.foreign import Arrays
from deepercut.weights.snapshots import Snapshot


@dataclass(frozen=True)
class Predictor:
    """A trained network as a function from frames to poses.

    Parameters
    ----------
    compute : Engine
        Finds them.
    bodyparts : tuple of str
        K names, in the order of the poses.
    device : str
        What computes, and on what.
    """

    compute: Engine
    bodyparts: tuple[str, ...]
    device: str

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Find every body part in every frame.

        Parameters
        ----------
        frames : ndarray of shape (B, H, W, 3), uint8
            RGB. Any size; calls with one and the same are the quickest.

        Returns
        -------
        ndarray of shape (B, K, 3), float32
            x and y in pixels of the frames, likelihood 0..1.
        """
        return self.compute(frames)

    def with_features(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find every body part, and tell what the network's maps look like there.

        Parameters
        ----------
        frames : ndarray of shape (B, H, W, 3), uint8
            As for a call.

        Returns
        -------
        poses : ndarray of shape (B, K, 3), float32
            The same as of a call.
        features : ndarray of shape (B, K, 4), float32
            Likelihood of the best cell, 0..1; of the best cell outside its peak the likelihood and the distance in
            pixels; width of the peak in pixels. See `targets.ANSWER`; NaN where a model was made before it told this.
        """
        return self.compute.with_features(frames)


def load_predictor(config_path: Path, snapshot: Snapshot, engine: str = "auto") -> Predictor:
    """Load a trained network.

    Parameters
    ----------
    config_path : Path
        The pose_cfg.yaml it was trained with.
    snapshot : Snapshot
        As `checkpoints.select_snapshot` finds it.
    engine : {'auto', 'keras', 'openvino', 'keras-bf16', 'openvino-bf16', 'openvino-int8'}, optional
        What computes; see `engines.choose_engine`.

    Returns
    -------
    Predictor
        Ready to be called with frames.

    Raises
    ------
    DeepercutError
        As `read_network` and `choose_engine` do, and when a reduced precision changes the poses too much.
    """
    engine = choose_engine(engine)
    config, arrays = read_network(config_path, snapshot)
    if engine in ENGINES:
        compute = ENGINES[engine](config, arrays)
    else:
        compute = reduced_engine(engine, config, arrays, snapshot)
    return Predictor(compute, config.all_joints_names, device_name(engine))


def read_network(config_path: Path, snapshot: Snapshot) -> tuple[PoseConfig, Arrays]:
    """Read and check what a trained network consists of.

    Parameters
    ----------
    config_path : Path
        The pose_cfg.yaml it was trained with.
    snapshot : Snapshot
        As `checkpoints.select_snapshot` finds it.

    Returns
    -------
    config : PoseConfig
        The configuration, with `padding` decided.
    arrays : dict of str to ndarray
        The weights, by ``<layer>/<variable>``.

    Raises
    ------
    DeepercutError
        When the snapshot is damaged, of another network than the configuration describes, or without heads.
    """
    config = load_config(config_path)
    config = replace(config, padding=config.pads(snapshot.path))
    arrays = read_weights(snapshot.path)
    check_same_network(
        weight_shapes(config.depth, config.num_joints, config.location_refinement), arrays, snapshot.path
    )
    if "part_pred/bias" not in arrays:
        raise DeepercutError(f"{snapshot.path} holds the ResNet alone, which finds no body parts: train first")
    return config, arrays
