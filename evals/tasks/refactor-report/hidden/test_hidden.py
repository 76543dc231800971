import ast
import pathlib
import unittest

import report


class Hidden(unittest.TestCase):
    def test_nothing_sold(self):
        self.assertEqual(report.report([]), "total 0.00\n")

    def test_first_of_equals_is_the_best(self):
        text = report.report([("a", 1, 5), ("b", 1, 5), ("a", 1, 0)])
        self.assertEqual(text, "a: 2 = 0.05\nb: 1 = 0.05\ntotal 0.10\nbest a\n")

    def test_refund(self):
        self.assertEqual(report.report([("a", -1, 150)]), "a: -1 = -2.50\ntotal -2.50\nbest a\n")

    def test_functions_are_short(self):
        tree = ast.parse(pathlib.Path(report.__file__).read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                self.assertLessEqual(node.end_lineno - node.lineno + 1, 12, node.name)


if __name__ == "__main__":
    unittest.main()
