import ast
import pathlib
import unittest

import calendar_tools


class Hidden(unittest.TestCase):
    def setUp(self):
        public = {k: v for k, v in vars(calendar_tools).items() if callable(v) and not k.startswith("_")}
        self.new = {name: value for name, value in public.items() if name != "days_of"}

    def test_it_is_there_and_right(self):
        (function,) = self.new.values()
        years = {1900: False, 2000: True, 2023: False, 2024: True, 2100: False, 2400: True}
        self.assertEqual({year: bool(function(year)) for year in years}, years)

    def test_the_name(self):
        (name,) = self.new
        self.assertTrue(name.endswith("_of"), name)

    def test_no_f_strings(self):
        tree = ast.parse(pathlib.Path(calendar_tools.__file__).read_text())
        self.assertFalse(any(isinstance(node, ast.JoinedStr) for node in ast.walk(tree)))

    def test_news(self):
        lines = pathlib.Path("NEWS.txt").read_text().splitlines()
        self.assertTrue(lines[0].startswith("* ") and "days_of" not in lines[0], lines[0])
        self.assertEqual(len(lines), 2)


if __name__ == "__main__":
    unittest.main()
