import pathlib
import unittest

import shop


class Hidden(unittest.TestCase):
    def test_it_is_gone_from_everywhere(self):
        self.assertFalse(pathlib.Path("legacy.py").exists())
        for path in pathlib.Path().glob("*.py"):
            self.assertNotIn("legacy", path.read_text(), path)

    def test_the_shop_works(self):
        self.assertEqual(shop.invoice(0), "0.00 EUR")
        self.assertEqual(shop.invoice(-1.2), "-1.00 EUR")


if __name__ == "__main__":
    unittest.main()
