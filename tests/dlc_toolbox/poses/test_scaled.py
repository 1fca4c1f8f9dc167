"""A network that sees frames scaled down tells places in the frames themselves."""

import pickle

import numpy as np

from dlc_toolbox.poses.scaled import Scaled, scaled


class Fixed:
    """Finds one part at the same place of whatever it is shown, and remembers what that was."""

    def __init__(self):
        self.seen = []

    def __call__(self, frames):
        return self.with_features(frames)[0]

    def with_features(self, frames):
        self.seen.append(frames.shape)
        poses = np.tile(np.array([[3.0, 1.0, 0.9]], np.float32), (len(frames), 1, 1))
        features = np.tile(np.array([[0.9, 0.4, 10.0, 6.0]], np.float32), (len(frames), 1, 1))
        return poses, features


def test_poses_and_features_by_hand():
    """A frame of 9x7 pixels is seen as one of 4x4: its pixels are 9/4 wide and 7/4 high."""
    network = Fixed()
    poses, features = Scaled(network, 0.5).with_features(np.zeros((2, 7, 9, 3), np.uint8))
    assert network.seen == [(2, 4, 4, 3)]
    x, y = 3.5 * 9 / 4 - 0.5, 1.5 * 7 / 4 - 0.5
    np.testing.assert_allclose(poses, np.tile([[x, y, 0.9]], (2, 1, 1)), rtol=1e-6)
    length = np.sqrt(9 / 4 * 7 / 4)
    np.testing.assert_allclose(features, np.tile([[0.9, 0.4, 10 * length, 6 * length]], (2, 1, 1)), rtol=1e-6)
    assert poses.dtype == features.dtype == np.float32


def test_the_networks_own_arrays_are_left_as_they_are():
    kept = np.full((1, 1, 3), 2.0, np.float32)
    assert Scaled(lambda _: kept, 0.5)(np.zeros((1, 4, 4, 3), np.uint8)).tolist() == [[[4.5, 4.5, 2.0]]]
    assert kept.tolist() == [[[2.0, 2.0, 2.0]]]


def test_a_plain_function_tells_no_features():
    _, features = Scaled(lambda frames: np.ones((len(frames), 1, 3), np.float32), 0.5).with_features(
        np.zeros((1, 4, 4, 3), np.uint8)
    )
    assert features[0, 0, 0] == 1 and np.isnan(features[0, 0, 1:]).all()


def test_the_dots_are_where_they_were(find_dots, draw_dots, toy_points):
    frames = np.stack([draw_dots(points, radius=8.0) for points in toy_points[:5]])
    for scale in (0.9, 0.7, 0.5):
        found = scaled(find_dots, scale)(frames)
        assert np.abs(found[..., :2] - toy_points[:5]).max() < 0.2, scale


def test_at_full_size_nothing_stands_between():
    assert scaled(len, 1.0) is len
    assert pickle.loads(pickle.dumps(scaled(len, 0.5))) == Scaled(len, 0.5)
