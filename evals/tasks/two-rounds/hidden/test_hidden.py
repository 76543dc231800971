import unittest

from cache import Cache


class Hidden(unittest.TestCase):
    def test_the_limit(self):
        cache = Cache(limit=2)
        for key in "abc":
            cache.put(key, key)
        self.assertEqual((len(cache), cache.get("a"), cache.get("c")), (2, None, "c"))

    def test_reading_is_use(self):
        cache = Cache(limit=2)
        cache.put("a", 1)
        cache.put("b", 2)
        cache.get("a")
        cache.put("c", 3)
        self.assertEqual((cache.get("a"), cache.get("b")), (1, None))

    def test_a_hundred_without_a_limit(self):
        cache = Cache()
        for number in range(150):
            cache.put(number, number)
        self.assertEqual(len(cache), 100)


if __name__ == "__main__":
    unittest.main()
