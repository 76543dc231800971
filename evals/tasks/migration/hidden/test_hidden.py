import unittest

from migrate import migrate


class Hidden(unittest.TestCase):
    def test_unknown_keys_stay(self):
        old = {"server": "a.example:80", "theme": {"dark": True}}
        new = {"version": 2, "host": "a.example", "port": 80, "theme": {"dark": True}}
        self.assertEqual(migrate(old), new)
        self.assertEqual(old, {"server": "a.example:80", "theme": {"dark": True}})

    def test_version_2_stays(self):
        new = {"version": 2, "host": "h", "port": 1, "server": "kept"}
        self.assertEqual(migrate(new), new)

    def test_ipv6(self):
        self.assertIn(migrate({"server": "[::1]:8080", "version": 1})["host"], ("::1", "[::1]"))


if __name__ == "__main__":
    unittest.main()
