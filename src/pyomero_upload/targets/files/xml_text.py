"""Text that XML can hold; beside all that writes XML."""

import re

# What XML 1.0 cannot hold (https://www.w3.org/TR/xml/#charsets), even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Return a text with the replacement character for each that XML cannot hold."""
    return _NO_XML.sub("\ufffd", text)
