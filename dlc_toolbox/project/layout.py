"""Every folder, file and scorer name outside the train folders."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from dlc_common.accents import as_spelled
from dlc_common.cli import CHECKOUT
from dlc_common.images import CROP_PREVIEW, natural_key, refuse_undecodable
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.experiment import Experiment

if TYPE_CHECKING:
    from dlc_toolbox.project.settings import AnalysisSettings, Settings

LABELED_VIDEO_ENDING = "_DeepLabCutlabeled.mp4"
_FILTERED_ENDING, _FEATURES_ENDING, _CONFIDENCE_ENDING = "_filtered.h5", "_features.h5", "_confidence.h5"
SLEAP_ENDING = ".analysis.h5"
"""Ends the names of poses for SLEAP, which are no pose tables."""
_BESIDE_POSES = (_FILTERED_ENDING, _FEATURES_ENDING, _CONFIDENCE_ENDING, SLEAP_ENDING)
_SUFFIX_WITH_DIGITS = re.compile(
    r"mp4v?|mp2|mpeg[124]|m[124]v|m2(p|ts?)|m4[ps]|3g(2|pp?2?)|f4v|y4m|h?26[1-6]|h26l|avs?[123]|vp[89]|4xm|mj2|"
    r"mjp2|j2k|jp2|r3d"
)


@dataclass(frozen=True)
class Layout:
    """The folders of one project; `root` holds the two settings files.

    Parameters
    ----------
    root : Path
        The checkout, or the folder given with ``--project``.
    """

    root: Path

    @property
    def training_set_root(self) -> Path:
        """Folder that `vidpath` is relative to."""
        return self.root / "Generating_a_Training_Set"

    @property
    def pose_cfg_template(self) -> Path:
        """File that every new pose_cfg.yaml is made from: the project's own, or the checkout's."""
        own = self.training_set_root / "pose_cfg.yaml"
        return own if own.is_file() else Layout(CHECKOUT).training_set_root / "pose_cfg.yaml"

    @property
    def analysis_root(self) -> Path:
        """Folder that `videofolder` is relative to."""
        return self.root / "Analysis-tools"

    @property
    def models(self) -> Path:
        """Folder of the training sets and the train folders."""
        return self.root / "pose-tensorflow" / "models"

    @property
    def pretrained(self) -> Path:
        """Folder of the ImageNet weights: the project's own, where it has one, or the checkout's."""
        own = self.models / "pretrained"
        return own if own.is_dir() else Layout(CHECKOUT).models / "pretrained"

    @property
    def results(self) -> Path:
        """Folder of everything the evaluation writes."""
        return self.root / "Evaluation-tools" / "Results"

    @property
    def nwb_metadata(self) -> Path:
        """What only people can tell of sessions and subjects, for NWB; they write it, or not."""
        return self.root / "nwb.yaml"

    def data_folder(self, task: str) -> Path:
        """Folder with one sub-folder of images and labels per video."""
        return as_spelled(self.training_set_root / f"data-{task}")

    def no_data(self, task: str) -> str:
        """Say, for messages, that there are no images of a task yet, of which ones there are, and what to do."""
        found = sorted(path.name for path in self.training_set_root.glob("data-*") if path.is_dir())
        others = f" (there are: {', '.join(found)}; the name after data- is the Task)" if found else ""
        first = f"pick frames first, with Step 1. {first_step_advice(self.root)}"
        return f"{self.data_folder(task)} does not exist{others}: {first}"

    def no_label_table(self, task: str, scorer: str) -> str:
        """Say, for messages, why there is no label table, and what to do."""
        if not self.data_folder(task).is_dir():
            return self.no_data(task)
        return f"{self.label_table(task, scorer)} does not exist; Step 2 makes it from the csv files: run Step 2 first"

    def crop_preview(self, task: str) -> Path:
        """Picture of the crop, one frame of each video."""
        return self.data_folder(task) / CROP_PREVIEW

    def helper_folder(self, task: str) -> Path:
        """Folder of the network that helps to label, which is no experiment; hidden, and safe to delete."""
        return self.data_folder(task) / ".helper"

    def label_table(self, task: str, scorer: str) -> Path:
        """Label table of one scorer (.h5; a .csv of the same stem lies beside it)."""
        return as_spelled(self.data_folder(task) / f"CollectedData_{scorer}.h5")

    def label_record(self, task: str, scorer: str) -> Path:
        """Record of what a label table was made from."""
        return self.label_table(task, scorer).with_suffix(".json")

    def labels_page(self, task: str) -> Path:
        """Page of all labeled images."""
        return self.data_folder(task) / "CheckLabels.html"

    def dataset_folder(self, task: str, date: str) -> Path:
        """Folder with the training copy of images and labels, the .mat files and the documentation of the splits."""
        return as_spelled(self.models / f"UnaugmentedDataSet_{task}{date}")

    def dataset_images(self, task: str, date: str) -> Path:
        """Copy of the data folder that training reads."""
        return self.dataset_folder(task, date) / f"data-{task}"

    def mat_file(self, experiment: Experiment) -> Path:
        """Training images and labels of one split."""
        return self.dataset_folder(experiment.task, experiment.date) / f"{experiment.split_stem}.mat"

    def split_table(self, experiment: Experiment) -> Path:
        """Copy of the label table that belongs to one split."""
        return self.mat_file(experiment).with_suffix(".h5")

    def split_record(self, experiment: Experiment) -> Path:
        """Record of what the files of one split were made from."""
        return self.mat_file(experiment).with_suffix(".json")

    def split_documentation(self, experiment: Experiment) -> Path:
        """Train and test images of one split, by name."""
        stem = f"Documentation_data-{experiment.task}_{experiment.percent}shuffle{experiment.shuffle}"
        return self.dataset_folder(experiment.task, experiment.date) / f"{stem}.yaml"

    def train_folder(self, experiment: Experiment) -> Path:
        """Folder where a network is trained: pose_cfg.yaml, snapshots, learning curve."""
        return as_spelled(self.models / experiment.name) / "train"

    def test_folder(self, experiment: Experiment) -> Path:
        """Folder with the pose_cfg.yaml that v1's prediction read."""
        return as_spelled(self.models / experiment.name) / "test"

    def train_folders(self, task: str, date: str) -> list[Path]:
        """Folders of all networks that share a training copy of images, in the order of the numbers in their names."""
        found = self.models.glob(f"{escape(task + date)}-trainset*shuffle*/train")
        return sorted(found, key=lambda folder: natural_key(str(folder)))

    def present(self, experiment: Experiment, fraction: float) -> Experiment | None:
        """Return the experiment as it is named on disk, or None.

        Parameters
        ----------
        experiment : Experiment
            As the settings name it.
        fraction : float
            Its training fraction; v1 truncated it in names, so v1's 0.29 stands there as 28.

        Returns
        -------
        Experiment or None
            The one that has a train folder.
        """
        of_v1 = replace(experiment, percent=int(100 * fraction))
        if self.train_folder(experiment).is_dir():
            return experiment
        is_there = self.train_folder(of_v1).is_dir() and not self.split_documentation(of_v1).exists()
        return of_v1 if is_there else None

    def locate(self, settings: Settings | AnalysisSettings, fraction: float, shuffle: int) -> Experiment:
        """Return the experiment of a training fraction and a shuffle as it is named on disk; as `present`.

        Raises
        ------
        ToolboxError
            When there is none; the message lists those that exist.
        """
        experiment = Experiment.of(settings, fraction, shuffle)
        found = self.present(experiment, fraction)
        if found is not None:
            return found
        existing = sorted(path.parent.name for path in self.models.glob("*-trainset*shuffle*/train"))
        advice = f"there are: {', '.join(existing)}" if existing else "there is none yet"
        raise ToolboxError(
            f"{self.train_folder(experiment)} does not exist ({advice}). {first_step_advice(self.root)} "
            "Step4_GenerateTrainingFileFromLabelledData.py makes it from labeled images."
        )

    def evaluation_table(self, experiment: Experiment, iteration: int, way: str = "") -> Path:
        """Poses of the labeled images by one snapshot, perhaps found in reduced precision or size, such as ``int8``."""
        return self.results / f"{experiment.evaluation_scorer(iteration)}{way and f'_{way}'}.h5"

    def evaluation_tables(self) -> list[Path]:
        """List the poses of labeled images, by whatever network, in alphabetical order."""
        return sorted(table for table in self.results.glob("*.h5") if not table.name.endswith(_BESIDE_POSES))

    def evaluation_plots(self, experiment: Experiment, iteration: int) -> Path:
        """Folder of the plots of one snapshot's errors."""
        return self.results / f"Plots_{experiment.evaluation_scorer(iteration)}"

    def evaluation_pictures(self, experiment: Experiment, iteration: int) -> Path:
        """Folder of the labeled images with the labels of human and network."""
        return self.results / f"LabeledImages_{experiment.evaluation_scorer(iteration)}"

    def iterations_plot(self, experiment: Experiment) -> Path:
        """Plot of the error against the iterations of training."""
        return self.results / f"{experiment.name}_error_by_iteration.png"

    def evaluation_page(self, experiment: Experiment) -> Path:
        """Page of the errors of an experiment's snapshots."""
        return self.results / f"{experiment.name}.html"

    @property
    def summary_table(self) -> Path:
        """Errors of every evaluated network, one row each."""
        return self.results / "evaluation.csv"

    @property
    def part_table(self) -> Path:
        """Errors of every evaluated network by body part."""
        return self.results / "evaluation_per_part.csv"

    @property
    def summary_record(self) -> Path:
        """Record of whose errors the two tables hold."""
        return self.results / "evaluation.json"


def first_step_advice(root: Path) -> str:
    """Say what to do when a project has no data yet."""
    if root == CHECKOUT:
        here = " (here: --project .)" if (Path.cwd() / "myconfig.py").is_file() and Path.cwd() != CHECKOUT else ""
        return f"Run `make demo`, edit myconfig.py and myconfig_analysis.py, or name your project with --project{here}."
    return f"Check the names in {root / 'myconfig.py'} and {root / 'myconfig_analysis.py'}."


def is_output_folder(folder: Path) -> bool:
    """Tell a folder of pictures that steps have made, or a hidden one, from a folder of images that are a recording."""
    is_labeled = folder.name.endswith(Path(LABELED_VIDEO_ENDING).stem)
    is_made = pictures_record(folder).is_file() or calibration_file(folder).is_file()
    return folder.name.startswith(".") or is_labeled or is_made


def video_stem(video: Path) -> str:
    """Return what begins the names of a video's outputs: its name without suffix, or that of a folder of images.

    What follows the last dot is no suffix when it holds digits and no format of videos is named so: times of day end
    names that have no suffix.

    Examples
    --------
    >>> video_stem(Path("mouse.mp4")), video_stem(Path("cam1_14.05.33"))
    ('mouse', 'cam1_14.05.33')
    """
    ending = video.suffix[1:].lower()
    is_no_suffix = re.search("[0-9]", ending) and not _SUFFIX_WITH_DIGITS.fullmatch(ending)
    return video.name if is_no_suffix or video.is_dir() else video.stem


def pose_table(video: Path, scorer: str) -> Path:
    """Pose table of a video, beside it; `scorer` is the network's name."""
    return video.with_name(f"{video_stem(video)}{scorer}.h5")


def pose_record(table: Path) -> Path:
    """Metadata of a pose table."""
    return table.with_name(f"{table.stem}_meta.json")


def features_table(table: Path) -> Path:
    """Table of what a network's maps tell about the poses of a table, beside it."""
    return table.with_name(f"{table.stem}{_FEATURES_ENDING}")


def confidence_table(table: Path) -> Path:
    """Table of how far off the poses of a table may be, beside it (.h5; a .csv of the same stem on request)."""
    return table.with_name(f"{table.stem}{_CONFIDENCE_ENDING}")


def pose_rows(table: Path, first: int | None = None) -> Path:
    """Poses found so far, while a pose table is in the making, of the whole video or of those frames from one on."""
    return table.with_suffix(".partial" if first is None else f".{first}.partial")


def pose_rows_of_ranges(table: Path) -> list[Path]:
    """List the poses found so far of ranges of frames."""
    return sorted(table.parent.glob(f"{escape(table.stem)}.[0-9]*.partial"))


def pose_tables(video: Path) -> list[Path]:
    """List the pose tables of a video, by whatever network, in alphabetical order, without what is made from them."""
    tables = video.parent.glob(f"{escape(video_stem(video))}DeepCut_*.h5")
    return sorted(table for table in tables if not table.name.endswith(_BESIDE_POSES))  # a network's end in digits


def filtered_table(table: Path) -> Path:
    """Median-filtered copy of a pose table, beside it."""
    return table.with_name(table.stem + _FILTERED_ENDING)


def calibration_file(folder: Path) -> Path:
    """Cameras, calibrated from the videos of a board in a folder."""
    return folder / "calibration.toml"


def calibration_picture(calibration: Path) -> Path:
    """Picture of where the cameras saw the board, and where they stand."""
    return calibration.with_suffix(".png")


def space_table(folder: Path, trial: str) -> Path:
    """Table of points in space that several cameras have seen (.h5; a .csv of the same stem on request)."""
    return folder / f"{trial}_3d.h5"


def space_page(table: Path) -> Path:
    """Page that shows points in space and can be turned."""
    return table.with_suffix(".html")


def space_clip(table: Path, begin_s: float, end_s: float) -> Path:
    """Clip of points in space; it ends as labeled videos do, so that it is never taken for a recording."""
    return table.with_name(f"{table.stem}_{begin_s:g}-{end_s:g}s{LABELED_VIDEO_ENDING}")


def export_record(file: Path) -> Path:
    """Record of what poses for another program were made from, beside their file."""
    return file.with_name(f"{file.name}.json")


def deeplabcut_folder(video: Path) -> Path:
    """Folder of the poses of a folder's videos for DeepLabCut; apart from ours, which it would find too."""
    return video.parent / "deeplabcut-poses"


def deeplabcut_files(folder: Path, video: Path, scorer: str, is_filtered: bool) -> list[Path]:
    """Pose table as DeepLabCut 2, which calls the network `scorer`, looks for it, and the metadata that it demands."""
    endings = _FILTERED_ENDING if is_filtered else ".h5", "_meta.pickle"
    return [folder / f"{video.stem}{scorer}{ending}" for ending in endings]


def trajectories_folder(table: Path) -> Path:
    """Folder of the plots of a pose table, beside it."""
    return table.with_name(f"{table.stem}_trajectories")


def labeled_video(video: Path) -> Path:
    """Name of the video with the poses drawn in."""
    return video.with_name(video_stem(video) + LABELED_VIDEO_ENDING)


def labeled_clip(video: Path, name: str) -> Path:
    """Clip of a labeled video; it ends as labeled videos do, so that it is never taken for a recording."""
    return video.with_name(f"{video_stem(video)}_{name}{LABELED_VIDEO_ENDING}")


def labeled_frame(labeled: Path, number: int) -> Path:
    """Picture of one frame of a labeled video, made on request."""
    return labeled.with_suffix("") / f"frame{number:06d}.png"


def frames_record(folder: Path) -> Path:
    """Record of which frames of which video Step 1 put into a folder."""
    return folder / "frames.json"


def choice_sheet(folder: Path) -> Path:
    """Page of the frames that Step 1 put into a folder, beside it: in it, it would count as an image to label."""
    return folder.with_name(f"{folder.name}_chosen.png")


def machine_labels(folder: Path) -> Path:
    """Folder of what a network found in the images of `folder`; Step 2 never reads it."""
    return folder / "machine-labels"


def contact_sheet(folder: Path) -> Path:
    """Page of all pictures in a folder that steps have drawn."""
    return folder / "contact_sheet.png"


def pictures_record(folder: Path) -> Path:
    """Record of what the pictures in a folder were made from."""
    return folder / "pictures.json"


def thumbnail(picture: Path) -> Path:
    """Name of the small version of a picture."""
    return picture.parent / "thumbnails" / f"{picture.stem}.jpg"


def labeled_folder(folder: Path) -> Path:
    """Folder of the pictures with labels drawn in, made from `folder`."""
    return folder.with_name(folder.name + "labeled")


def image_folders(data_folder: Path) -> list[Path]:
    """List the folders with images of videos, in alphabetical order, leaving out those that steps have drawn."""
    folders = [path for path in data_folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    refuse_undecodable(folders)
    named_as_drawn = {labeled_folder(folder) for folder in folders}
    own = [folder for folder in folders if not pictures_record(folder).is_file()]
    return sorted(folder for folder in own if folder not in named_as_drawn or not _is_drawn_by_v1(folder))


def _is_drawn_by_v1(folder: Path) -> bool:
    """Tell pictures that v1 has drawn, by the lack of labels, from a video's images."""
    has_labels = any(path.suffix.lower() in (".csv", ".xls") for path in folder.rglob("*"))
    return not has_labels and not frames_record(folder).is_file()
