import unittest

import stats


class Hidden(unittest.TestCase):
    def test_median(self):
        self.assertEqual(stats.median([3, 1, 2]), 2)
        self.assertEqual(stats.median((4, 1, 3, 2)), 2.5)
        with self.assertRaises(ValueError):
            stats.median([])

    def test_the_input_is_not_sorted_in_place(self):
        numbers = [3, 1, 2]
        stats.median(numbers)
        self.assertEqual(numbers, [3, 1, 2])


if __name__ == "__main__":
    unittest.main()
