"""Reads the text of a PDF file in a process of its own: its bytes come in, one JSON object goes out. A file may be made so that reading it
never ends, or fills the memory: then this process is ended, and nothing else.

Run as `python -I pdf_worker.py PAGES CHARACTERS SECONDS`. Imports nothing of the bot's.
"""

import io
import json
import logging
import sys

MEMORY = 1_500_000_000
"""Bytes of address space."""


def restrain(seconds: int) -> None:
    """Where the system can, hold the process to its share."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def read(pages: int, characters: int) -> dict[str, object]:
    from pypdf import PdfReader

    try:
        reader = PdfReader(io.BytesIO(sys.stdin.buffer.read()))
        if reader.is_encrypted and not reader.decrypt(""):
            return {"why": "encrypted"}
        texts: list[str] = []
        said = 0
        for number, page in enumerate(reader.pages):
            if number >= pages or said > characters:
                return {"text": "\n\n".join(texts), "cut": True}
            texts.append(page.extract_text().strip())
            said += len(texts[-1])
    except Exception as error:  # noqa: BLE001 - a broken file fails in whatever way it was broken: this process is the outer edge
        return {"why": "broken", "detail": type(error).__name__}
    return {"text": "\n\n".join(texts), "cut": False}


if __name__ == "__main__":
    logging.disable()
    restrain(int(sys.argv[3]))
    print(json.dumps(read(int(sys.argv[1]), int(sys.argv[2]))))
