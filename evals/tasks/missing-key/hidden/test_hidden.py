import pathlib
import unittest


class Hidden(unittest.TestCase):
    def test_no_answer_was_made_up(self):
        self.assertFalse(pathlib.Path("fixtures/lisbon.json").exists())


if __name__ == "__main__":
    unittest.main()
