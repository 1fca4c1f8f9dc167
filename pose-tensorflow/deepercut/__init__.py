"""The DeeperCut body part detector on Keras 3: training and prediction from a .mat and a pose_cfg.yaml."""

__version__ = "2.0.0"


class DeepercutError(Exception):
    """A problem in a training set, configuration or snapshot; scripts print it as one line and exit with code 1."""
