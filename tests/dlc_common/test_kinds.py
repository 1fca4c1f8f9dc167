"""What people give in the place of what is wanted."""

import gzip
import json
import pickle
import re
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from dlc_common import kinds
from dlc_common.kinds import kind_of, wrong_kind
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.tables import read_table


def zipped(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "")


def zipped_pickle(path: Path, content: object) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("snapshot/data.pkl", pickle.dumps(content, protocol=2))


class Bomb:
    """Leaves a trace when its pickle is loaded."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self) -> tuple:
        return Path.touch, (self.trace,)


def sleap(path: Path, names: tuple[str, ...]) -> None:
    with h5py.File(path, "w") as file:
        for name in names:
            file.create_group(name)


COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1016)
MAKERS = {
    kinds.SLEAP_PROJECT: lambda path: sleap(path, ("metadata", "frames", "instances", "points", "videos_json")),
    kinds.SLEAP_ANALYSIS: lambda path: sleap(path, ("tracks", "node_names", "track_occupancy")),
    kinds.KERAS: lambda path: sleap(path, ("layers", "optimizer")),
    kinds.HDF5: lambda path: sleap(path, ("something",)),
    kinds.EXCEL: lambda path: zipped(path, "[Content_Types].xml", "xl/workbook.xml"),
    kinds.WORD: lambda path: zipped(path, "[Content_Types].xml", "word/document.xml"),
    kinds.NUMBERS: lambda path: zipped(path, "Index/Document.iwa", "Metadata/Properties.plist"),
    kinds.RTF: lambda path: path.write_bytes(rb"{\rtf1\ansi 1,0,12.0,5.5,1\par}"),
    kinds.SHORTCUT: lambda path: path.write_bytes(b"L\0\0\0\x01\x14\x02\0" + bytes(68)),
    kinds.PLIST: lambda path: path.write_bytes(b"bplist00\xd1\x01\x02"),
    kinds.COMPOUND: lambda path: path.write_bytes(COMPOUND + "OibInfo.txt".encode("utf-16-le") + bytes(9)),
    kinds.CZI: lambda path: path.write_bytes(b"ZISRAWFILE" + bytes(40)),
    kinds.ND2: lambda path: path.write_bytes(b"\xda\xce\xbe\n" + bytes(40)),
    kinds.LIF: lambda path: path.write_bytes(b"\x70\0\0\0" + bytes(40)),
    kinds.COMPRESSED: lambda path: path.write_bytes(gzip.compress(b"1,2,3")),
    kinds.PYTORCH: lambda path: zipped(path, "archive/data.pkl", "archive/version"),
    kinds.DEEPLABCUT3: lambda path: zipped_pickle(path, {"model": {"backbone.model.conv1": 0, "heads.bodypart.a": 1}}),
    kinds.ROIS: lambda path: zipped(path, "0001-0100-0200.roi", "0002-0100-0200.roi"),
    kinds.ZIP: lambda path: zipped(path, "annotations.xml"),
    kinds.ODS: lambda path: zipped(path, "mimetype", "content.xml", "styles.xml"),
    kinds.KERAS_ZIP: lambda path: zipped(path, "metadata.json", "config.json", "model.weights.h5"),
    kinds.NUMPY: lambda path: np.save(path.open("wb"), np.zeros(3)),
    kinds.HEIF: lambda path: path.write_bytes(b"\0\0\0\x24ftypheic\0\0\0\0mif1heic" + bytes(40)),
    kinds.PICKLE: lambda path: path.write_bytes(pickle.dumps({"a": 1})),
    kinds.NORPIX: lambda path: path.write_bytes(b"\xed\xfe\0\0" + "Norpix seq".encode("utf-16-le") + bytes(900)),
    kinds.LFS: lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
    kinds.JSON: lambda path: path.write_text(json.dumps({"images": [], "annotations": []})),
    kinds.EMPTY: lambda path: path.write_bytes(b""),
    kinds.ZEROS: lambda path: path.write_bytes(bytes(3000)),
    kinds.MATLAB: lambda path: path.write_bytes(b"MATLAB 5.0 MAT-file, Platform" + bytes(100)),
    kinds.VIDEO: lambda path: path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(40)),
    kinds.IMAGE: lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40)),
    "an XML file": lambda path: path.write_text("<annotation>\n<filename>img1.png</filename>\n</annotation>"),
    "a web page": lambda path: path.write_text("<!DOCTYPE html><title>404</title>"),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_what_a_file_is_does_not_depend_on_its_name(tmp_path: Path, kind: str):
    for name in ("file.csv", "file"):
        MAKERS[kind](tmp_path / name)
        assert kind_of(tmp_path / name) == kind


def test_what_may_not_be_read_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "labels.h5"
    path.touch()

    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    told = f"{path}: Permission denied. Is it open in another program, or does it belong to another user?"
    assert wrong_kind(path, "a table of labels") == told
    with pytest.raises(ToolboxError, match=re.escape(told)):
        read_table(path)


def test_texts_and_workbooks_of_libreoffice_are_told_apart(tmp_path: Path):
    for ending, kind in (("text", kinds.WORD), ("spreadsheet", kinds.ODS)):
        with zipfile.ZipFile(tmp_path / ending, "w") as archive:
            archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{ending}")
            archive.writestr("content.xml", "")
        assert kind_of(tmp_path / ending) == kind


@pytest.mark.parametrize(("name", "kind"), [("Workbook", kinds.EXCEL), ("WordDocument", kinds.WORD)])
def test_what_excel_and_word_wrote_up_to_2003(tmp_path: Path, name: str, kind: str):
    (tmp_path / "a.xls").write_bytes(COMPOUND + name.encode("utf-16-le") + bytes(100))
    assert kind_of(tmp_path / "a.xls") == kind


def test_no_pickle_is_run(tmp_path: Path):
    content = {"backbone.": 0, "heads.bodypart.": Bomb(tmp_path / "trace")}
    zipped_pickle(tmp_path / "snapshot-200.pt", content)
    (tmp_path / "old.pkl").write_bytes(pickle.dumps(content))
    assert kind_of(tmp_path / "snapshot-200.pt") == kinds.DEEPLABCUT3
    assert kind_of(tmp_path / "old.pkl") == kinds.PICKLE
    assert not (tmp_path / "trace").exists()
    pickle.loads((tmp_path / "old.pkl").read_bytes())
    assert (tmp_path / "trace").exists()  # so that this test can fail


def test_a_table_that_sleap_exports_as_csv(tmp_path: Path):
    path = tmp_path / "labels.csv"
    path.write_text("track,frame_idx,instance.score,nose.x,nose.y,nose.score\n,0,0.9,1,2,0.9\n")
    assert wrong_kind(path, "a table of labels") == (
        f"{path} is an analysis file of SLEAP, not a table of labels: ImportLabels.py takes its poses over as machine "
        "labels, where it is saved as .h5"
    )


@pytest.mark.parametrize("name", ["snapshot-5.meta", "snapshot-5.data-00000-of-00001"])
def test_parts_of_a_checkpoint_are_known_by_their_endings(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(bytes(10))
    assert kind_of(tmp_path / name) == kinds.CHECKPOINT


@pytest.mark.parametrize(
    "content",
    [
        b" ,X,Y,Slice\n1,2,3,1\n",
        b"scorer,Ann,Ann\nbodyparts,nose,nose\ncoords,x,y\n",
        "scorer,Ann".encode("utf-16"),
        np.arange(9).tobytes(),
        b"{not json",
    ],
)
def test_what_is_not_known_has_no_kind(tmp_path: Path, content: bytes):
    (tmp_path / "t").write_bytes(content)
    assert kind_of(tmp_path / "t") is None
    assert wrong_kind(tmp_path / "t", "anything") is None


def test_a_kind_that_is_right_and_a_file_that_is_not_there_are_not_wrong(tmp_path: Path):
    MAKERS[kinds.HDF5](tmp_path / "t.h5")
    assert wrong_kind(tmp_path / "t.h5", "a table", kinds.HDF5) is None
    assert wrong_kind(tmp_path / "gone.h5", "a table") is None


def test_damaged_containers_are_still_named(tmp_path: Path):
    (tmp_path / "t.csv").write_bytes(b"PK\x03\x04" + bytes(50))
    (tmp_path / "t.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(60))
    assert kind_of(tmp_path / "t.csv") == kinds.CUT_ZIP
    assert kind_of(tmp_path / "t.h5") == kinds.HDF5
