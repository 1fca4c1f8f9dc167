"""Recordings that are no video files: folders of images, and TIFF files with a page per frame."""

from __future__ import annotations

import mimetypes
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from dlc_common import UsersError
from dlc_common.images import (
    CROP_PREVIEW,
    IMAGE_SUFFIXES,
    TIFF_SUFFIXES,
    images_in,
    read_image,
    refuse_unnumbered,
    type_of,
)
from dlc_common.kinds import IMAGE, wrong_kind
from dlc_common.pixels import UnknownRangeError, as_rgb8, white_of
from dlc_common.tiff import TiffPages, is_tiff
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.layout import Layout, first_step_advice, is_output_folder
from dlc_toolbox.project.settings import AnalysisSettings
from dlc_toolbox.video.finding import find_videos, videos_in
from dlc_toolbox.video.order import gaps, hexadecimal, in_order
from dlc_toolbox.video.recording import Crop, Frame, Reading, Recording
from dlc_toolbox.video.turns import remarks_on_turns
from dlc_toolbox.video.video import Video

_SAMPLED_PAGES = 16  # that tell how many bits a stack uses
_SAMPLED_IMAGES = 16  # that tell which size is usual
_FINEST_INTERVAL = 10**6


def open_frames(path: Path, crop: Crop | None = None, reading: Reading | None = None) -> Recording:
    """Open the frames of a video file, a folder of images or a TIFF file.

    Parameters
    ----------
    path : Path
        The file or folder.
    crop : (x1, x2, y1, y2), optional
        Keep x1 <= x < x2 and y1 <= y < y2, in pixels of the upright frame.
    reading : Reading, optional
        How it is read where it leaves a choice.

    Returns
    -------
    Recording
        Its frames.

    Raises
    ------
    ToolboxError
        When no frame can be read, the crop does not lie inside the frame, or there is nothing of what `reading` names.
    """
    kind = ImageFolder if path.is_dir() else TiffStack if is_stack(path) else Video
    return kind(path, crop, reading)


def is_stack(path: Path) -> bool:
    """Tell a TIFF file by its name, or by how it begins: microscopes call theirs .lsm, .btf and more."""
    if path.suffix.lower() in TIFF_SUFFIXES or not path.is_file():
        return path.suffix.lower() in TIFF_SUFFIXES
    with path.open("rb") as file:
        return is_tiff(file.read(4))


class _Sequence(Recording):
    """Images in a row. Each has its row; one that cannot be read is a lost frame."""

    def __init__(self, path: Path, crop: Crop | None, reading: Reading, count: int, rate: Fraction | None = None):
        self.path, self._count = path, count
        height, width = self._usual_shape()
        super().__init__(path, crop, full_size=(width, height), header_frames=count, reading=reading, rate=rate)

    @abstractmethod
    def _images(self, rows: Iterable[int]) -> Iterator[np.ndarray | Exception]:
        """Yield images, or why one cannot be read."""

    def _usual_shape(self) -> tuple[int, int]:
        """Return height and width that most images have, by some of them; of as many, those of the first."""
        shapes, reasons = Counter[tuple[int, int]](), list[Exception]()
        rows = range(self._count)
        for image in chain(self._images(rows[:: -(-self._count // _SAMPLED_IMAGES)]), self._images(rows)):
            if len(reasons) + shapes.total() >= min(_SAMPLED_IMAGES, self._count) and shapes:
                break
            if isinstance(image, Exception):
                reasons.append(image)
            else:
                shapes[image.shape[:2]] += 1
        if not shapes:
            raise ToolboxError(f"{self.path} has no image that can be read: {reasons[0]}")
        return shapes.most_common(1)[0][0]

    def _read(self, start: int) -> Iterator[tuple[int, np.ndarray | None, Frame]]:
        """Yield each image with its number, see `Recording.frames`; those before `start` are not read."""
        rows = range(start, self._count)
        for row, image in zip(rows, self._images(rows), strict=True):
            if isinstance(image, Exception):
                yield row, None, Frame.LOST
            elif image.shape[:2] != (self.full_height, self.full_width):
                yield row, None, Frame.OTHER_SIZE
            else:
                yield row, np.array(image[self._window], order="C"), Frame.LOST

    def why_lost(self, row: int) -> str:
        """Tell why an image is lost, see `Recording.why_lost`."""
        image = next(self._images([row]))
        if isinstance(image, Exception):
            return f"cannot be read: {image}"
        return f"has {image.shape[1]} x {image.shape[0]} pixels"


class ImageFolder(_Sequence):
    """The images of a folder as the frames of a video, see `order`; parameters and errors as of `open_frames`.

    All have one suffix and a number in their names.
    """

    def __init__(self, path: Path, crop: Crop | None = None, reading: Reading | None = None):
        reading = reading or Reading()
        images = [image for image in images_in(path) if image.name != CROP_PREVIEW]
        types = sorted({type_of(image) for image in images})
        if len(types) != 1:
            found = f"images of several types ({', '.join(types)})" if types else "no image"
            raise ToolboxError(f"{path} holds {found}; a folder that is one recording holds images of one type")
        names = [image.name for image in images]
        if not hexadecimal(names):
            refuse_unnumbered(images)
        names, self._doubts = in_order(names)
        self._paths = [path / name for name in names]
        self._channel, self._is_chosen = (reading.channel or 1) - 1, reading.channel is not None
        if self._paths[0].suffix.lower() in TIFF_SUFFIXES:
            with suppress(OSError, ValueError), TiffPages(self._paths[0]) as pages:  # a damaged one is told as lost
                _refuse_channel(path, pages, reading.channel)
        super().__init__(path, crop, reading, len(self._paths))

    def _images(self, rows: Iterable[int]) -> Iterator[np.ndarray | Exception]:
        for row in rows:
            try:
                yield read_image(self._paths[row], self._channel)
            except UsersError as error:
                yield error

    def facts(self) -> dict[str, Any]:
        """Gather what records tell, above all the names of the images in the order of the rows."""
        return super().facts() | {"images": [image.name for image in self._paths]}

    def remarks(self) -> Iterator[str]:
        """Yield what people must know, see `Recording.remarks`."""
        for doubt in self._doubts:
            yield f"the order of its images is not certain: {doubt}. Look at images in _meta.json, or rename them"
        if gap := gaps([image.name for image in self._paths]):
            yield (
                f"the numbers of its images leave out {gap[0]}, first between {gap[1][0]} and {gap[1][1]}: rows and "
                "times count the images that are there, so they do not tell when those behind were taken"
            )
        if self._paths[0].suffix.lower() in TIFF_SUFFIXES:
            with suppress(Exception), TiffPages(self._paths[0]) as pages:  # a damaged one is told as lost
                yield from _remarks_on_pages(pages, self._is_chosen)
        yield from remarks_on_turns(self._paths)
        yield from super().remarks()


class TiffStack(_Sequence):
    """The pages of a TIFF file as the frames of a video; parameters and errors as of `open_frames`.

    Of several channels one is read, of several slices the middle one. What follows the last page that can be found has
    no row.
    """

    def __init__(self, path: Path, crop: Crop | None = None, reading: Reading | None = None):
        reading = reading or Reading()
        with _opened(path) as pages:
            self._count, claimed, found = pages.time_points, pages.claimed, pages.count
            if claimed > found:
                raise ToolboxError(
                    f"{path} holds {claimed} images of which only {found} can be found: it is incomplete, or "
                    "of a form that few programs read, as ImageJ's above 4 GB and MetaMorph's. Save it in Fiji as "
                    "Image Sequence, and analyze the folder"
                )
            _refuse_channel(path, pages, reading.channel)
            self._channel, self._is_chosen = (reading.channel or 1) - 1, reading.channel is not None
            self._white = self._find_white(pages)
            interval_s = pages.interval_s
        rate = Fraction(1 / interval_s).limit_denominator(_FINEST_INTERVAL) if interval_s else None
        super().__init__(path, crop, reading, self._count, rate)

    def _find_white(self, pages: TiffPages) -> float:
        """Return what is white in the values of more than 8 bits, from some of the pages."""
        deep = []
        for row in range(0, self._count, -(-self._count // _SAMPLED_PAGES)):
            with suppress(Exception):  # a damaged page is told as lost
                values = pages.read(row, self._channel)
                deep += [values] if values.dtype != np.uint8 else []
        try:
            return white_of(deep)
        except UnknownRangeError as error:
            kind = "floats" if deep[0].dtype.kind == "f" else f"numbers of {8 * deep[0].itemsize} bits"
            raise ToolboxError(
                f"{pages.path} holds {kind}: {error}. Save it in Fiji with 8 bits (Image > Type > 8-bit)"
            ) from error

    def _images(self, rows: Iterable[int]) -> Iterator[np.ndarray | Exception]:
        with _opened(self.path) as pages:
            for row in rows:
                try:
                    values = pages.read(row, self._channel)
                    yield (
                        values
                        if values.dtype == np.uint8 and values.ndim == 3
                        else as_rgb8(values, self._white, self.path)
                    )
                except Exception as error:  # the readers raise many types on damaged files
                    yield error

    def remarks(self) -> Iterator[str]:
        """Yield what people must know, see `Recording.remarks`."""
        with _opened(self.path) as pages:
            yield from _remarks_on_pages(pages, self._is_chosen)
            if pages.orientation != 1:
                yield "is marked to be turned: it is read as it is stored, which is how Fiji shows it"
        yield from super().remarks()


def _refuse_channel(path: Path, pages: TiffPages, wanted: int | None) -> None:
    """Raise when there are several channels, but not the one that a person has chosen."""
    if wanted and 1 < pages.channels < wanted:
        raise ToolboxError(f"{path} has no channel {wanted} (channel), only {pages.channels}")


def _remarks_on_pages(pages: TiffPages, channel_is_chosen: bool) -> Iterator[str]:
    """Say which pictures of each time point are read where nobody has chosen."""
    if pages.channels > 1 and not channel_is_chosen:
        yield (
            f"holds {pages.channels} channels of each of its {pages.time_points} frames: channel 1 is read; to read "
            "another, set channel to its number in the settings"
        )
    if pages.elsewhere:
        yield (
            f"is a part of a recording: its description tells of {pages.elsewhere} frames more, which are in files of "
            "their own (of Micro-Manager: ..._1.ome.tif), or were never written. Analyze each file"
        )
    if pages.is_cut_off:
        yield f"is cut off: {pages.count} pages were found, and the last of them tells that more follow; copy it again"
    if pages.is_joined:
        yield (
            "is several TIFF files one behind the other: only the first of them is read, also by Fiji. Analyze each "
            "by itself, or join them in Fiji (Image > Stacks > Tools > Concatenate)"
        )
    if pages.untold:
        yield (
            f"was written as {' x '.join(map(str, pages.untold))} pictures, and nothing tells which of these numbers "
            f"counts frames: all {pages.time_points} are taken for frames, one row each. If some are channels or "
            "slices, say so in Fiji (Image > Hyperstacks > Stack to Hyperstack), or in Python by tifffile's axes='TCYX'"
        )
    if pages.slices > 1:
        yield (
            f"holds {pages.slices} slices (planes) of each of its {pages.time_points} frames: slice "
            f"{pages.slices // 2 + 1} is read. For another view project them in Fiji (Image > Stacks > Z Project); if "
            "the slices are the time points, exchange them there (Image > Hyperstacks > Re-order Hyperstack)"
        )


def _opened(path: Path) -> TiffPages:
    """Open a TIFF file."""
    if not path.is_file():
        raise ToolboxError(f"{path} does not exist")
    try:
        return TiffPages(path)
    except Exception as error:  # the readers raise many types on damaged files
        raise ToolboxError(
            wrong_kind(path, "a TIFF file", IMAGE) or f"{path} is damaged or no TIFF file ({error})"
        ) from error


def recordings_in(folder: Path, videotype: str, *, whatever: bool = False) -> list[Path]:
    """List the recordings of a folder: videos, TIFF files with several pages, or folders of images.

    Parameters
    ----------
    folder : Path
        The folder.
    videotype : str
        Suffix. That of images stands for the folder itself, when it holds such images, and otherwise for those of its
        sub-folders that do. With ``.tif``, if any such file has several pages, each file is a recording of its own.
    whatever : bool
        Whether images count as a recording also when `videotype` is the suffix of a video and no video is there.

    Returns
    -------
    list of Path
        In alphabetical order; without outputs.

    Raises
    ------
    ToolboxError
        When there are only images, and `videotype` asks for videos.
    """
    files = videos_in(folder, videotype)
    if videotype.lower() in IMAGE_SUFFIXES:
        if files:
            return _as_recordings(folder, files)
        folders = sorted(path for path in folder.iterdir() if path.is_dir() and not is_output_folder(path))
        return [path for path in folders if (images := videos_in(path, videotype)) and not _any_stack(images)]
    if files or _holds_videos(folder) or not (images := images_in(folder)):
        return files
    if not whatever:
        raise ToolboxError(
            f"{folder} holds no video with the suffix {videotype} (videotype), but {len(images)} images; to analyze "
            f"them as one recording, set videotype = {images[0].suffix.lower()!r}, or name the folder in the command"
        )
    return _as_recordings(folder, sorted(images))


def images_as_recordings(folder: Path) -> list[Path]:
    """List the recordings that a folder's images are: the folder, or its TIFF files; none where it holds videos."""
    images = images_in(folder)
    return _as_recordings(folder, sorted(images)) if images and not _holds_videos(folder) else []


def _as_recordings(folder: Path, images: list[Path]) -> list[Path]:
    """Return the TIFF files that are recordings of their own, or the folder that is one."""
    return images if _any_stack(images) else [folder]


def _any_stack(images: list[Path]) -> bool:
    """Tell whether any image is a TIFF file of several frames."""
    return any(image.suffix.lower() in TIFF_SUFFIXES and _has_pages(image) for image in images)


def _has_pages(path: Path) -> bool:
    """Tell a TIFF file of several frames from a single image; a damaged one counts as a single image."""
    try:
        with TiffPages(path) as pages:
            return pages.time_points > 1
    except Exception:
        return False


def _holds_videos(folder: Path) -> bool:
    """Tell whether any file of a folder is a video by its suffix."""
    return any((mimetypes.guess_type(path.name)[0] or "").startswith("video/") for path in folder.iterdir())


def videos_to_analyze(layout: Layout, settings: AnalysisSettings, named: Sequence[Path] = ()) -> list[Path]:
    """List the videos that a command names, or else those of `videofolder`; see `sequences` for other recordings.

    Parameters
    ----------
    layout : Layout
        The project; `videofolder` is relative to its Analysis-tools.
    settings : AnalysisSettings
        videofolder and videotype.
    named : sequence of Path
        Files and folders; one that holds images and no video is itself a recording.

    Returns
    -------
    list of Path
        See `finding.find_videos` and `sequences.recordings_in`.

    Raises
    ------
    ToolboxError
        When there is none.
    """
    folder = layout.analysis_root / Path(settings.videofolder).expanduser()
    of_command = "Names in a command count from the folder in which it is given."
    return find_videos(
        named or [folder],
        settings.videotype,
        of_command if named else first_step_advice(layout.root),
        within=lambda folder, suffix: recordings_in(folder, suffix, whatever=bool(named)),
    )
