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


def test_a_defect_of_ours_is_not_gathered():
    with pytest.raises(ZeroDivisionError):
        for_all(lambda number: 1 / number, [1, 0])
