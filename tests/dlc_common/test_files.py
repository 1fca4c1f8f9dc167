import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from dlc_common import UsersError
from dlc_common.files import is_broken, replacing, replacing_folder, seal, sealed, write_if_changed


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_file_appears_with_its_folder(tmp_path: Path):
    path = tmp_path / "new" / "a.txt"
    with replacing(path) as temporary:
        assert (temporary.parent, temporary.suffix) == (path.parent, ".txt")
        temporary.write_text("x")
        assert not path.exists()
    assert path.read_text() == "x"
    assert names(path.parent) == ["a.txt"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_full_disk_is_told_and_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    message = r"a\.txt could not be written: No space left.*Free disk space"
    with pytest.raises(UsersError, match=message), replacing(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_that_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    message = r"a\.txt could not be written: Permission denied"
    with pytest.raises(UsersError, match=message), replacing(tmp_path / "a.txt"):
        pytest.fail("the block must not run")


def test_a_file_that_holds_the_content_already_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    path = tmp_path / "new" / "a.txt"
    for content in (b"old", b"new"):
        write_if_changed(path, content)
        assert path.read_bytes() == content
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    write_if_changed(path, b"new")
    for content in (b"old", b"newer"):
        with pytest.raises(UsersError, match=r"a\.txt could not be written: Read-only file system"):
            write_if_changed(path, content)


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_are_those_of_any_new_file(tmp_path: Path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path):
    path = tmp_path / "f"
    for name in ("old.txt", "new.txt"):
        with replacing_folder(path) as temporary:
            (temporary / name).touch()
    assert names(path) == ["new.txt"]
    assert names(tmp_path) == ["f"]


def test_an_error_leaves_the_old_folder(tmp_path: Path):
    path = tmp_path / "f"
    path.mkdir()
    (path / "old.txt").touch()
    with pytest.raises(UsersError, match="f could not be written"), replacing_folder(path) as temporary:
        (temporary / "half.txt").touch()
        raise OSError(errno.ENOSPC, "No space left on device")
    assert names(path) == ["old.txt"]
    assert names(tmp_path) == ["f"]


def test_two_runs_that_replace_one_folder_do_not_mix(tmp_path: Path):
    folder = tmp_path / "day1"
    with replacing_folder(folder) as first, replacing_folder(folder) as second:
        (first / "img1.png").write_text("first")
        (second / "img2.png").write_text("second")
    assert [path.name for path in folder.iterdir()] == ["img1.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["day1"]


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param({"day1"}, id="the old one cannot be moved away"),
        pytest.param({"new"}, id="the new one cannot be moved in"),
        pytest.param({"new", "old"}, id="nor the old one be renamed back, only copied"),
    ],
)
def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: set[str]
):
    """As on Windows, where a folder cannot be renamed while a program has one of its files open."""
    folder = tmp_path / "day1"
    folder.mkdir()
    (folder / "img1.png").write_text("old")
    for function in ("replace", "rename"):
        monkeypatch.setattr(os, function, refusing(refused, getattr(os, function)))
    with pytest.raises(UsersError, match="Permission denied"), replacing_folder(folder) as temporary:
        (temporary / "img1.png").write_text("new")
    assert (folder / "img1.png").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["day1"]


def refusing(names: set[str], rename: Callable[..., None]) -> Callable[..., None]:
    """Return a renaming that refuses files and folders of these names."""

    def rename_or_refuse(source: os.PathLike, target: os.PathLike) -> None:
        if Path(source).name in names:
            raise PermissionError(13, "Permission denied")
        rename(source, target)

    return rename_or_refuse


def test_the_only_copy_of_a_folder_is_never_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "day1"
    folder.mkdir()
    (folder / "img1.png").write_text("old")
    monkeypatch.setattr(os, "replace", refusing({"new"}, os.replace))
    monkeypatch.setattr(shutil, "move", refusing({"old"}, shutil.move))
    with pytest.raises(UsersError, match="Permission denied"), replacing_folder(folder):
        pass
    (kept,) = tmp_path.rglob("img1.png")
    assert kept.read_text() == "old"


def test_what_a_killed_run_left_is_cleared_after_a_day(tmp_path: Path):
    video, images, fresh = (tmp_path / f".part-{name}" for name in ("a.mp4", "b", "c.mp4"))
    for path in (video, fresh):
        path.write_bytes(b"half")
    images.mkdir()
    for path in (video, images):
        os.utime(path, (0, 0))
    with replacing(tmp_path / "labels.csv") as temporary:
        temporary.write_text("x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [fresh.name, "labels.csv"]


def test_any_damage_to_a_sealed_file_is_noticed_and_others_are_left_alone(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["values"] = np.arange(1000)
    assert not is_broken(path)  # not seal
    bare = path.read_bytes()
    seal(path)
    assert path.read_bytes() == sealed(bare)
    assert not is_broken(path)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["values"], np.arange(1000))
    content = path.read_bytes()
    for place in (0, len(content) // 2, len(content) - 1):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        assert is_broken(path)


def test_the_temporary_name_has_both_suffixes(tmp_path: Path):
    path = tmp_path / "snapshot-7.weights.h5"
    path.write_text("old")
    with replacing(path) as temporary:
        assert temporary.parent == tmp_path and temporary.name.endswith(".weights.h5")
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
