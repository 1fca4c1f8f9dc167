"""What a file is, by what it holds: so that one of another kind is named, and not called damaged."""

from __future__ import annotations

import mmap
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py

from dlc_common import in_words
from dlc_common.files import is_broken

SLEAP_PROJECT, SLEAP_ANALYSIS = "a project of SLEAP", "an analysis file of SLEAP"
EXCEL, ROIS, PYTORCH = "an Excel workbook", "a set of ROIs of ImageJ", "a file of PyTorch"
DEEPLABCUT3 = "a network of DeepLabCut 3 (PyTorch)"
PICKLE, NORPIX, KERAS, TABLE = "a pickle", "a Norpix sequence (.seq)", "a file of weights of Keras", "a table of pandas"
CHECKPOINT, MATLAB, LFS = "a part of a TensorFlow checkpoint", "a MATLAB file", "a pointer of Git LFS"
ZIP, CUT_ZIP = "a zip archive", "a zip archive, such as an Excel workbook, and damaged"
ODS, HEIF = "a workbook of LibreOffice", "a photo in HEIC or AVIF, as phones take them"
KERAS_ZIP, NUMPY = "a network of Keras (.keras)", "an array of NumPy (.npy)"
WORD, NUMBERS = "a document of Word or LibreOffice", "a workbook of Numbers"
RTF = "a text with formats (RTF), as TextEdit saves it"
SHORTCUT, PLIST = (
    "a shortcut to a file elsewhere",
    "a property list of macOS, such as iCloud leaves in the place of a file",
)
COMPOUND = "a compound file of Windows, such as a recording of Olympus (OIB) or Zeiss (ZVI)"
CZI, ND2, LIF = "a recording of Zeiss (CZI)", "a recording of Nikon (ND2)", "a recording of Leica (LIF)"
RAR, SEVEN_ZIP, COMPRESSED = "a RAR archive", "a 7z archive", "a compressed archive"
ZEROS = "full of zeros, as a power cut or an interrupted copy leaves files"
VIDEO, IMAGE, HDF5, EMPTY, JSON = "a video", "an image", "an HDF5 file", "empty", "a JSON file"

_TO_TIFF = "open it in Fiji (File > Import > Bio-Formats), and save it as TIFF"
ADVICE = {
    WORD: "save it as plain text, or its table as csv",
    NUMBERS: "export it as csv",
    RTF: "save it as plain text (in TextEdit: Format > Make Plain Text)",
    SHORTCUT: "copy the file itself",
    PLIST: "fetch the file itself",
    **dict.fromkeys((COMPOUND, CZI, ND2, LIF), _TO_TIFF),
    **dict.fromkeys((RAR, SEVEN_ZIP, COMPRESSED), "unpack it"),
    SLEAP_PROJECT: "ImportLabels.py takes its labels over",
    SLEAP_ANALYSIS: "ImportLabels.py takes its poses over as machine labels, where it is saved as .h5",
    EXCEL: "save it as csv",
    ZIP: "unpack it",
    CUT_ZIP: "copy it again",
    ODS: "save it as csv",
    HEIF: "save it as png or jpg, and in the phone's settings choose 'Most compatible'",
    KERAS_ZIP: "save its weights alone, by model.save_weights('name.weights.h5')",
    NUMPY: "save it in Python as TIFF, by tifffile.imwrite, or as csv",
    ROIS: "choose Analyze > Measure in Fiji, and save the Results as csv",
    PYTORCH: "it cannot be read here, and nothing in it was run",
    DEEPLABCUT3: (
        "it computes otherwise than the networks here, so it cannot be used (nothing in it was run). Train one here on "
        "the same labels, which Generating_a_Training_Set/ImportLabels.py takes along, or go on with it in DeepLabCut 3"
    ),
    PICKLE: "none is ever loaded, because it may run code; save it as csv where it was made",
    NORPIX: "export it as AVI with the program of the camera",
    CHECKPOINT: "name the checkpoint without its ending",
    LFS: "the file itself was never fetched: run `git lfs pull`",
    EMPTY: "copy it again, or make it again",
    ZEROS: "copy it again, or make it again",
}
"""What to do with a file of a kind, as it reads behind a colon."""

_BEGINNINGS = {
    b"L\0\0\0\x01\x14\x02\0": SHORTCUT,
    b"book\0\0\0\0mark": SHORTCUT,
    b"[InternetShortcut]": SHORTCUT,
    b"bplist00": PLIST,
    b"{\\rtf": RTF,
    b"ZISRAWFILE": CZI,
    b"\xda\xce\xbe\n": ND2,
    b"\x70\0\0\0": LIF,
    b"Iout": ROIS,
    b"\xed\xfe\x00\x00N\x00o\x00r\x00p\x00i\x00x\x00": NORPIX,
    b"MATLAB ": MATLAB,
    b"version https://git-lfs": LFS,
    b"\x89PNG\r\n": IMAGE,
    b"\xff\xd8\xff": IMAGE,
    b"II*\x00": IMAGE,
    b"MM\x00*": IMAGE,
    b"GIF8": IMAGE,
    b"\0\0\0\x0cjP  ": IMAGE,
    b"\x93NUMPY": NUMPY,
    b"\x1aE\xdf\xa3": VIDEO,
    b"%PDF": "a PDF",
    b"Rar!": RAR,
    b"7z\xbc\xaf": SEVEN_ZIP,
    b"\x1f\x8b": COMPRESSED,
    b"BZh": COMPRESSED,
    b"\xfd7zXZ\0": COMPRESSED,
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.": PYTORCH,  # of before PyTorch 1.6
}
_TEXTS: dict[str, str] = {
    r"\s*<(!doctype html|html)": "a web page",
    r"[^\n]*\bframe_idx,instance\.score": SLEAP_ANALYSIS,
    r"\s*<\?xml": "an XML file",
    r"\s*<[a-z]\w*[\s>]": "an XML file",
    r"\s*[\[{]\s*[\"\[{\]}]": JSON,
}
_COMPOUND = b"\xd0\xcf\x11\xe0"
_STREAMS = {"Workbook": EXCEL, "Book\0": EXCEL, "WordDocument": WORD}
"""What a compound file is, by the name of what is in it."""
_PHOTO_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif"}
_HEAD_BYTES = 1024
_PICKLE_BYTES = 2**22  # that of a ResNet-50 with the state of its optimizer has a twentieth


def kind_of(path: Path) -> str | None:
    """Tell what a file is.

    Parameters
    ----------
    path : Path
        An existing file.

    Returns
    -------
    str or None
        One of the names above, as it reads behind 'is'; None for what is not known here, such as a csv.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        return EMPTY
    if re.search(r"\.(meta|data-\d{5}-of-\d{5})$", path.name):
        return CHECKPOINT
    if not any(head):
        return ZEROS
    for beginning, kind in _BEGINNINGS.items():
        if head.startswith(beginning):
            return kind
    if head.startswith(_COMPOUND):
        return _inside(path, _in_compound) or COMPOUND
    if head[4:8] == b"ftyp" and head[8:12] in _PHOTO_BRANDS:
        return HEIF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return IMAGE
    if head[4:8] == b"ftyp" or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return VIDEO
    if head.startswith(b"PK\x03\x04"):
        return _inside(path, _in_zip) or CUT_ZIP
    if h5py.is_hdf5(path):
        return _inside(path, _in_hdf5) or HDF5
    if re.match(rb"\x80[\x02-\x05]", head):
        return PICKLE
    text = head.decode("utf-8", errors="replace").removeprefix("\ufeff").lower()
    return next((kind for pattern, kind in _TEXTS.items() if re.match(pattern, text)), None)


def wrong_kind(path: Path, wanted: str, *accepted: str) -> str | None:
    """Say that a file is of another kind, with what to do.

    Parameters
    ----------
    path : Path
        A file that could not be read, or that is not to be tried.
    wanted : str
        What should have been there, such as 'a table of labels'.
    *accepted : str
        Kinds that are right, so that what is wrong with the file lies elsewhere.

    Returns
    -------
    str or None
        A message, also that the file may not be read; None where the kind is not known, or right.
    """
    try:
        kind = kind_of(path)
    except PermissionError as error:
        return in_words(error)
    except OSError:
        return None
    if kind is None or kind in accepted:
        return None
    advice = f": {ADVICE[kind]}" if kind in ADVICE else ""
    return f"{path} is {kind}, not {wanted}{advice}"


def _inside(path: Path, look: Callable[[Path], str | None]) -> str | None:
    """Look into a file that may be damaged."""
    try:
        return look(path)
    except Exception:  # zipfile and h5py raise many types
        return None


def _in_zip(path: Path) -> str | None:
    """Tell what a zip archive holds."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if pickles := [name for name in names if name.endswith("data.pkl")]:
            with archive.open(pickles[0]) as content:
                return _in_pytorch(content.read(_PICKLE_BYTES))
    for beginning, kind in (("xl/", EXCEL), ("word/", WORD), ("Index/Document.iwa", NUMBERS)):
        if any(name.startswith(beginning) for name in names):
            return kind
    if names and all(name.endswith(".roi") for name in names):
        return ROIS
    if {"config.json", "model.weights.h5"} <= {*names}:
        return KERAS_ZIP
    if {"mimetype", "content.xml"} <= {*names}:
        with zipfile.ZipFile(path) as archive:
            return WORD if b"opendocument.text" in archive.read("mimetype") else ODS
    return "an archive of NumPy arrays" if names and all(name.endswith(".npy") for name in names) else ZIP


def _in_compound(path: Path) -> str | None:
    """Tell what a compound file holds, as Excel and Word wrote it up to 2003."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return next((kind for name, kind in _STREAMS.items() if content.find(name.encode("utf-16-le")) > 0), None)


def _in_pytorch(pickled: bytes) -> str:
    """Tell whose a file of PyTorch is by names that stand in its pickle, of which nothing is loaded."""
    return DEEPLABCUT3 if all(name in pickled for name in (b"backbone.", b"heads.bodypart.")) else PYTORCH


def _in_hdf5(path: Path) -> str | None:
    """Tell what an HDF5 file holds."""
    if is_broken(path):
        return None
    with h5py.File(path, "r") as file:
        names = set(file)
        if {"metadata", "frames", "instances", "points"} <= names or path.suffix.lower() == ".slp":
            return SLEAP_PROJECT
        if {"tracks", "node_names"} <= names:
            return SLEAP_ANALYSIS
        if names & {"layers", "_layer_checkpoint_dependencies", "model_weights"} or "layer_names" in file.attrs:
            return KERAS
        if any("pandas_type" in item.attrs for item in file.values()):
            return TABLE
    return None
