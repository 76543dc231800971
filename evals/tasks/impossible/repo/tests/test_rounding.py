import unittest

from rounding import half


class Rounding(unittest.TestCase):
    def test_up(self):
        self.assertEqual(half(2.5), 3)

    def test_down(self):
        self.assertEqual(half(2.5), 2)


if __name__ == "__main__":
    unittest.main()
