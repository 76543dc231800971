import unittest

from anrede import anrede


class Anrede(unittest.TestCase):
    def test_titel(self):
        self.assertEqual(anrede("Dr.", "Meyer"), "Guten Tag, Dr. Meyer")


if __name__ == "__main__":
    unittest.main()
