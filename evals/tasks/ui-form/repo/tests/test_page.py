import pathlib
import unittest


class Page(unittest.TestCase):
    def test_fields(self):
        page = pathlib.Path("signup.html").read_text()
        for name in ("name", "mail"):
            self.assertIn(f'id="{name}" name="{name}"', page)


if __name__ == "__main__":
    unittest.main()
