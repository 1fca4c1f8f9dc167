"""The order of a recording's images, from names that people and programs gave them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise, takewhile
from pathlib import PurePath

from dlc_common.images import natural_key

_DECIMAL = r"(?<![.,0-9])([0-9]+)[.,]([0-9]+)(?![0-9]|[.,][0-9])"  # 8.24, but nothing in 14.05.33
_NUMBER = rf"{_DECIMAL}|([0-9]+)"
_NOON = r"(?<=[0-9])[ ._-]*([ap])\.?m\b\.?"  # 9.05.33 AM
_DAY_S = 24 * 3600
_TIME_OF_DAY = (24, 60, 60)
_LAST_MONTH, _LAST_DAY = 12, 31
_YEARS, _SHORT_YEARS = range(1900, 2100), range(15, 45)
_SHORT_DATE = r"(?<![0-9])(?<![0-9][-_. ])([0-9]{1,2})([-_. ])([0-9]{1,2})\2([0-9]{2})(?![0-9])"
_COUNTER = 3  # digits; a counter of so many may be full
_SERIES = 12  # cameras or trials in one folder, rather than seconds
_HEX_LETTERS = 3  # in the last place of numbers, so many of which tell that these are hexadecimal
_COUNTING = 0.5  # the share of equal steps in numbers that count images, not moments

Key = Callable[[str], list[Decimal]]


def in_order(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Order file names by the numbers in them, as people mean these.

    Decimals are compared as such (8.2 before 8.16 is wrong, 8.16 before 8.2 right) where the names show that they are
    decimals; times of day with AM and PM by the clock, also past midnight; dates by their years; hexadecimal numbers as
    such.

    Parameters
    ----------
    names : sequence of str
        Names of one recording's images, with numbers.

    Returns
    -------
    list of str
        The names in order.
    list of str
        What could be meant otherwise, each in words that follow 'the order of its images is not certain: '.

    Examples
    --------
    >>> in_order(["t10.png", "t9.png"])
    (['t9.png', 't10.png'], [])
    >>> in_order(["8.2.png", "8.16.png", "8.04.png"])[0]
    ['8.04.png', '8.16.png', '8.2.png']
    """
    if by_hex := hexadecimal(names):
        doubt = [] if _counts_on(sorted(by_hex.values())) else ["their names are taken for hexadecimal numbers"]
        return sorted(by_hex, key=by_hex.__getitem__), doubt
    patterns = sorted({_pattern(PurePath(name).stem) for name in names})
    natural = sorted(names, key=natural_key)
    if len(patterns) > 1:
        shown = ", ".join(repr(pattern) for pattern in patterns[:3]) + (" ..." if len(patterns) > 3 else "")
        return natural, [f"their names follow {len(patterns)} patterns ({shown}, where # is a number)"]
    doubts: list[str] = []
    key = _key(names, doubts)
    ordered = _past_midnight(sorted(natural, key=key), doubts)  # sorting is stable: equal numbers in natural order
    same = next((pair for pair in pairwise(ordered) if key(pair[0]) == key(pair[1])), None)
    if same:
        doubts.append(f"{same[0]} and {same[1]} have the same number")
    if anew := _anew(ordered):
        doubts.append(f"they start anew at {anew}; images of several cameras or trials belong into a folder each")
    if full := _full(ordered):
        doubts.append(
            f"a counter that was full may have started anew behind {full}; the images behind it come first here"
        )
    if _have_short_dates(ordered):
        doubts.append("they may have dates that end with the year; their numbers are compared from left to right")
    return ordered, doubts


def hexadecimal(names: Sequence[str]) -> dict[str, int] | None:
    """Read file names as hexadecimal numbers, which some cameras count with.

    Parameters
    ----------
    names : sequence of str
        Names of one recording's images.

    Returns
    -------
    dict of str to int
        The number of each name; None where names do not differ in such a number alone, or where letters may be words.
        Numbers without zeros in front must also count up by as much.

    Examples
    --------
    >>> hexadecimal(["f008.png", "f009.png", "f00a.png"])
    {'f008.png': 8, 'f009.png': 9, 'f00a.png': 10}
    """
    stems = [PurePath(name).stem.lower() for name in names]
    begin = len(stems[0][: _common(stems)].rstrip("0123456789"))
    found = [re.fullmatch(r"([0-9a-f]+)([^0-9a-f].*)?", stem[begin:]) for stem in stems]
    if not all(found) or len({match[2] for match in found if match}) != 1:
        return None
    digits = [match[1] for match in found if match]
    values = [int(text, 16) for text in digits]
    same_end = _common([text[::-1] for text in digits])
    last = {text[: len(text) - same_end][-1:] for text in digits}
    letters = last & set("abcdef")
    is_padded = len(set(map(len, digits))) == 1
    is_hex = 0 < len(letters) < len(last) and len(set(values)) == len(values)
    counts = len(letters) >= _HEX_LETTERS and _counts_on(sorted(values))
    return dict(zip(names, values, strict=True)) if is_hex and (is_padded or counts) else None


def _common(texts: Sequence[str]) -> int:
    """Return how many characters all texts begin with alike."""
    return sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False)))


def _counts_on(values: Sequence[int]) -> bool:
    """Tell whether ascending numbers go up by as much nearly always, and else by a multiple of that."""
    steps = Counter(later - earlier for earlier, later in pairwise(values))
    usual, often = steps.most_common(1)[0]
    return often > _COUNTING * steps.total() and min(steps) > 0 and not any(step % usual for step in steps)


def gaps(names: Sequence[str]) -> tuple[int, tuple[str, str]] | None:
    """Find out where ordered names that count images leave numbers out.

    Parameters
    ----------
    names : sequence of str
        In their order.

    Returns
    -------
    count : int
        How many images are missing.
    first : (str, str)
        The names around the first gap.
    None where no number is left out, or where the names do not count: only one number in them changes, nearly always
    by as much.

    Examples
    --------
    >>> gaps([f"img{number}.png" for number in (0, 5, 10, 15, 20, 25, 40, 45)])
    (2, ('img25.png', 'img40.png'))
    """
    by_hex = hexadecimal(names)
    changing = [tuple(by_hex.values())] if by_hex else _changing(names)
    if len(changing) != 1 or not _counts_on(changing[0]):
        return None
    steps = [later - earlier for earlier, later in pairwise(changing[0])]
    usual = Counter(steps).most_common(1)[0][0]
    wide = [place for place, step in enumerate(steps) if step != usual]
    if not wide:
        return None
    missing = sum(steps[place] // usual - 1 for place in wide)
    return missing, (names[wide[0]], names[wide[0] + 1])


def _changing(names: Sequence[str]) -> list[tuple[int, ...]]:
    """Return those of the whole numbers in names that are not the same in all; none where names are of other forms."""
    if any(re.search(_DECIMAL, name) for name in names):
        return []
    numbers = [[int(text) for text in re.findall(r"[0-9]+", PurePath(name).stem)] for name in names]
    if len({len(found) for found in numbers}) != 1:
        return []
    return [column for column in zip(*numbers, strict=True) if len(set(column)) > 1]


def _anew(ordered: Sequence[str]) -> str | None:
    """Return the name at which counting starts anew, as with images of several cameras or trials; None without any."""
    changing = _changing(ordered)
    if len(changing) != 2:
        return None
    series, count = changing
    counted = [tuple(n for of, n in zip(series, count, strict=True) if of == one) for one in dict.fromkeys(series)]
    is_same = len(set(counted)) == 1 and len(counted[0]) > len(counted) and len(counted) <= _SERIES
    return ordered[len(counted[0])] if is_same else None


def _full(ordered: Sequence[str]) -> str | None:
    """Return the name with the last number of a counter, such as IMG_9999, where it may have started anew behind it."""
    changing = _changing(ordered)
    digits = max(re.findall(r"[0-9]+", PurePath(ordered[-1]).stem), key=len, default="")
    if len(changing) != 1 or len(digits) < _COUNTER or set(digits) != {"9"} or changing[0][-1] != int(digits):
        return None
    widest = max(later - earlier for earlier, later in pairwise(changing[0]))
    return ordered[-1] if changing[0][0] <= 1 and widest > int(digits) / 2 else None


def _have_short_dates(ordered: Sequence[str]) -> bool:
    """Tell dates such as 12-31-24: three numbers of one separator, of which the last is a year, and no seconds."""
    found = [re.search(_SHORT_DATE, PurePath(name).stem) for name in ordered]
    dates = [(int(match[1]), int(match[3]), int(match[4])) for match in found if match]
    if len(dates) < len(ordered) or len(set(dates)) == 1:
        return False
    first, second, year = map(set, zip(*dates, strict=True))
    days = first | second
    are_days = min(days) > 0 and max(days) <= _LAST_DAY and min(max(first), max(second)) <= _LAST_MONTH
    is_year = len(year) <= 2 and min(year) in _SHORT_YEARS and max(year) in _SHORT_YEARS
    vary = [len(numbers) > 1 for numbers in (first, second, year)]
    return are_days and is_year and sum(vary) > 1


def _pattern(stem: str) -> str:
    """Return a stem with # for each number, decimal or not, and without AM and PM."""
    return re.sub(_NUMBER, "#", re.sub(_NOON, "", stem, flags=re.IGNORECASE))


def _key(names: Sequence[str], doubts: list[str]) -> Key:
    """Return what sorts names of one pattern."""
    numbers = {name: re.findall(_NUMBER, _without_noon(name)) for name in names}
    columns = list(zip(*numbers.values(), strict=True))
    are_decimal = [_are_decimals([match[:2] for match in column], doubts) for column in columns]
    by_date = _places_of_date(columns, doubts)

    def key(name: str) -> list[Decimal]:
        values: list[Decimal] = []
        for (whole, fraction, number), is_decimal in zip(numbers[name], are_decimal, strict=True):
            if is_decimal:
                values.append(Decimal(f"{whole or number}.{fraction or 0}"))
            else:
                values += [Decimal(text) for text in (whole, fraction, number) if text]
        noon = re.search(_NOON, PurePath(name).stem, flags=re.IGNORECASE)
        if noon and (place := _place_of_hour(values)) is not None:
            values[place] = values[place] % 12 + (12 if noon[1].lower() == "p" else 0)
        return [values[place] for place in by_date] if len(values) == len(by_date) else values

    return key


def _without_noon(name: str) -> str:
    """Return the stem of a name without AM or PM."""
    return re.sub(_NOON, "", PurePath(name).stem, flags=re.IGNORECASE)


def _are_decimals(pairs: Sequence[tuple[str, str]], doubts: list[str]) -> bool:
    """Tell whether numbers with a point, as pairs of texts, are decimals, or two counters such as 1.9 and 1.10.

    Where all have as many digits behind the point it makes no difference. Decimals as programs print them never end in
    0, and counters never begin with 0, unless all are filled up to one length.
    """
    fractions = [fraction for whole, fraction in pairs if whole]
    if not fractions or len({len(fraction) for fraction in fractions}) == 1:
        return bool(fractions)
    if len(fractions) < len(pairs):
        return True  # some have no point, as 5 between 4.5 and 5.5
    longer = [fraction for fraction in fractions if len(fraction) > 1]
    if any(fraction.endswith("0") for fraction in longer):
        return False
    if any(fraction.startswith("0") for fraction in longer):
        return True
    by_length = sorted(fractions, key=lambda text: (len(text), text))
    low, high = by_length[0], next(text for text in by_length if len(text) == len(by_length[-1]))
    doubts.append(f"a number such as .{high} could be more or less than .{low}; it is taken for a decimal fraction")
    return True


def _places_of_date(columns: Sequence[Sequence[tuple[str, str, str]]], doubts: list[str]) -> list[int]:
    """Return the order in which numbers count: those of a date that ends with its year begin with it."""
    places = list(range(len(columns)))
    values = [[int(match[2] or 0) for match in column] for column in columns]
    for place in places[2:]:
        first, second, year = values[place - 2 : place + 1]
        days = {*first, *second}
        is_date = all(value in _YEARS for value in year) and min(days) > 0 and max(days) <= _LAST_DAY
        if not is_date or len(set(zip(first, second, year, strict=True))) == 1:
            continue
        month_is_first = max(second) > _LAST_MONTH
        if not month_is_first and max(first) <= _LAST_MONTH and len(set(first)) > 1 and len(set(second)) > 1:
            doubts.append("their dates may begin with the day or the month; they are taken to begin with the day")
        day, month = (place - 1, place - 2) if month_is_first else (place - 2, place - 1)
        places[place - 2 : place + 1] = [place, month, day]
    return places


def _place_of_hour(values: Sequence[Decimal]) -> int | None:
    """Return where a time of day begins that a 12-hour clock shows: the last three numbers, or two."""
    for length in (3, 2):
        clock = values[-length:]
        if len(clock) == length and 1 <= clock[0] <= 12 and all(value < 60 for value in clock[1:]):
            return len(values) - length
    return None


def _past_midnight(ordered: list[str], doubts: list[str]) -> list[str]:
    """Let names that are times of day, and nothing else, begin before midnight where they pass it."""
    times = [re.findall(r"[0-9]+", PurePath(name).stem) for name in ordered]
    if any(re.search(_NOON, name, flags=re.IGNORECASE) for name in ordered) or not all(map(_is_time, times)):
        return ordered
    seconds = [sum(int(text) * unit for text, unit in zip(time, (3600, 60, 1), strict=False)) for time in times]
    gaps = [later - earlier for earlier, later in pairwise(seconds)]
    if not gaps or max(gaps) <= _DAY_S / 2:
        return ordered
    start = gaps.index(max(gaps)) + 1
    doubts.append(f"they are times of day, taken to pass midnight between {ordered[-1]} and {ordered[0]}")
    return ordered[start:] + ordered[:start]


def _is_time(time: Sequence[str]) -> bool:
    """Tell hours, minutes and seconds, perhaps with a fraction."""
    is_long = len(time) in (3, 4) and all(len(text) == 2 for text in time[:3])
    return is_long and all(int(text) < limit for text, limit in zip(time, _TIME_OF_DAY, strict=False))
