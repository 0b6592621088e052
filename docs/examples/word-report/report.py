"""Counts the words of a text and signs the report, so that its readers can tell who made it."""

import hmac
import json
import os
import sys
from collections import Counter
from pathlib import Path

NOT_TEXT, NO_WORDS = 1, 2  # exit codes, as in the manifest


def main() -> int:
    try:
        words = Path(os.environ["TEXT"]).read_text("utf-8").lower().split()
    except UnicodeDecodeError as error:
        print(f"this is no text: {error}", file=sys.stderr)
        return NOT_TEXT
    if not words:
        return NO_WORDS
    counted = Counter(words).most_common(int(os.environ.get("TOP", "10")))
    report = "".join(f"{word},{count}\n" for word, count in counted)
    signature = hmac.new(os.environ["SIGNING_KEY"].encode(), report.encode(), "sha256").hexdigest()

    output = Path(os.environ["OUTPUT_DIR"])
    (output / "report.csv").write_text(report)
    (output / "report.csv.metadata.json").write_text(json.dumps({"signature": signature}))
    (output / "seed.outputs.json").write_text(json.dumps({"WORDS": len(words)}))
    print(f"{len(words)} words")
    return 0


if __name__ == "__main__":
    sys.exit(main())
