"""What we write opens in the tools people use, with every value where it belongs.

Each tool has an environment of its own (`run.py` makes them), so this needs only pytest, NumPy and the tool.
"""

import json
import os
import shutil
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
    return content | {name: np.array(content[name], dtype=float) for name in ("poses", "errors", "labels")}


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


@pytest.mark.parametrize("engine", ["netcdf4", "h5netcdf"])
def test_movement_s_own_file(folder, expected, engine):
    xarray = pytest.importorskip("xarray")
    validators = pytest.importorskip("movement.validators.datasets")
    pytest.importorskip({"netcdf4": "netCDF4"}.get(engine, engine))
    data = xarray.open_dataset(folder / f"video{expected['scorer']}.nc", engine=engine)
    validators.ValidPosesInputs.validate(data)
    loaded = from_pose_table(folder, expected)
    assert data.attrs["ds_type"] == loaded.attrs["ds_type"] and data.attrs["time_unit"] == loaded.attrs["time_unit"]
    assert data.attrs["fps"] == loaded.attrs["fps"] == expected["fps"]
    for name in ("position", "confidence"):
        assert data[name].dims == loaded[name].dims
        xarray.testing.assert_equal(data[name], loaded[name])
    for place, name in enumerate(("error_px", "radius90_px")):
        np.testing.assert_array_equal(data[name].values[..., 0], expected["errors"][..., place])


def from_pose_table(folder, expected):
    """Return what movement itself makes of the pose table."""
    from movement.io import load_poses

    return load_poses.from_dlc_file(folder / f"video{expected['scorer']}.h5", fps=expected["fps"])


def test_movement_works_on_its_own_file(folder, expected):
    xarray = pytest.importorskip("xarray")
    kinematics = pytest.importorskip("movement.kinematics")
    filtering = pytest.importorskip("movement.filtering")
    data = xarray.open_dataset(folder / f"video{expected['scorer']}.nc")
    velocity = kinematics.compute_velocity(data.position).sel(keypoints="nose", space="x").values.squeeze()
    x = expected["poses"][:, 0, 0]
    np.testing.assert_allclose(velocity[2:6], (x[3:7] - x[1:5]) * expected["fps"] / 2)
    kept = filtering.filter_by_confidence(data.position, data.confidence, threshold=0.5)
    seen = (expected["poses"][..., 2] >= 0.5) & np.isfinite(expected["poses"][..., 0])
    np.testing.assert_array_equal(np.isfinite(kept.values[:, 0, :, 0]), seen)


def test_movement_reads_sleap_and_nwb(folder, expected):
    load_poses = pytest.importorskip("movement.io.load_poses")
    stem, loaded = folder / f"video{expected['scorer']}", from_pose_table(folder, expected)
    read = [load_poses.from_sleap_file(f"{stem}.analysis.h5", fps=expected["fps"])]
    if Path(f"{stem}.nwb").exists():
        read.append(load_poses.from_nwb_file(f"{stem}.nwb").sel(keypoints=expected["parts"]))
    for data in read:
        assert sorted(data.keypoints.values) == sorted(expected["parts"])
        position = data.position.transpose("time", "space", "keypoints", "individuals")
        np.testing.assert_allclose(position.values, loaded.position.values, rtol=1e-7)
        np.testing.assert_allclose(data.confidence.values, loaded.confidence.values, rtol=1e-7)
        np.testing.assert_allclose(data.time.values, loaded.time.values, rtol=1e-6)


def test_sleap_io(folder, expected):
    sleap_io = pytest.importorskip("sleap_io")
    labels = sleap_io.load_analysis_h5(str(folder / f"video{expected['scorer']}.analysis.h5"))
    assert labels.skeletons[0].node_names == expected["parts"]
    assert labels.skeletons[0].edge_names == [("nose", "left ear"), ("left ear", "tail.tip")]
    lost = np.isnan(expected["poses"][..., 0]).all(axis=1)
    assert [frame.frame_idx for frame in labels] == np.flatnonzero(~lost).tolist()
    for frame in labels:
        (instance,) = frame.instances
        values = expected["poses"][frame.frame_idx]
        np.testing.assert_array_equal(instance.numpy(), values[:, :2])
        np.testing.assert_array_equal(instance.points["score"], values[:, 2])
        assert instance.score == pytest.approx(values[:, 2].sum())


def test_nwb(folder, expected):
    pynwb = pytest.importorskip("pynwb")
    path = folder / f"video{expected['scorer']}.nwb"
    if not path.exists():
        pytest.skip('the toolbox\'s own environment is without pip install -e ".[nwb]"')
    with pynwb.NWBHDF5IO(path, "r") as file:
        behavior = file.read().processing["behavior"]
        found = behavior["PoseEstimation"]
        assert list(found.skeleton.nodes[:]) == expected["parts"]
        assert found.skeleton.edges[:].tolist() == [[0, 1], [1, 2]]
        for k, part in enumerate(expected["parts"]):
            assert found[part].rate == expected["fps"]
            np.testing.assert_array_equal(found[part].data[:], expected["poses"][:, k, :2])
            np.testing.assert_array_equal(found[part].confidence[:], expected["poses"][:, k, 2])
        for place, name in enumerate(("error_px", "radius90_px")):
            np.testing.assert_array_equal(behavior[name].data[:], expected["errors"][..., place])
    inspector = pytest.importorskip("nwbinspector")
    violations = inspector.Importance.BEST_PRACTICE_VIOLATION
    messages = list(inspector.inspect_nwbfile(nwbfile_path=path, importance_threshold=violations))
    assert [message.check_function_name for message in messages] == [
        "check_subject_exists"
    ]  # which only a lab can tell


@pytest.fixture
def deeplabcut(folder, tmp_path, monkeypatch):
    """Return DeepLabCut 2, a copy of the project that names the video, and the folder of its poses."""
    monkeypatch.setenv("DLClight", "True")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(tmp_path)  # in which DeepLabCut changes folders
    module = pytest.importorskip("deeplabcut")
    shutil.copytree(folder / "project", tmp_path / "project")
    shutil.copytree(folder / "deeplabcut-poses", tmp_path / "poses")
    return module, str(tmp_path / "project" / "config.yaml"), tmp_path / "poses"


@pytest.mark.parametrize("options", [{}, {"displaycropped": True}])
def test_deeplabcut_makes_a_labeled_video(deeplabcut, folder, expected, options):
    """Its frames are gray, and so each dot is told by its colour."""
    module, config, poses = deeplabcut
    cv2 = pytest.importorskip("cv2")
    video = str(folder / "video.mp4")
    assert module.create_labeled_video(config, [video], destfolder=str(poses), videotype=".mp4", **options) == [True]
    (labeled,) = poses.glob("*_labeled.mp4")
    assert labeled.name.startswith("videoDLC_resnet50_reachJan1shuffle1_500")
    capture, found = cv2.VideoCapture(str(labeled)), []
    while (frame := capture.read())[0]:
        found.append(np.ptp(frame[1].astype(int), axis=2) > 60)
    assert len(found) == 12
    for colored, places in zip(found, expected["poses"], strict=True):
        x, y = places[(places[:, 2] > 0.6) & (places[:, 1] < 480), :2].T.astype(int)
        assert colored[y, x].all()
    assert not found[7].any()


def test_deeplabcut_extracts_outlier_frames(deeplabcut, folder, expected):
    module, config, poses = deeplabcut
    pd = pytest.importorskip("pandas")
    module.extract_outlier_frames(
        *(config, [str(folder / "video.mp4")]),
        **{"videotype": ".mp4", "outlieralgorithm": "uncertain", "p_bound": 0.5, "destfolder": str(poses)},
        **{"automatic": True, "extractionalgorithm": "uniform"},
    )
    home = Path(config).parent / "labeled-data" / "video"
    machine = pd.read_hdf(home / "machinelabels-iter0.h5")
    frames = [int(name[2].removeprefix("img").removesuffix(".png")) for name in machine.index]
    with np.errstate(invalid="ignore"):
        unsure = np.flatnonzero((expected["poses"][..., 2] < 0.5).any(axis=1)).tolist()
    assert frames and set(frames) <= set(unsure)
    assert all((home / name[2]).is_file() for name in machine.index)
    values = machine.to_numpy().reshape(len(frames), len(expected["parts"]), 3)
    np.testing.assert_array_equal(values, expected["poses"][frames])


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
