"""From frames to poses with a trained network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from deepercut import DeepercutError
from deepercut.config import PoseConfig, load_config
from deepercut.inference.engines import ENGINES, Engine, choose_engine
from deepercut.inference.precision import reduced_engine
from deepercut.network.architecture import weight_shapes
from deepercut.weights.checkpoints import check_same_network, read_weights
from deepercut.weights.foreign import Arrays
from deepercut.weights.snapshots import Snapshot


def load_predictor(config_path: Path, snapshot: Snapshot, engine: str = "auto") -> Engine:
    """Load a trained network.

    Parameters
    ----------
    config_path : Path
        The pose_cfg.yaml it was trained with.
    snapshot : Snapshot
        As `snapshots.select_snapshot` finds it.
    engine : {'auto', 'keras', 'openvino', 'keras-bf16', 'openvino-bf16', 'openvino-int8'}, optional
        What computes; see `engines.choose_engine`.

    Returns
    -------
    Engine
        Ready to be called with frames.

    Raises
    ------
    DeepercutError
        As `read_network` and `choose_engine` do, and when a reduced precision changes the poses too much.
    """
    engine = choose_engine(engine)
    config, arrays = read_network(config_path, snapshot)
    if engine in ENGINES:
        return ENGINES[engine](config, arrays)
    return reduced_engine(engine, config, arrays, snapshot)


def read_network(config_path: Path, snapshot: Snapshot) -> tuple[PoseConfig, Arrays]:
    """Read and check what a trained network consists of.

    Parameters
    ----------
    config_path : Path
        The pose_cfg.yaml it was trained with.
    snapshot : Snapshot
        As `snapshots.select_snapshot` finds it.

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
