import unittest

from dedupe import unique


class Unique(unittest.TestCase):
    def test_the_first_stays(self):
        self.assertEqual(unique(["a", "B", "A"], str.lower), ["a", "B"])


if __name__ == "__main__":
    unittest.main()
