"""The DeeperCut body part detector on Keras 3: training and prediction from a .mat and a pose_cfg.yaml."""

import os

from dlc_common import UsersError

__version__ = "2.0.0"

# Read once, when a backend starts: take GPU memory as needed instead of all of it, and keep start-up notes quiet.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


class DeepercutError(UsersError):
    """A problem in a training set, configuration or snapshot; scripts print it as one line and exit with code 1."""
