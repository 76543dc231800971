import unittest

import stats


class Stats(unittest.TestCase):
    def test_mean(self):
        self.assertEqual(stats.mean([1, 2, 3]), 2)

    def test_mode(self):
        self.assertEqual(stats.mode([7, 1, 1, 7]), 7)


if __name__ == "__main__":
    unittest.main()
