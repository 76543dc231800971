import csv
import io
import unittest

import todo


class Hidden(unittest.TestCase):
    def rows(self, items):
        return list(csv.reader(io.StringIO(todo.to_csv(items), newline="")))

    def test_header_alone(self):
        self.assertEqual(self.rows([]), [["title", "done"]])

    def test_quoting(self):
        titles = ['say "hi"', "a,b", "two\nlines", "plain"]
        rows = self.rows([todo.finish(todo.new(title)) for title in titles])
        self.assertEqual(rows[1:], [[title, "yes"] for title in titles])

    def test_open_items(self):
        self.assertEqual(self.rows([todo.new("a")])[1], ["a", "no"])


if __name__ == "__main__":
    unittest.main()
