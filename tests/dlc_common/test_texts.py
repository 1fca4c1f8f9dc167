from pathlib import Path

import pytest

from dlc_common import UsersError
from dlc_common.texts import read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_are_certain(tmp_path: Path, encoding: str):
    (tmp_path / "a.csv").write_bytes("Größe,5\r\n猫,6\r".encode(encoding))
    assert read_text(tmp_path / "a.csv") == "Größe,5\n猫,6\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_named(tmp_path: Path, encoding: str):
    (tmp_path / "a.csv").write_bytes("scorer,Ann\n".encode(encoding))
    with pytest.raises(UsersError, match=r"a\.csv is in UTF-16, but without the mark that tells so: save it as UTF-8"):
        read_text(tmp_path / "a.csv")


def test_other_encodings_are_named_with_their_line(tmp_path: Path):
    (tmp_path / "a.csv").write_bytes(b"a,b\nGr\xf6\xdfe,5\n")
    with pytest.raises(UsersError, match=r"a\.csv line 2 is not in UTF-8"):
        read_text(tmp_path / "a.csv")
    (tmp_path / "zeros.csv").write_bytes(bytes(40))
    assert read_text(tmp_path / "zeros.csv") == "\0" * 40, "lost to zeros, which is no encoding"
