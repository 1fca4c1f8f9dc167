"""The table of formats, and the one way to write them."""

import tracemalloc
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from dlc_common import UsersError
from dlc_common import files as files_module
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.writers import formats, nwb
from dlc_toolbox.exchange.writers import poses as module
from dlc_toolbox.exchange.writers.formats import FORMATS, check_formats, export_poses, how_to_open
from dlc_toolbox.exchange.writers.poses import Poses, gather
from dlc_toolbox.project import records
from dlc_toolbox.project.long_tables import write_long_table
from dlc_toolbox.project.tables import make_table
from tests.dlc_toolbox.exchange.writers.toy import PARTS, STEM, settings
from tests.limits import files_up_to

OWN = [name for name, form in FORMATS.items() if not form.packages]


@pytest.mark.parametrize("name", OWN)
def test_what_is_current_is_kept(poses, name, monkeypatch, caplog):
    caplog.set_level("INFO")
    files = export_poses(poses, name)
    assert f"; wrote {files[0]}" in caplog.text
    with monkeypatch.context() as patch:
        patch.setitem(FORMATS, name, replace(FORMATS[name], write=None))
        assert export_poses(poses, name) == files
    assert f"{files[0].name}: skipped, it is current" in caplog.text
    export_poses(poses, name, overwrite=True)
    assert f"{files[0].name}: being made, because --overwrite asks for it" in caplog.text


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("name", FORMATS)
def test_what_the_system_does_not_take_leaves_nothing(poses, name, share, tmp_path):
    for package in FORMATS[name].packages:
        pytest.importorskip(package)
    whole, into = export_poses(poses, name, tmp_path / "whole"), tmp_path / "into"
    allowed = int(share * max(path.stat().st_size for path in whole))
    with files_up_to(allowed), pytest.raises(UsersError, match="could not be written: File too large"):
        export_poses(poses, name, into)
    assert {path.suffix for path in into.rglob("*")} <= {".json"}  # which says that the table is not finished
    assert [path.name for path in export_poses(poses, name, into)] == [path.name for path in whole]


def test_what_is_stale_is_written_again(video, network, poses, table, tell, caplog):
    caplog.set_level("INFO")
    export_poses(poses, "csv")
    export_poses(poses, "sleap")
    tell(table, fps=50.0)
    export_poses(gather(video, network, settings()), "csv")
    assert f"{STEM}_seconds.csv: being made, because fps changed" in caplog.text
    other = gather(video, network, replace(settings(), skeleton=(("nose", "paw"),)))
    caplog.clear()
    export_poses(other, "csv")
    export_poses(other, "sleap")
    assert f"{STEM}_seconds.csv: skipped" in caplog.text
    assert f"{STEM}.analysis.h5: being made, because fps and skeleton changed" in caplog.text


def test_a_file_whose_record_was_not_written_is_not_that_of_the_record_before(
    video, network, poses, table, tell, monkeypatch
):
    (path,) = export_poses(poses, "csv")
    before = path.read_bytes()
    tell(table, fps=50.0)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(records.Output, "write_record", Mock(side_effect=KeyboardInterrupt))
        export_poses(gather(video, network, settings()), "csv")
    assert path.read_bytes() != before
    export_poses(poses, "csv")
    assert path.read_bytes() == before


def test_one_folder_for_all(poses, tmp_path):
    (path,) = export_poses(poses, "csv", tmp_path / "new folder")
    assert path == tmp_path / "new folder" / f"{STEM}_seconds.csv"
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, f"{path.name}.json"]


def test_two_videos_of_one_name_do_not_share_a_folder(tmp_path):
    videos = [tmp_path / "a" / "day1.avi", tmp_path / "b" / "day1.mp4"]
    check_formats(["csv"], videos, None)
    with pytest.raises(ToolboxError, match=r"--into out: several videos are named day1, whose files would replace"):
        check_formats(["csv"], videos, Path("out"))


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolboxError, match=r'--to nwb needs pynwb and ndx_pose; .* pip install -e "\.\[nwb\]"'):
        check_formats(["csv", "nwb"], [], None)


def test_how_to_open_names_the_file(poses):
    assert how_to_open(poses, "movement", [Path("a") / "b.nc"]) == f"xarray.open_dataset({str(Path('a') / 'b.nc')!r})"


@pytest.mark.parametrize("name", FORMATS)
def test_memory_does_not_grow_with_the_video(tmp_path, name, monkeypatch):
    """Eight times as many frames need at most the eight bytes a frame that its time may take."""
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 500)
    monkeypatch.setattr(files_module, "_BLOCK_BYTES", 4096)
    monkeypatch.setattr(nwb, "fingerprint", lambda table: "0" * 32)  # which reads small files at once
    for package in FORMATS[name].packages:
        pytest.importorskip(package)
    peaks = []
    for frames in (2_000, 16_000):
        poses = long_poses(tmp_path / f"{frames}.h5", frames)
        files = FORMATS[name].files(poses, tmp_path / f"{frames}")
        tracemalloc.start()
        FORMATS[name].write(poses, files)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 8 * 14_000


def long_poses(table: Path, frames: int) -> Poses:
    """Poses without a video; all of them make 72 bytes a frame."""
    chunk = np.random.default_rng(0).uniform(0, 99, (2000, 3, 3))
    chunks = (make_table("DeepCut_net", PARTS, range(n, n + 2000), chunk) for n in range(0, frames, 2000))
    write_long_table(chunks, table, csv=False)
    record = {"frames": frames, "fps": 30.0, "width": 99, "height": 99, "settings": {}}
    table.with_suffix(".avi").touch()
    return Poses(table.with_suffix(".avi"), table, "DeepCut_net", PARTS, (), record)
