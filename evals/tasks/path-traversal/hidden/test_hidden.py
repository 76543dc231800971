import pathlib
import unittest

from pages import read_page


class Hidden(unittest.TestCase):
    def setUp(self):
        self.secret = pathlib.Path("secret.txt")
        self.secret.write_text("secret")
        self.link = pathlib.Path("pages/link.txt")
        self.link.symlink_to("../secret.txt")
        self.addCleanup(self.secret.unlink)
        self.addCleanup(self.link.unlink)

    def test_nothing_outside(self):
        names = ["../secret.txt", "docs/../../secret.txt", str(self.secret.resolve()), "link.txt"]
        for name in names:
            with self.subTest(name), self.assertRaises(LookupError):
                read_page(name)

    def test_dots_inside(self):
        self.assertEqual(read_page("docs/../index.txt"), "welcome\n")


if __name__ == "__main__":
    unittest.main()
