"""What is done with videos: analysis, labeled videos, filtering, plots, frames where the network fails."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from dlc_common import cli
from dlc_toolbox import ToolboxError
from dlc_toolbox.analysis import scaleout
from dlc_toolbox.analysis.analysis import Analysis, analyze_video
from dlc_toolbox.analysis.window import WindowRule
from dlc_toolbox.exchange.writers.formats import check_formats, how_to_open
from dlc_toolbox.exchange.writers.formats import export_poses as write_poses
from dlc_toolbox.exchange.writers.lab import NOTHING, read_lab
from dlc_toolbox.exchange.writers.poses import gather
from dlc_toolbox.measure.metrics import AUTO, NEVER
from dlc_toolbox.pictures.marks import marks_of
from dlc_toolbox.poses import outliers
from dlc_toolbox.poses.clips import clip_of, cut_clip
from dlc_toolbox.poses.filter import drawn_filter, filter_poses
from dlc_toolbox.poses.labeled_video import label_video
from dlc_toolbox.poses.network import Network, find_network
from dlc_toolbox.poses.radius import drawn_radius
from dlc_toolbox.poses.trajectories import plot_trajectories as plot
from dlc_toolbox.poses.trust import cutoffs_of, read_trust
from dlc_toolbox.project.agreement import warn_of_disagreements
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import AnalysisSettings, load_analysis_settings, load_settings
from dlc_toolbox.steps.device import tell_device
from dlc_toolbox.steps.modes import settle
from dlc_toolbox.training_set.recorded import check_names
from dlc_toolbox.video.recording import Reading
from dlc_toolbox.video.sequences import videos_to_analyze
from dlc_toolbox.video.video import for_each_video

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """What the steps with videos work on.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : AnalysisSettings
        Of myconfig_analysis.py.
    videos : list of Path
        The videos.
    network : Network
        That of the settings.
    mode : str, optional
        How it looks at frames, in words, where the settings leave that to be measured.
    """

    layout: Layout
    settings: AnalysisSettings
    videos: list[Path]
    network: Network
    mode: str | None = None


def find_work(
    project: Path,
    named: Sequence[Path] = (),
    settings: AnalysisSettings | None = None,
    *,
    needs_pcutoff: bool = True,
    measures: bool = False,
) -> Work:
    """Find the videos, and the network that the settings name.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    named : sequence of Path
        Videos or folders, instead of `videofolder`.
    settings : AnalysisSettings, optional
        Those of the project, where they are read already.
    needs_pcutoff : bool
        Whether 'auto' must become what the evaluation recommends.
    measures : bool
        Whether to measure what 'fast', or a scale of 'auto', shall be, where that is not known; see `modes.settle`.

    Returns
    -------
    Work
        Ready for the other steps of this module.

    Raises
    ------
    UsersError
        When there is no such network or video, or nothing is recommended.
    """
    layout, settings = Layout(project), settings or load_analysis_settings(project)
    warn_of_disagreements(project, settings)
    videos = videos_to_analyze(layout, settings, named)  # first, because the network takes seconds

    from deepercut.config import load_config
    from deepercut.weights.snapshots import select_snapshot

    settings, mode = settle(layout, settings, measures=measures)
    network = find_network(layout, settings, load_config, select_snapshot)
    if settings.pcutoff == AUTO and needs_pcutoff:
        settings = replace(settings, pcutoff=_recommended_pcutoff(network, settings))
    return Work(layout, settings, videos, network, mode)


def _recommended_pcutoff(network: Network, settings: AnalysisSettings) -> tuple[float, ...]:
    """Return the pcutoff that the evaluation recommends for each part; tell where it recommends none."""
    cutoffs = cutoffs_of(read_trust(network, settings.crop), network.bodyparts)
    never = [part for part, cutoff in zip(network.bodyparts, cutoffs, strict=True) if cutoff == NEVER]
    if len(never) == len(cutoffs):
        raise ToolboxError(
            "pcutoff is 'auto', but the evaluation found for no body part a likelihood that is enough: set a number, "
            "or label more images, and train and evaluate again"
        )
    if never:
        log.warning("pcutoff 'auto': no likelihood is enough for %s: never seen", ", ".join(never))
    return cutoffs


def analyze_videos(
    project: Path,
    named: Sequence[Path] = (),
    *,
    workers: int = 0,
    scheduler: str | None = None,
    overwrite: bool = False,
) -> None:
    """Let the network of the settings find the body parts in every frame of videos.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    named : sequence of Path
        Videos or folders, instead of `videofolder`.
    workers : int
        Processes to work in, by Dask; 0: this one.
    scheduler : str, optional
        Address of a Dask scheduler to work for.
    overwrite : bool
        Do again what is current.

    Raises
    ------
    UsersError
        When there is no such network or video; in the end, when a video could not be analyzed.
    """
    settings = load_analysis_settings(project)
    work = find_work(project, named, settings, needs_pcutoff=settings.movingwindow, measures=True)
    _check_names(work.network)
    analysis = _analysis(work, overwrite)
    if scheduler or workers:
        with scaleout.open_cluster(scheduler, workers) as client:
            scaleout.analyze_videos(work.videos, analysis, client)
    else:
        for_each_video(work.videos, partial(analyze_video, analysis=analysis.with_one_predictor()))
    log.info("Next: %s", _command(project, "MakingLabeledVideo", named))


def _check_names(network: Network) -> None:
    """Raise when the names in a network's pose_cfg.yaml are not those that its training set was labeled with."""
    from deepercut.config import load_config

    config = load_config(network.config_path)
    check_names(network.config_path, network.bodyparts, config.resolve_data(config.dataset))


def _analysis(work: Work, overwrite: bool) -> Analysis:
    """Gather what is the same for all videos; name device and network."""
    from deepercut.inference import engines, predict
    from deepercut.weights.snapshots import Snapshot

    settings, network = work.settings, work.network
    snapshot = Snapshot(network.snapshot.iteration, network.snapshot.path)
    device = tell_device(settings.engine)
    log.info("Network: %s", network.scorer)
    if work.mode:
        log.info(work.mode)
    return Analysis(
        network,
        partial(predict.load_predictor, network.config_path, snapshot, settings.engine),
        crop=settings.crop,
        window=WindowRule(settings.pcutoff, settings.windowmargin, network.pads) if settings.movingwindow else None,
        batch_pixels=engines.batch_pixels(settings.engine),
        csv=settings.storedata_as_csv,
        overwrite=overwrite,
        reading=Reading.of(settings),
        device=device,
    )


def label_videos(
    project: Path,
    named: Sequence[Path] = (),
    *,
    saved_frames: Sequence[int] = (),
    span_s: tuple[float, float] | None = None,
    speed: float | None = None,
    beside: bool = False,
    gif: bool = False,
    overwrite: bool = False,
) -> None:
    """Draw the poses into the videos, and cut clips out of them where these are wanted.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    named : sequence of Path
        Videos or folders, instead of `videofolder`.
    saved_frames : sequence of int
        Numbers of frames to write as png too.
    span_s : (float, float), optional
        Seconds of a clip to make.
    speed : float, optional
        Of the clip; default `slowmotion` of the settings, which wants a clip of the whole video by itself.
    beside : bool
        Show the original beside the labeled video in the clip.
    gif : bool
        Write the clip as a GIF too.
    overwrite : bool
        Do again what is current.

    Raises
    ------
    UsersError
        When the clip is impossible; in the end, when a video has no poses by this network, or cannot be read.
    """
    settings = load_analysis_settings(project)
    clip = clip_of(span_s, speed, settings.slowmotion, beside=beside, gif=gif)
    work = find_work(project, named, settings)
    marks = marks_of(work.settings, work.network.bodyparts)
    crop = work.settings.crop

    def label(video: Path) -> None:
        labeled = label_video(
            *(video, work.network, marks),
            crop=crop,
            filtered=drawn_filter(work.settings),
            saved_frames=saved_frames,
            confidence=drawn_radius(video, work.network, work.settings),
            fps=work.settings.fps,
            overwrite=overwrite,
        )
        if clip:
            cut_clip(video, labeled, clip, crop=crop, gif=gif, overwrite=overwrite)

    for_each_video(work.videos, label)
    log.info("Done: look at the labeled videos beside the videos")
    log.info("Next: %s", _command(project, "FilterPredictions", named))


def filter_predictions(project: Path, named: Sequence[Path] = (), *, overwrite: bool = False) -> None:
    """Smooth the poses by a running median, into new tables; parameters and errors as of `label_videos`."""
    work = find_work(project, named)
    for_each_video(
        work.videos, partial(filter_poses, network=work.network, settings=work.settings, overwrite=overwrite)
    )
    log.info("Next: %s", _command(project, "PlotTrajectories", named))


def plot_trajectories(project: Path, named: Sequence[Path] = (), *, overwrite: bool = False) -> None:
    """Plot where each body part was when, and sum up; parameters and errors as of `label_videos`."""
    work = find_work(project, named)
    for_each_video(work.videos, partial(plot, network=work.network, settings=work.settings, overwrite=overwrite))
    log.info("Next, where the network fails: %s", _command(project, "ExtractOutlierFrames", named))


def extract_outliers(project: Path, named: Sequence[Path] = (), *, overwrite: bool = False) -> None:
    """Extract frames in which the network fails, to be labeled; parameters and errors as of `label_videos`."""
    labeling = load_settings(project)
    work = find_work(project, named)
    outliers.check_labeling(labeling, work.settings, work.network)
    extract = partial(
        outliers.extract_outliers,
        network=work.network,
        settings=work.settings,
        labeling=labeling,
        data_folder=work.layout.data_folder(labeling.Task),
        overwrite=overwrite,
    )
    folders = list[Path | None]()
    for_each_video(work.videos, lambda video: folders.append(extract(video)))
    if not any(folders):
        log.info("Done: there is no new frame to be labeled")
        return
    page = cli.command(project, "Generating_a_Training_Set/LabelFrames.py")
    step2 = cli.command(project, "Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py")
    log.info("Next: label the new frames in the browser: %s (or in Fiji, then: %s)", page, step2)


def export_poses(
    project: Path,
    named: Sequence[Path] = (),
    *,
    formats: Sequence[str] = ("csv",),
    into: Path | None = None,
    filtered: bool = False,
    lab_file: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Write the poses of videos for other programs.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    named : sequence of Path
        Videos or folders, instead of `videofolder`.
    formats : sequence of str
        Names in `formats.FORMATS`.
    into : Path, optional
        Folder for the files; default beside each video.
    filtered : bool
        Write the filtered poses, whatever drawfiltered says.
    lab_file : Path, optional
        What only people can tell of session and subject, for NWB; default nwb.yaml beside the settings, if there.
    overwrite : bool
        Do again what is current.

    Raises
    ------
    UsersError
        When a package is missing or the lab's file is wrong; in the end, when a video has no poses by this network, or
        a format cannot hold them.
    """
    settings = load_analysis_settings(project)
    wants_filtered = filtered or settings.drawfiltered
    work = find_work(project, named, settings, needs_pcutoff=wants_filtered)
    check_formats(formats, work.videos, into)
    own = work.layout.nwb_metadata
    lab_file = lab_file or (own if own.is_file() else None)
    lab = read_lab(lab_file) if lab_file and "nwb" in formats else NOTHING
    wanted = drawn_filter(replace(work.settings, drawfiltered=wants_filtered))
    opened: dict[str, str] = {}

    def export(video: Path) -> None:
        poses = gather(video, work.network, work.settings, filtered=wanted, lab=lab.of(video))
        for name in formats:
            files = write_poses(poses, name, into and into.resolve(), overwrite=overwrite)
            opened.setdefault(name, how_to_open(poses, name, files))

    for_each_video(work.videos, export)
    for name, how in opened.items():
        log.info("To open %s: %s", name, how)


def _command(project: Path, script: str, named: Sequence[Path]) -> str:
    """Return the command line of another step for the same videos."""
    return cli.command(project, f"Analysis-tools/{script}.py", *(str(path.absolute()) for path in named))
