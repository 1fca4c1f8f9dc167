"""Make deeplabcut_poses.npz: what DeepLabCut 2.3.11 itself finds with the network of `deeplabcut_network.py`.

In an environment of DeepLabCut (see the README): PEER/bin/python tests/ecosystem/deeplabcut_poses.py
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ["DLClight"] = "True"  # noqa: SIM112 without windows

import numpy as np
import tensorflow as tf
from deeplabcut.pose_estimation_tensorflow.core import predict
from deeplabcut.pose_estimation_tensorflow.nnets.factory import PoseNetFactory
from deeplabcut_network import PARTS, SIZES, draw_picture, draw_weights

CONFIG = {
    "net_type": "resnet_50",
    "num_joints": len(PARTS),
    "batch_size": 1,
    "dataset_type": "imgaug",
    "mean_pixel": [123.68, 116.779, 103.939],
    "stride": 8.0,
    "locref_stdev": 7.2801,
    "location_refinement": True,
    "weight_decay": 0.0001,
    "intermediate_supervision": False,
    "pairwise_predict": False,
    "partaffinityfield_predict": False,
}
"""Those of its defaults that a network in use needs."""

SCORE_MAPS = "333x250"


def write_snapshot(prefix: Path) -> None:
    """Let the program build its network, and save it with drawn weights as its training does."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        PoseNetFactory.create(CONFIG).test(tf.compat.v1.placeholder(tf.float32, [1, None, None, 3]))
        variables = tf.compat.v1.global_variables()
        weights = draw_weights({variable.op.name: tuple(variable.shape.as_list()) for variable in variables})
        for variable in variables:
            variable.load(weights[variable.op.name], session)
        tf.compat.v1.train.Saver().save(session, str(prefix), write_meta_graph=False)


def main() -> None:
    """Write the file beside this one."""
    tf.compat.v1.disable_eager_execution()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        config = {**CONFIG, "init_weights": str(Path(folder) / "snapshot-1")}
        write_snapshot(Path(config["init_weights"]))
        session, inputs, outputs = predict.setup_pose_prediction(config)
        for name, size in SIZES.items():
            scores, _, poses = predict.getpose(draw_picture(*size), config, session, inputs, outputs, outall=True)
            found[name] = poses
            if name == SCORE_MAPS:
                found["scores"] = scores.astype(np.float32)
        session, inputs, outputs = predict.setup_GPUpose_prediction(config)  # its other way, used by default
        for name, size in SIZES.items():
            (poses,) = session.run(outputs, {inputs: draw_picture(*size)[None].astype(float)})
            np.testing.assert_allclose(poses[:, [1, 0, 2]], found[name], rtol=1e-5, atol=1e-3)
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **found)


if __name__ == "__main__":
    main()
