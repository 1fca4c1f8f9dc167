import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from deepercut import DeepercutError
from deepercut.inference import engines
from deepercut.weights import pretrained
from dlc_toolbox.project import layout
from dlc_toolbox.video import video

DOCTOR = Path(__file__).resolve().parents[1] / "doctor.py"


@pytest.fixture
def doctor() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(DOCTOR)))


@pytest.fixture
def ask(doctor: SimpleNamespace, toy_project: Path, capsys: pytest.CaptureFixture):
    """``ask(name)``: the outcome of one check of the toy project, and what it printed."""

    def one(name: str) -> tuple[bool, str]:
        return doctor.examine(name, *doctor.CHECKS[name], toy_project), capsys.readouterr().out

    return one


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Python", sys.executable),
        ("Packages", "all "),
        ("Devices", "cpu:0"),
        ("Engine", "CPU ("),
        ("Video", "h264 and mjpeg"),
        ("Settings", "Task 'toy' in both files"),
        ("Disk", "can be written to"),
    ],
)
def test_a_sound_installation(ask, monkeypatch: pytest.MonkeyPatch, name: str, found: str):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=6e9))
    is_ok, line = ask(name)
    assert is_ok, line
    assert line.startswith(f"{name:<9} ok ")
    assert found in line


def problem(outcome: tuple[bool, str]) -> str:
    is_ok, text = outcome
    assert not is_ok
    first, advice = text.splitlines()
    assert " PROBLEM " in first
    assert " to do: " in advice
    return text


def test_an_old_python(ask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert "not one of Python 3.10 to 3.13" in problem(ask("Python"))


def test_a_missing_and_an_old_package(doctor, ask, tmp_path: Path):
    (tmp_path / "requirements.txt").write_text("NumPy>=99\nno-such-package>=1\ntqdm>=1\n")
    doctor.look_at_packages.__globals__["CHECKOUT"] = tmp_path
    text = problem(ask("Packages"))
    found = f"{np.__version__} in {Path(np.__file__).parents[1]}"
    assert f"NumPy>=99 is needed, found {found}; no-such-package>=1 is needed, found none\n" in text
    assert "pip install -r requirements.txt" in text


def put_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, package: str, metadata: str) -> None:
    """Put what pip notes of a package first on Python's path."""
    home = folder / f"{package}.dist-info"
    home.mkdir(parents=True)
    (home / "METADATA").write_text(metadata)
    monkeypatch.syspath_prepend(folder)


def test_of_two_versions_the_one_that_python_imports_counts(ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put_on_path(tmp_path / "old", monkeypatch, "numpy-1.24.4", "Name: numpy\nVersion: 1.24.4\n")
    text = problem(ask("Packages"))
    assert re.search(rf"numpy>=\S+ is needed, found 1\.24\.4 in {re.escape(str(tmp_path / 'old'))}\n", text)
    assert "unset PYTHONPATH" in text


@pytest.mark.parametrize("backport", ["none", "importlib_metadata"])
def test_damaged_metadata_is_passed_over_or_told_with_its_folder(doctor, ask, tmp_path: Path, monkeypatch, backport):
    if backport != "none":
        monkeypatch.setattr(sys, "meta_path", [pytest.importorskip(backport).MetadataPathFinder(), *sys.meta_path])
    for package in ("numpy-2.0", "unwanted-1.0", "wanted-1.0"):
        put_on_path(tmp_path / package, monkeypatch, package, "")
    is_well, told = ask("Packages")
    assert is_well, told
    (tmp_path / "requirements.txt").write_text("wanted\n")
    doctor.look_at_packages.__globals__["CHECKOUT"] = tmp_path
    assert f"wanted is needed, found one with damaged metadata in {tmp_path / 'wanted-1.0'}\n" in problem(
        ask("Packages")
    )


def test_an_engine_that_does_not_start(ask, toy_project: Path, monkeypatch: pytest.MonkeyPatch):
    def start(engine: str) -> str:
        if engine == "openvino":
            raise DeepercutError("OpenVINO does not start (no DLL): install it again")
        return f"a device for {engine}"

    monkeypatch.setattr(engines, "device_name", start)
    settings = toy_project / "myconfig_analysis.py"
    given = settings.read_text()
    for engine, found in (
        ("auto", "auto"),
        ("fast", "auto"),
        ("keras", "auto, a device for keras"),
        ("abacus", "auto"),
    ):
        settings.write_text(f"{given}engine = {engine!r}\n")
        assert ask("Engine")[1].endswith(f" a device for {found}\n")
    settings.write_text(f"{given}engine = 'openvino'\n")
    assert "OpenVINO does not start (no DLL)" in problem(ask("Engine"))


def test_whatever_cannot_be_imported_is_a_matter_of_installation(ask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "dlc_toolbox.project.settings", None)
    text = problem(ask("Settings"))
    assert "dlc_toolbox.project.settings" in text
    assert "pip install -r requirements.txt" in text


def test_a_device_that_computes_wrongly(ask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keras.ops, "conv", lambda *_: np.full((1, 7, 7, 2), 26.0))
    assert "cpu:0 computes 26.0 to 26.0 where 27 is right" in problem(ask("Devices"))


def test_a_gpu_that_lies_idle_is_no_problem_but_said(ask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0"])
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    is_ok, line = ask("Devices")
    assert is_ok
    assert "the NVIDIA GPU is not used" in line


def test_a_codec_that_loses_frames(ask, monkeypatch: pytest.MonkeyPatch):
    frames = [np.full((48, 64, 3), 60.0), None, np.full((48, 64, 3), 180.0)]
    monkeypatch.setattr(video, "Video", lambda _: frames)
    assert "libx264: frames as gray as [60, 120, 180] came back as [60, nan, 180]" in problem(ask("Video"))


def test_settings_that_steps_would_refuse(ask, toy_project: Path):
    with (toy_project / "myconfig_analysis.py").open("a") as file:
        file.write("pcutof = 0.3\n")
    assert "did you mean pcutoff?" in problem(ask("Settings"))


def test_two_files_that_disagree(ask, toy_project: Path):
    with (toy_project / "myconfig_analysis.py").open("a") as file:
        file.write("Task = 'reach'\npcutoff = 0.3\n")
    text = problem(ask("Settings"))
    assert "Task is 'toy' in myconfig.py, 'reach' in myconfig_analysis.py; pcutoff is 0.1 in myconfig.py, 0.3" in text


def test_weights(ask, tmp_path: Path, toy_project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layout, "CHECKOUT", tmp_path)
    of_checkout = tmp_path / "pose-tensorflow/models/pretrained/resnet_v1_50.weights.h5"
    assert f"{of_checkout} does not exist" in problem(ask("Weights"))
    path = toy_project / "pose-tensorflow/models/pretrained/resnet_v1_50.weights.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a download")
    text = problem(ask("Weights"))
    assert "resnet_v1_50.weights.h5 is damaged" in text
    assert f"download.py --project {shlex.quote(str(toy_project))}\n" in text
    monkeypatch.setattr(pretrained, "is_sound", lambda found, depth: (found, depth) == (path, 50))
    assert ask("Weights")[0]
    of_v1 = path.with_name("resnet_v1_50.ckpt")
    of_v1.write_bytes(b"half a download")
    assert "resnet_v1_50.ckpt is damaged" in problem(ask("Weights"))


def test_a_full_disk(ask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1.25e9))
    assert "1.2 GB are free" in problem(ask("Disk"))


def test_a_folder_that_may_not_be_written(doctor, ask, toy_project: Path, monkeypatch: pytest.MonkeyPatch):
    tried = []

    def refuse(dir: Path):
        tried.append(dir)
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=6e9))
    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    assert f"Permission denied: '{toy_project / 'Generating_a_Training_Set'}'" in problem(ask("Disk"))
    assert tried == [toy_project / "Generating_a_Training_Set"]


def test_the_disk_of_the_videos(doctor, ask, toy_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    elsewhere = tmp_path / "share"
    with (toy_project / "myconfig_analysis.py").open("a") as file:
        file.write(f"videofolder = {str(elsewhere)!r}\n")
    free = {elsewhere: 7e9}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free.get(path, 9e9)))
    assert f"9 GB are free, and {toy_project} can be written to" in ask("Disk")[1]  # no such folder, no disk
    elsewhere.mkdir()
    assert f"7 GB are free, and {toy_project} and {elsewhere} can be written to" in ask("Disk")[1]
    free[elsewhere] = 0
    assert f"0.0 GB are free in {elsewhere}" in problem(ask("Disk"))
    free[elsewhere] = 7e9

    def refuse(dir: Path):
        if dir == elsewhere:
            raise OSError(30, "Read-only file system", str(dir))
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    text = problem(ask("Disk"))
    assert f"Read-only file system: '{elsewhere}'" in text and "name it in videofolder" in text


@pytest.mark.parametrize("package", ["dlc_toolbox.project.settings", "dlc_toolbox.project.layout"])
def test_the_disk_is_looked_at_with_broken_packages_too(ask, monkeypatch: pytest.MonkeyPatch, package: str):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=6e9))
    monkeypatch.setitem(sys.modules, package, None)
    assert ask("Disk")[0]


@pytest.mark.parametrize("name", ["nowhere", "file", "~nobody-of-this-name"])
def test_a_project_that_is_no_folder_is_wrong_usage(doctor, tmp_path: Path, capsys, name: str):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="2"):
        doctor.main(["--project", name if name.startswith("~") else str(tmp_path / name)])
    assert f"{name} is no folder" in capsys.readouterr().err


def test_verbose_shows_where_a_problem_arose(doctor, capsys):
    def look(root: Path) -> str:
        raise OSError("no luck")

    doctor.main.__globals__["CHECKS"] = {"One": (look, "try")}
    for flags, shown in (([], False), (["--verbose"], True)):
        assert doctor.main(flags) == 1
        assert ("Traceback" in capsys.readouterr().out) == shown


@pytest.mark.parametrize(("second", "code"), [("all right", 0), (OSError(), 1)])
def test_the_exit_code_tells_and_no_check_is_left_out(doctor, tmp_path: Path, capsys, second, code: int):
    def look(root: Path) -> str:
        if isinstance(second, Exception):
            raise second
        return f"{second} in {root}"

    doctor.main.__globals__["CHECKS"] = {"One": (look, "try"), "Two": (lambda _: "fine", "")}
    assert doctor.main(["--project", str(tmp_path)]) == code
    one, *_, two, last = capsys.readouterr().out.splitlines()
    assert (
        one.split(maxsplit=2) == ["One", "PROBLEM", "OSError()"] if code else ["One", "ok", f"all right in {tmp_path}"]
    )
    assert two == "Two       ok       fine"
    assert last == ("Problems: 1. Begin with the first." if code else "All is well.")
