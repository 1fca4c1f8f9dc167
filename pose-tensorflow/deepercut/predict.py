"""From frames to poses with a trained network."""

from __future__ import annotations

import logging
from pathlib import Path

import keras
import numpy as np
from keras import ops

from deepercut.checkpoints import Snapshot, load_weights
from deepercut.config import PoseConfig, load_config
from deepercut.targets import decode_poses
from deepercut.training import network_of

log = logging.getLogger(__name__)


class DecodePoses(keras.layers.Layer):
    """Turn the network's maps into poses, on the device.

    Parameters
    ----------
    locref_stdev : float
        Unit in pixels of the location refinement.
    """

    def __init__(self, locref_stdev: float, **kwargs):
        super().__init__(**kwargs)
        self.locref_stdev = locref_stdev

    def call(self, images, outputs):
        """Return poses of shape (B, K, 3): x and y in pixels, likelihood."""
        return decode_poses(outputs, self.locref_stdev, ops.shape(images)[1:3])

    def compute_output_shape(self, images_shape, outputs_shape):
        """Return (B, K, 3)."""
        return (images_shape[0], outputs_shape["part_pred"][-1], 3)


class Predictor:
    """A trained network as a function from frames to poses.

    Parameters
    ----------
    network : keras.Model
        From `build_posenet`, with trained weights.
    config : PoseConfig
        Of that network.

    Attributes
    ----------
    bodyparts : tuple of str
        K names, in the order of the poses.
    """

    def __init__(self, network: keras.Model, config: PoseConfig):
        self.bodyparts = config.all_joints_names
        poses = DecodePoses(config.locref_stdev)(network.input, network.output)
        self._model = keras.Model(network.input, poses)
        self._model.compile(jit_compile=False)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Find every body part in every frame.

        Parameters
        ----------
        frames : ndarray of shape (B, H, W, 3), uint8
            RGB.

        Returns
        -------
        ndarray of shape (B, K, 3), float32
            x and y in pixels of the frames, likelihood 0..1.
        """
        return np.asarray(self._model.predict_on_batch(frames.astype(np.float32)))


def load_predictor(config_path: Path, snapshot: Snapshot) -> Predictor:
    """Load a trained network.

    Parameters
    ----------
    config_path : Path
        The pose_cfg.yaml it was trained with.
    snapshot : Snapshot
        As `checkpoints.select_snapshot` finds it.

    Returns
    -------
    Predictor
        Ready to be called with frames.

    Raises
    ------
    DeepercutError
        When the snapshot is damaged or of another network than the configuration describes.
    """
    config = load_config(config_path)
    network = network_of(config)
    load_weights(network, snapshot.path)
    return Predictor(network, config)


def device_name() -> str:
    """Name what the backend computes on, for the first line of a script."""
    devices = keras.distribution.list_devices()
    accelerators = [device for device in devices if not device.startswith("cpu")]
    if accelerators:
        return f"{', '.join(accelerators)} ({keras.backend.backend()})"
    return f"CPU only ({keras.backend.backend()}); a GPU trains 20 to 100 times faster, see the README"
