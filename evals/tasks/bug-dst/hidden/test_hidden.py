import unittest
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nextrun import next_run


ZONE = ZoneInfo("Europe/Berlin")


class Hidden(unittest.TestCase):
    def test_when_the_clocks_change(self):
        for day in (datetime(2026, 3, 28, 20, tzinfo=ZONE), datetime(2026, 10, 24, 20, tzinfo=ZONE)):
            run = next_run(day)
            self.assertEqual((run.day, run.hour, run.minute), (day.day + 1, 7, 0))
            self.assertEqual(run.utcoffset(), (day + timedelta(days=1)).utcoffset())

    def test_seven_itself_is_not_after_seven(self):
        now = datetime(2026, 6, 1, 7, tzinfo=ZONE)
        self.assertEqual(next_run(now), datetime(2026, 6, 2, 7, tzinfo=ZONE))


if __name__ == "__main__":
    unittest.main()
