import unittest

from weather import parse


class Weather(unittest.TestCase):
    def test_zero(self):
        self.assertEqual(parse({"main": {"kelvin": 273.15}}), 0)


if __name__ == "__main__":
    unittest.main()
