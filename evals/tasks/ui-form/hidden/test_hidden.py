import pathlib
import unittest
from html.parser import HTMLParser


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


class Hidden(unittest.TestCase):
    def setUp(self):
        reader = Reader()
        reader.feed(pathlib.Path("signup.html").read_text())
        self.tags = reader.tags

    def test_language(self):
        self.assertTrue(any(tag == "html" and attrs.get("lang") for tag, attrs in self.tags))

    def test_labels(self):
        labelled = {attrs.get("for") for tag, attrs in self.tags if tag == "label"}
        for tag, attrs in self.tags:
            if tag == "input" and attrs.get("type") not in ("hidden", "submit"):
                self.assertTrue(attrs["id"] in labelled or attrs.get("aria-label"), attrs["id"])

    def test_the_error_is_announced(self):
        error = next(attrs for _, attrs in self.tags if attrs.get("id") == "error")
        self.assertTrue(error.get("role") in ("alert", "status") or error.get("aria-live"))

    def test_a_real_button_and_no_script(self):
        buttons = [a for t, a in self.tags if t == "button" or (t == "input" and a.get("type") == "submit")]
        self.assertTrue(buttons)
        self.assertFalse(any(t == "script" or any(k.startswith("on") for k in a) for t, a in self.tags))


if __name__ == "__main__":
    unittest.main()
