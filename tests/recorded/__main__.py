"""`python -m tests.recorded`: write down anew what the answers become. Look at the difference before it is committed."""

from __future__ import annotations

import asyncio

from tests.recorded.recording import NAMES, PLATFORMS, calls, file_of


async def main() -> None:
    for name in NAMES:
        for platform in PLATFORMS:
            file_of(name, platform).write_text(await calls(name, platform), encoding="utf-8")
    print(f"{len(NAMES)} answers")


if __name__ == "__main__":
    asyncio.run(main())
