import unittest

from dedupe import unique


class Hidden(unittest.TestCase):
    def test_linear(self):
        calls = 0

        def key(record):
            nonlocal calls
            calls += 1
            return record % 997

        self.assertEqual(unique(range(20_000), key), list(range(997)))
        self.assertLessEqual(calls, 40_000)

    def test_an_iterator_and_nothing(self):
        self.assertEqual(unique(iter([3, 3, 1]), lambda record: record), [3, 1])
        self.assertEqual(unique([], id), [])


if __name__ == "__main__":
    unittest.main()
