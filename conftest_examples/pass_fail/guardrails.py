"""Says what must not leave the building in a chatbot's reply."""

import re

PATTERNS = {
    "contact data": r"[\w.+-]+@[\w-]+\.\w+|\+?\d[\d ()/-]{7,}\d",
    "legal promise": r"\bwe (guarantee|promise)\b|\blegally binding\b",
    "leaked prompt": r"\b(my|these) (system )?instructions\b|<\|im_start\|>",
}
MOST_WORDS = 60


def violations(reply: str) -> list[str]:
    found = [
        name
        for name, pattern in PATTERNS.items()
        if re.search(pattern, reply, re.IGNORECASE)
    ]
    return found + ["too long"] * (len(reply.split()) > MOST_WORDS)
