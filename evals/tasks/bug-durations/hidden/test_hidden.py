import unittest

from durations import parse_duration


class Hidden(unittest.TestCase):
    def test_minutes_alone(self):
        self.assertEqual(parse_duration("90m"), 5400)

    def test_what_worked_still_works(self):
        self.assertEqual(parse_duration("0h5m"), 300)
        self.assertEqual(parse_duration("10h"), 36000)

    def test_garbage_is_still_refused(self):
        for text in ("", "1x", "90"):
            with self.subTest(text), self.assertRaises(ValueError):
                parse_duration(text)


if __name__ == "__main__":
    unittest.main()
