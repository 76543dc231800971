import unittest

from cache import Cache


class Caching(unittest.TestCase):
    def test_a_value_comes_back(self):
        cache = Cache()
        cache.put("a", 1)
        self.assertEqual(cache.get("a"), 1)


if __name__ == "__main__":
    unittest.main()
