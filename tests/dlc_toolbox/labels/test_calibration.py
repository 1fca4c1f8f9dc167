import numpy as np

from dlc_toolbox.labels.calibration import looks_calibrated


def test_only_the_size_of_the_labeled_image_tells_inches_from_pixels():
    labels, unlabeled = [[60.25, 60.3]], [[np.nan, np.nan]]
    assert not looks_calibrated(np.array([labels, unlabeled]), np.array([[160, 120], [1280, 1024]]))
    assert looks_calibrated(np.array([unlabeled, labels]), np.array([[160, 120], [1280, 1024]]))
