"""ExportPoses.py on the toy project, after AnalyzeVideos.py with a stub in place of the network."""

import h5py
import pandas as pd
import pytest

from dlc_toolbox.project.tables import points, read_table

ANALYZE, FILTER, EXPORT = (
    f"Analysis-tools/{name}.py" for name in ("AnalyzeVideos", "FilterPredictions", "ExportPoses")
)
STEM = "toyDeepCut_resnet50_toyJan1shuffle1_100"


def test_without_a_flag_it_writes_a_csv_with_seconds(run, trained_project):
    assert run(ANALYZE)[0] == 0
    code, output = run(EXPORT)
    path = trained_project / "videos" / f"{STEM}_seconds.csv"
    assert code == 0 and output.splitlines()[-1].startswith(f"To open csv: pandas.read_csv({str(path)!r})")
    assert f"toy.avi: 30 frames of 3 body parts; wrote {path}" in output
    table = pd.read_csv(path)
    assert table["time_s"].tolist() == [round(n / 25, 6) for n in range(30)]
    poses = points(read_table(path.with_name(f"{STEM}.h5")))
    assert table["tail_x"].tolist() == pytest.approx(poses[:, 2, 0].tolist(), rel=1e-14)
    assert run(EXPORT)[1].count("skipped, it is current") == 1


def test_several_formats_go_into_one_folder(run, trained_project, tmp_path):
    assert run(ANALYZE)[0] == 0
    assert run(EXPORT, "--to", "movement,sleap,deeplabcut", "--into", tmp_path / "out")[0] == 0
    names = {path.name for path in (tmp_path / "out").iterdir() if path.suffix != ".json"}
    network = "DLC_resnet50_toyJan1shuffle1_100"
    assert names == {f"{STEM}.nc", f"{STEM}.analysis.h5", f"toy{network}.h5", f"toy{network}_meta.pickle"}


def test_filtered_poses_on_request(run, trained_project):
    assert run(ANALYZE)[0] == 0
    code, output = run(EXPORT, "--to", "sleap", "--filtered")
    assert code == 1 and "are wanted (drawfiltered = True, or --filtered), but must be made first" in output
    assert run(FILTER)[0] == 0
    assert run(EXPORT, "--to", "sleap", "--filtered")[0] == 0
    with h5py.File(trained_project / "videos" / f"{STEM}_filtered.analysis.h5") as file:
        assert file["tracks"].shape == (1, 2, 3, 30)


def test_a_lab_s_file_that_is_not_there_is_one_error(run, tmp_path):
    pytest.importorskip("ndx_pose")
    assert run(ANALYZE)[0] == 0
    code, output = run(EXPORT, "--to", "nwb", "--lab", tmp_path / "none.yaml")
    assert code == 1 and "none.yaml cannot be read as yaml" in output
    (tmp_path / "lab.yaml").write_text("Subject: {subject_id: m1}\n")
    assert run(EXPORT, "--to", "nwb", "--lab", tmp_path / "lab.yaml")[0] == 0


def test_without_poses_it_asks_for_the_analysis(run):
    code, output = run(EXPORT)
    assert code == 1 and f"{STEM}.h5 does not exist. Analyze the video first, with AnalyzeVideos.py." in output


def test_wrong_usage(refuse):
    assert "'nvb' is none of csv, movement, sleap, nwb, deeplabcut" in refuse(EXPORT, "--to", "csv,nvb")
