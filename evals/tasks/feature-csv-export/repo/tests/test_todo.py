import unittest

import todo


class Todo(unittest.TestCase):
    def test_a_new_item_is_not_done(self):
        self.assertFalse(todo.new("a")["done"])

    def test_finish(self):
        self.assertTrue(todo.finish(todo.new("a"))["done"])


if __name__ == "__main__":
    unittest.main()
