import unittest

from pages import read_page


class Pages(unittest.TestCase):
    def test_a_page(self):
        self.assertEqual(read_page("index.txt"), "welcome\n")

    def test_in_a_folder(self):
        self.assertEqual(read_page("docs/a.txt"), "a\n")


if __name__ == "__main__":
    unittest.main()
