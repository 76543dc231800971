import unittest

import migrate


class Import(unittest.TestCase):
    def test_it_can_be_imported(self):
        self.assertTrue(migrate.__doc__)


if __name__ == "__main__":
    unittest.main()
