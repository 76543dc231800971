import unittest

from shop import invoice


class Shop(unittest.TestCase):
    def test_invoice(self):
        self.assertEqual(invoice(12), "10.00 EUR")


if __name__ == "__main__":
    unittest.main()
