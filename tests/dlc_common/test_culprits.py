"""Problems of many things in one message."""

import pytest

from dlc_common import UsersError
from dlc_common.culprits import for_all


def odd(number: int) -> int:
    if number % 2 == 0:
        raise UsersError(f"{number} is even.")
    return number


def test_results_stay_in_order():
    assert for_all(odd, [3, 1, 5]) == [3, 1, 5]


def test_a_single_problem_is_told_as_it_is():
    with pytest.raises(UsersError, match=r"^4 is even\.$"):
        for_all(odd, [3, 4, 5])


def test_several_problems_are_all_told_also_from_within():
    def two(numbers: list[int]) -> list[int]:
        return for_all(odd, numbers)

    message = r"^4 problems: \(1\) 2 is even; \(2\) 4 is even; \(3\) 6 is even; \(4\) 8 is even$"
    with pytest.raises(UsersError, match=message):
        for_all(two, [[1, 2], [3], [4, 6, 8]])


def test_of_very_many_the_first_five_are_told_and_the_rest_counted():
    with pytest.raises(UsersError, match=r"^7 problems: .*\(5\) 10 is even; and 2 more$"):
        for_all(odd, range(2, 15, 2))


def test_the_same_advice_is_given_once():
    def look(name: str) -> None:
        raise UsersError(f"{name} is empty, not a csv: copy it again; then run Step 2. It takes a second.")

    expected = (
        "2 problems: (1) a.csv is empty, not a csv: copy it again; then run Step 2. It takes a second; "
        "(2) b: c.csv is empty, not a csv"
    )
    with pytest.raises(UsersError) as told:
        for_all(look, ["a.csv", "b: c.csv"])
    assert str(told.value) == expected


def test_advice_of_two_kinds_is_given_twice_and_what_is_wrong_always():
    problems = {
        "a": "a is cut. Copy it.",
        "b": "b is a zip: unpack it",
        "c": "c is cut. Copy it.",
        "d": "cut. Copy it.",
    }

    def look(name: str) -> None:
        raise UsersError(problems[name])

    with pytest.raises(UsersError) as told:
        for_all(look, problems)
    assert str(told.value) == "4 problems: (1) a is cut. Copy it; (2) b is a zip: unpack it; (3) c is cut; (4) cut"


def test_a_defect_of_ours_is_not_gathered():
    with pytest.raises(ZeroDivisionError):
        for_all(lambda number: 1 / number, [1, 0])
