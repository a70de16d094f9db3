"""The ground the other tests stand on: no network, no borrowed environment, a database of one's own."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import psycopg
import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 443, 0, 0)])
def test_a_socket_cannot_leave_this_machine(address: tuple[str, int], blocked: list[str]) -> None:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        with pytest.raises(RuntimeError, match="tests may not reach"):
            sock.connect(address)
        with pytest.raises(RuntimeError, match="tests may not reach"):
            sock.connect_ex(address)
    with socket.socket(family, socket.SOCK_DGRAM) as sock, pytest.raises(RuntimeError, match="may not reach"):
        sock.sendto(b"hello", address)
    assert len(blocked) == 3
    blocked.clear()


async def test_a_name_is_not_even_looked_up(blocked: list[str]) -> None:
    with pytest.raises(RuntimeError, match=r"tests may not reach example\.com"):
        await asyncio.get_running_loop().getaddrinfo("example.com", 443)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(RuntimeError, match=r"tests may not reach example\.com"):
            await session.get("https://example.com/")
    assert set(blocked) == {"example.com"}
    blocked.clear()


async def test_loopback_and_unix_sockets_work(tmp_path: Path) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    tcp = await asyncio.start_server(greet, "localhost", 0)
    unix = await asyncio.start_unix_server(greet, tmp_path / "socket")
    async with tcp, unix:
        reader, writer = await asyncio.open_connection("localhost", tcp.sockets[0].getsockname()[1])
        assert await reader.read() == b"hello"
        writer.close()
        reader, writer = await asyncio.open_unix_connection(tmp_path / "socket")
        assert await reader.read() == b"hello"
        writer.close()


def test_swallowing_the_refusal_still_fails_the_test(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "test_quiet.py").write_text(
        "import socket\n"
        "def test_quiet():\n"
        "    try:\n"
        "        socket.create_connection(('192.0.2.1', 80))\n"
        "    except Exception:\n"
        "        pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "the test tried to reach ('192.0.2.1', 80)" in ran.stdout
    assert ran.returncode == 1


def test_no_credentials_of_the_developer_are_seen() -> None:
    foreign = ("SLACK_", "DISCORD_", "OPENAI_", "ANTHROPIC_", "REJOINDER_", "DATABASE_URL")
    assert [name for name in os.environ if name.startswith(foreign)] == []


def test_postgres_is_real_and_the_database_empty(postgres_url: str, request: pytest.FixtureRequest) -> None:
    assert postgres_url.startswith("postgresql://")
    assert request.node.get_closest_marker("postgres")
    with psycopg.connect(postgres_url) as connection:
        (version,) = connection.execute("SHOW server_version_num").fetchone() or ("0",)
        assert int(version) >= 180000
        count = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        assert connection.execute(count).fetchone() == (0,)
