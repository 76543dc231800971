import unittest
from datetime import datetime
from zoneinfo import ZoneInfo

from nextrun import next_run


ZONE = ZoneInfo("Europe/Berlin")


class NextRun(unittest.TestCase):
    def test_the_same_day(self):
        now = datetime(2026, 6, 1, 5, tzinfo=ZONE)
        self.assertEqual(next_run(now), datetime(2026, 6, 1, 7, tzinfo=ZONE))

    def test_the_next_day(self):
        now = datetime(2026, 6, 1, 8, tzinfo=ZONE)
        self.assertEqual(next_run(now), datetime(2026, 6, 2, 7, tzinfo=ZONE))


if __name__ == "__main__":
    unittest.main()
