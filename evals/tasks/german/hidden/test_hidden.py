import unittest

from anrede import anrede


class Hidden(unittest.TestCase):
    def test_ohne_titel(self):
        self.assertEqual(anrede("", "Meyer"), "Guten Tag, Meyer")
        self.assertEqual(anrede(" ", " Meyer "), "Guten Tag, Meyer")
        self.assertEqual(anrede(" Dr. ", "Meyer"), "Guten Tag, Dr. Meyer")


if __name__ == "__main__":
    unittest.main()
