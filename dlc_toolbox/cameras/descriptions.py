"""What board pictures show that do not show the one which was described: mirrored, with other squares or markers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from dlc_common.progress import tqdm
from dlc_toolbox.cameras.boards import BoardFinder
from dlc_toolbox.project.cameras import Board

_DICTIONARIES = [f"DICT_{side}X{side}_{count}" for side in (4, 5, 6, 7) for count in (50, 100, 250, 1000)]
_FARTHEST = 2  # squares that may be too many or too few along a side
_FEWEST_SQUARES = 3
_FEWEST_PICTURES = 2  # in one alone it may be chance


def described_otherwise(board: Board, pictures: Sequence[np.ndarray], *, is_flipped: bool = False) -> str:
    """Say how a board would have to be described to be seen in pictures in which it was not found.

    Parameters
    ----------
    board : Board
        As it was described.
    pictures : sequence of ndarray of shape (H, W, 3)
        uint8 RGB, as they were looked at.
    is_flipped : bool
        Whether they were flipped before, as those of a mirror.

    Returns
    -------
    str
        In words that follow 'it is seen': mirrored, or else by the description that finds most corners; empty where
        none finds it in two pictures.
    """
    if _count(board, [np.ascontiguousarray(picture[:, ::-1]) for picture in pictures]):
        return "without 'mirrored' in cameras" if is_flipped else "with 'mirrored': True in cameras"
    counts = {words: _count(other, pictures) for words, other in tqdm(list(_others(board)), "other boards")}
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] else ""


def _count(board: Board, pictures: Sequence[np.ndarray]) -> int:
    """Return how many corners of a board are seen; 0 where too few pictures show it."""
    find = BoardFinder(board)
    counts = [len(find(picture)[0]) for picture in pictures]
    return sum(counts) if np.count_nonzero(counts) >= _FEWEST_PICTURES else 0


def _others(board: Board) -> Iterator[tuple[str, Board]]:
    """Yield other descriptions in words, and the boards, the likeliest first."""
    if not board.dictionary:  # inner corners counted in the place of squares
        other = replace(board, columns=board.columns + 1, rows=board.rows + 1)
        yield _sides(other), other
        return
    near = [
        replace(board, columns=columns, rows=rows)
        for columns in range(max(board.columns - _FARTHEST, _FEWEST_SQUARES), board.columns + _FARTHEST + 1)
        for rows in range(max(board.rows - _FARTHEST, _FEWEST_SQUARES), board.rows + _FARTHEST + 1)
    ]
    sides = [replace(board, columns=board.rows, rows=board.columns), *near]
    yield f"with 'legacy': {not board.legacy}", replace(board, legacy=not board.legacy)
    yield from ((_sides(other), other) for other in sides if other != board)
    for name in _DICTIONARIES:
        if name != board.dictionary:
            yield f"with the dictionary {name}", replace(board, dictionary=name)


def _sides(board: Board) -> str:
    """Say how many squares a board has."""
    return f"with 'columns': {board.columns}, 'rows': {board.rows}"
