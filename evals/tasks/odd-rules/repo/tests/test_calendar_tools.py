import unittest

from calendar_tools import days_of


class Days(unittest.TestCase):
    def test_february(self):
        self.assertEqual(days_of(2), 28)


if __name__ == "__main__":
    unittest.main()
