"""Recordings that are no video files: folders of images, and TIFF files with a page per frame."""

from __future__ import annotations

import logging
import mimetypes
import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from dlc_common import UsersError
from dlc_common.images import IMAGE_SUFFIXES, TIFF_SUFFIXES, as_rgb8, images_in, list_images, read_image
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.layout import Layout, first_step_advice, is_output_folder
from dlc_toolbox.project.settings import AnalysisSettings
from dlc_toolbox.video.video import Crop, Recording, Video, find_videos, videos_in

log = logging.getLogger(__name__)

_IMAGE_DESCRIPTION = 270  # the TIFF tag


def open_frames(path: Path, crop: Crop | None = None) -> Recording:
    """Open the frames of a video file, a folder of images or a TIFF file.

    Parameters
    ----------
    path : Path
        The file or folder.
    crop : (x1, x2, y1, y2), optional
        Keep x1 <= x < x2 and y1 <= y < y2, in pixels of the upright frame.

    Returns
    -------
    Recording
        Its frames.

    Raises
    ------
    ToolboxError
        When no frame can be read, or the crop does not lie inside the frame.
    """
    if path.is_dir():
        return ImageFolder(path, crop)
    return TiffStack(path, crop) if path.suffix.lower() in TIFF_SUFFIXES else Video(path, crop)


class _Sequence(Recording):
    """Images in a row, whose frame rate nothing tells. Each has its row; one that cannot be read is a lost frame."""

    def __init__(self, path: Path, crop: Crop | None, count: int):
        first = next((image for image in self._images(path, 0) if image is not None), None)
        if first is None:
            raise ToolboxError(f"{path} has no image that can be read")
        height, width = first.shape[:2]
        super().__init__(path, crop, full_size=(width, height), header_frames=count)

    @abstractmethod
    def _images(self, path: Path, start: int) -> Iterator[np.ndarray | None]:
        """Yield the images from one on, or None for those that cannot be read."""

    def frames(self, start: int = 0) -> Iterator[tuple[int, np.ndarray | None]]:
        """Yield each image with its number, see `Recording.frames`; those before `start` are not read."""
        for row, image in enumerate(self._images(self.path, start), start):
            if image is not None and image.shape[:2] != (self.full_height, self.full_width):
                log.debug("%s: image %d is lost, because its size differs from the first's", self.path, row)
                image = None
            yield row, None if image is None else np.array(image[self._window], order="C")


class ImageFolder(_Sequence):
    """The images of a folder as the frames of a video, in numeric order; parameters and errors as of `open_frames`.

    All have one suffix and a number in their names.
    """

    def __init__(self, path: Path, crop: Crop | None = None):
        suffixes = sorted({image.suffix.lower() for image in images_in(path)})
        if len(suffixes) != 1:
            found = f"images of several types ({', '.join(suffixes)})" if suffixes else "no image"
            raise ToolboxError(f"{path} holds {found}; a folder that is one recording holds images of one type")
        self._paths = list_images(path, suffixes[0])
        super().__init__(path, crop, len(self._paths))

    def _images(self, path: Path, start: int) -> Iterator[np.ndarray | None]:
        for image in self._paths[start:]:
            try:
                yield read_image(image)
            except UsersError as error:
                log.debug("lost: %s", error)
                yield None


class TiffStack(_Sequence):
    """The pages of a TIFF file as the frames of a video; parameters and errors as of `open_frames`.

    What follows the last page that can be found has no row.
    """

    def __init__(self, path: Path, crop: Crop | None = None):
        with _opened(path) as image:
            self._count = _count_pages(image)
            told = re.match(r"ImageJ=(?s:.*?)\nimages=([0-9]+)", str(image.tag_v2.get(_IMAGE_DESCRIPTION, "")))
        if told and int(told[1]) > self._count:
            raise ToolboxError(
                f"{path} holds {told[1]} images of which only {self._count} can be found: it is incomplete, or larger "
                "than 4 GB in a form that only ImageJ reads. Save it there as Image Sequence, and analyze the folder"
            )
        super().__init__(path, crop, self._count)

    def _images(self, path: Path, start: int) -> Iterator[np.ndarray | None]:
        with _opened(path) as image:
            for page in range(start, self._count):
                yield _page(image, page, path)


def _opened(path: Path) -> TiffImageFile:
    """Open a TIFF file."""
    if not path.is_file():
        raise ToolboxError(f"{path} does not exist")
    try:
        image = Image.open(path, formats=["TIFF"])
    except Exception as error:  # Pillow raises many types on damaged files
        raise ToolboxError(f"{path} is damaged or no TIFF file ({error})") from error
    assert isinstance(image, TiffImageFile)
    return image


def _count_pages(image: Image.Image) -> int:
    """Return the number of pages up to the last that can be found."""
    count = page = 0
    while True:
        try:
            image.seek(page)
            count = page + 1
        except EOFError:
            return count
        except Exception as error:  # a damaged page; those behind it may still be found
            log.debug("page %d: %s", page, error)
        page += 1


def _page(image: Image.Image, page: int, path: Path) -> np.ndarray | None:
    """Read one page, None if it is damaged."""
    try:
        image.seek(page)
        return as_rgb8(image, path)
    except Exception as error:
        log.debug("%s: page %d is lost (%s)", path, page, error)
        return None


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


def _as_recordings(folder: Path, images: list[Path]) -> list[Path]:
    """Return the TIFF files that are recordings of their own, or the folder that is one."""
    return images if _any_stack(images) else [folder]


def _any_stack(images: list[Path]) -> bool:
    """Tell whether any image is a TIFF file of several pages."""
    return any(image.suffix.lower() in TIFF_SUFFIXES and _has_pages(image) for image in images)


def _has_pages(path: Path) -> bool:
    """Tell a TIFF file of several pages from a single image; a damaged one counts as a single image."""
    try:
        with _opened(path) as image:
            image.seek(1)
    except Exception:
        return False
    return True


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
        See `video.find_videos` and `sequences.recordings_in`.

    Raises
    ------
    ToolboxError
        When there is none.
    """
    folder = layout.analysis_root / Path(settings.videofolder).expanduser()
    return find_videos(
        named or [folder],
        settings.videotype,
        first_step_advice(layout.root),
        within=lambda folder, suffix: recordings_in(folder, suffix, whatever=bool(named)),
    )
