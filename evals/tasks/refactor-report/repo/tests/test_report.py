import unittest

from report import report


class Report(unittest.TestCase):
    def test_one_sale(self):
        self.assertEqual(report([("tea", 2, 150)]), "tea: 2 = 3.00\ntotal 3.00\nbest tea\n")


if __name__ == "__main__":
    unittest.main()
