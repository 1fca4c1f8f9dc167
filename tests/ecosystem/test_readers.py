"""What we write opens in the tools people use, with every value where it belongs.

Each tool has an environment of its own (`run.py` makes them), so this needs only pytest, NumPy and the tool.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

RELATIVE = {".h5": 0, ".csv": 1e-12}
"""How far values may be off; pandas reads the last digits of a csv differently in each version."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Return the folder that files.write_files filled; made here where this toolbox is installed."""
    if "ECOSYSTEM_FILES" in os.environ:
        return Path(os.environ["ECOSYSTEM_FILES"])
    pytest.importorskip("dlc_toolbox", reason="run.py hands the files over to environments without this toolbox")
    from .files import write_files

    made = tmp_path_factory.mktemp("ecosystem")
    write_files(made)
    return made


@pytest.fixture(scope="session")
def expected(folder):
    content = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return content | {name: np.array(content[name], dtype=float) for name in ("poses", "labels")}


@pytest.fixture(params=[".h5", ".csv"])
def poses(request, folder, expected):
    return folder / f"video{expected['scorer']}{request.param}"


def test_pandas_reads_poses(poses, expected):
    pd = pytest.importorskip("pandas")
    read = pd.read_hdf(poses) if poses.suffix == ".h5" else pd.read_csv(poses, header=[0, 1, 2], index_col=0)
    assert read.index.tolist() == list(range(12))
    assert list(read.columns.names) == ["scorer", "bodyparts", "coords"]
    for k, part in enumerate(expected["parts"]):
        values = read[expected["scorer"]][part][["x", "y", "likelihood"]].to_numpy()
        np.testing.assert_allclose(values, expected["poses"][:, k], rtol=RELATIVE[poses.suffix])


@pytest.mark.parametrize("suffix", [".h5", ".csv"])
def test_pandas_reads_labels(folder, expected, suffix):
    pd = pytest.importorskip("pandas")
    path = folder / "labels" / f"CollectedData_Ann{suffix}"
    read = pd.read_hdf(path) if suffix == ".h5" else pd.read_csv(path, header=[0, 1, 2], index_col=0)
    assert read.index.tolist() == expected["images"]
    np.testing.assert_allclose(read.to_numpy().reshape(3, 3, 2), expected["labels"], rtol=RELATIVE[suffix])


@pytest.mark.parametrize("suffix", [".h5", ".csv"])
def test_pandas_reads_labels_of_a_deeplabcut_project(folder, expected, suffix):
    pd = pytest.importorskip("pandas")
    path = folder / "project" / "labeled-data" / "day1" / f"CollectedData_Ann{suffix}"
    read = pd.read_hdf(path) if suffix == ".h5" else pd.read_csv(path, header=[0, 1, 2], index_col=[0, 1, 2])
    assert read.index.tolist() == [("labeled-data", *image.split("/")) for image in expected["images"][:2]]
    assert read.columns.levels[0].tolist() == ["Ann"]
    np.testing.assert_allclose(read.to_numpy().reshape(2, 3, 2), expected["labels"][:2], rtol=RELATIVE[suffix])


def test_movement(poses, expected):
    load_poses = pytest.importorskip("movement.io.load_poses")
    data = load_poses.from_dlc_file(poses, fps=25)
    assert data.keypoints.values.tolist() == expected["parts"]
    np.testing.assert_allclose(data.time.values, np.arange(12) / 25)
    position = data.position.transpose("time", "keypoints", "space", "individuals").values[..., 0]
    np.testing.assert_allclose(position, expected["poses"][..., :2], rtol=RELATIVE[poses.suffix])
    confidence = data.confidence.transpose("time", "keypoints", "individuals").values[..., 0]
    np.testing.assert_allclose(confidence, expected["poses"][..., 2], rtol=RELATIVE[poses.suffix])


def test_dlc2kinematics(folder, expected):
    dlc2kinematics = pytest.importorskip("dlc2kinematics")
    data, parts, scorer = dlc2kinematics.load_data(str(folder / f"video{expected['scorer']}.h5"))
    assert (parts, scorer) == (expected["parts"], expected["scorer"])
    velocity = dlc2kinematics.compute_velocity(data, bodyparts=["nose"], filter_window=3, order=1)
    x = expected["poses"][:, 0, 0]
    slope = velocity[scorer]["nose"]["x"].to_numpy()
    np.testing.assert_allclose(slope[2:6], (x[3:7] - x[1:5]) / 2, rtol=1e-9)


def test_anipose(folder, expected):
    """It sees points where we do, and finds them where we do, up to its not weighing pixels by the distance."""
    cameras = pytest.importorskip("aniposelib.cameras")
    rig = cameras.CameraGroup.load(str(folder / "calibration.toml"))
    assert rig.get_names() == ["A", "B", "C"]
    ours = {name: np.array(values) for name, values in expected["cameras"].items()}
    np.testing.assert_allclose(rig.project(ours["points"]).reshape(ours["exact"].shape), ours["exact"], atol=1e-6)
    np.testing.assert_allclose(rig.triangulate(ours["exact"].copy()), ours["points"], atol=1e-4)
    theirs = rig.triangulate(ours["noisy"].copy())
    error, error_of_theirs = (
        np.sqrt(((found - ours["points"]) ** 2).sum(axis=1).mean()) for found in (ours["triangulated"], theirs)
    )
    assert error < 1.02 * error_of_theirs
    np.testing.assert_allclose(theirs, ours["triangulated"], atol=0.5 * error)


def test_neuroconv(poses, folder, expected, tmp_path):
    interfaces = pytest.importorskip("neuroconv.datainterfaces")
    pynwb = pytest.importorskip("pynwb")
    config = folder / "project" / "config.yaml"
    interface = interfaces.DeepLabCutInterface(file_path=poses, config_file_path=config, sampling_frequency=25.0)
    metadata = interface.get_metadata()
    metadata["NWBFile"]["session_start_time"] = "2024-05-01T12:00:00+00:00"  # this and the next only a lab can tell
    metadata["Subject"] = {"subject_id": "m1", "species": "Mus musculus", "sex": "F", "age": "P90D"}
    interface.run_conversion(nwbfile_path=tmp_path / "poses.nwb", metadata=metadata)
    with pynwb.NWBHDF5IO(tmp_path / "poses.nwb", "r") as file:
        found = file.read().processing["behavior"].data_interfaces.values()
        (estimation,) = (one for one in found if type(one).__name__ == "PoseEstimation")
        assert list(estimation.skeleton.nodes[:]) == expected["parts"]
        assert len(estimation.pose_estimation_series) == len(expected["parts"])
        for k, part in enumerate(expected["parts"]):
            series = estimation.pose_estimation_series[f"PoseEstimationSeries{part.capitalize()}"]
            np.testing.assert_allclose(series.data[:], expected["poses"][:, k, :2], rtol=RELATIVE[poses.suffix])
            np.testing.assert_allclose(series.confidence[:], expected["poses"][:, k, 2], rtol=RELATIVE[poses.suffix])
    inspector = pytest.importorskip("nwbinspector")
    severe = inspector.Importance.CRITICAL
    assert list(inspector.inspect_nwbfile(nwbfile_path=tmp_path / "poses.nwb", importance_threshold=severe)) == []


def found_points(values, parts):
    """Return the points that napari-deeplabcut shows of (N, K, 2 or 3): place of the image, y, x; and their names."""
    seen = np.argwhere(np.isfinite(values[..., :2]).all(axis=-1))
    return [[n, values[n, k, 1], values[n, k, 0]] for n, k in seen], [parts[k] for _, k in seen]


def test_napari_deeplabcut_reads_poses(folder, expected):
    reader = pytest.importorskip("napari_deeplabcut._reader")
    path = str(folder / f"video{expected['scorer']}.h5")
    ((data, attributes, kind),) = reader.get_hdf_reader(path)(path)
    places, names = found_points(expected["poses"], expected["parts"])
    assert kind == "points" and list(attributes["properties"]["label"]) == names
    np.testing.assert_allclose(data, places, rtol=0)
    likelihoods = expected["poses"][..., 2]
    np.testing.assert_allclose(attributes["properties"]["likelihood"], likelihoods[np.isfinite(likelihoods)], rtol=0)


def test_napari_deeplabcut_opens_a_folder_of_labels(folder, expected):
    reader = pytest.importorskip("napari_deeplabcut._reader")
    path = str(folder / "project" / "labeled-data" / "day1")
    (images, shown, kind), (data, attributes, _) = reader.get_folder_parser(path)(path)
    names = [f"labeled-data/{image}" for image in expected["images"][:2]]
    assert kind == "image" and images.shape == (2, 32, 48, 3)
    assert shown["metadata"]["paths"] == attributes["metadata"]["paths"] == names
    places, labels = found_points(expected["labels"][:2], expected["parts"])
    assert list(attributes["properties"]["label"]) == labels
    np.testing.assert_allclose(data, places, rtol=0)
