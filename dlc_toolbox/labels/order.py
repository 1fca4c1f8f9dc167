"""Clicks on all body parts in one csv have no names, only an order: that of `bodyparts` when they were made."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from dlc_common import UsersError
from dlc_common.culprits import in_short
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.fiji import read_clicks
from dlc_toolbox.labels.slices import noted_names

log = logging.getLogger(__name__)


def check_order(files: Mapping[Path, bool], bodyparts: Sequence[str], before: object, record: Path, page: str) -> None:
    """Warn of clicks on all body parts in turn that would get other names than before.

    Parameters
    ----------
    files : mapping of Path to bool
        The csv file of each folder, and whether it is as it was when the label table was made last.
    bodyparts : sequence of str
        Of the settings now.
    before : list of str
        Of the settings then; anything else where they are not known.
    record : Path
        The record that tells them, for messages.
    page : str
        The command that opens the labeling page of these files, for messages.

    Raises
    ------
    ToolboxError
        When clicks would get the name of another body part: by what the labeling page noted, or because a part has
        another place in `bodyparts` while the csv files are the same.
    """
    noted = {path: noted_names(path.parent, "bodyparts") for path in files}
    anew = {path: names for path, names in noted.items() if names and are_anew(path, bodyparts, names)}
    _refuse_noted({path: names for path, names in noted.items() if path not in anew}, bodyparts, page)
    if anew:
        log.warning(
            "%s: the labeling page last noted %s, but every image in it has %d clicks, as many as bodyparts in "
            "myconfig.py has names now: they count as clicks on these, in this order",
            *(in_short(list(map(str, anew))), ", ".join(next(iter(anew.values()))), len(bodyparts)),
        )
    files = {path: is_kept for path, is_kept in files.items() if not noted[path] or path in anew}
    if not files or not isinstance(before, list) or len(before) != len(bodyparts):  # else their number is wrong
        return
    renamed = [(old, new) for old, new in zip(before, bodyparts, strict=True) if old != new]
    clicks = ", ".join(f"those on {old} are of {new} now" for old, new in renamed)
    kept = [str(path) for path, is_kept in files.items() if is_kept]
    if kept and any(old in bodyparts for old, _ in renamed):
        parts = ", ".join(map(str, before))
        raise ToolboxError(
            f"{in_short(kept)}: the clicks on all parts in turn were last converted as {parts}, in this order; by "
            f"bodyparts in myconfig.py {clicks}. Put the old list back; docs/troubleshooting.md says how to exchange "
            f"parts. If the new list is that of the clicks, and the old one was wrong, delete {record.name} and run "
            "Step 2 again"
        )
    if renamed:
        log.warning(
            "%s: bodyparts is another list than when clicks were last converted: %s. If only names were changed, or "
            "the clicks were made for the new list, nothing is to be done; else put the old list back",
            *(in_short(list(map(str, files))), clicks),
        )


def are_anew(path: Path, bodyparts: Sequence[str], before: Sequence[str]) -> bool:
    """Tell by the number of clicks whether all were made for the body parts of the settings, not for those before.

    Parameters
    ----------
    path : Path
        The csv file of clicks on all parts in turn.
    bodyparts, before : sequence of str
        Of the settings, and those that the labeling page noted.

    Returns
    -------
    bool
        False where nothing can tell: the lists are of one length, images differ, or the file has no clicks or cannot be
        read, which whoever reads it says.
    """
    if len(bodyparts) == len(before):
        return False
    try:
        clicks = read_clicks(path)["slice"].value_counts()
    except (UsersError, OSError):
        return False
    return set(clicks) == {len(bodyparts)}


def _refuse_noted(noted: Mapping[Path, Sequence[str]], bodyparts: Sequence[str], page: str) -> None:
    """Raise where the labeling page noted other body parts, or another order."""
    others = {path: names for path, names in noted.items() if names and list(names) != list(bodyparts)}
    if others:
        names = ", ".join(next(iter(others.values())))
        raise ToolboxError(
            f"{in_short(list(map(str, others)))}: the labeling page last noted {names}, in this order; bodyparts in "
            f"myconfig.py is another list now. Open {page} and answer its question, for which of the two the clicks on "
            "all parts in turn were made; if for the noted list, you can also put it back"
        )
