"""tiktoken's vocabularies, rebuilt: the right bytes in the right place, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiktoken

from bot.errors import ConfigError
from bot.tokens import vocabularies
from bot.tokens.vocabularies import CL100K, O200K, VARIABLE, ensure, held

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_tiktoken_takes_what_is_built_without_asking_the_network(tmp_path: Path) -> None:
    program = (
        "import socket, sys\n"
        "def refuse(*_): raise SystemExit('asked the network')\n"
        "socket.getaddrinfo = socket.socket.connect = refuse\n"
        "from pathlib import Path\n"
        "from bot.tokens.vocabularies import ensure\n"
        "ensure(Path(sys.argv[1]))\n"
        "import tiktoken\n"
        "for name in ('o200k_base', 'o200k_harmony', 'cl100k_base'):\n"
        "    print(tiktoken.get_encoding(name).encode_ordinary('tiktoken is great!'))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.stderr == ""
    o200k, harmony, cl100k = ran.stdout.splitlines()
    assert o200k == harmony
    assert cl100k == "[83, 1609, 5963, 374, 2294, 0]"


def test_the_published_hashes_are_matched_in_under_two_seconds(tmp_path: Path) -> None:
    begun = time.monotonic()
    assert ensure(tmp_path / "new" / "folder") == tmp_path / "new" / "folder"
    assert time.monotonic() - begun < 2
    for vocabulary in (O200K, CL100K):
        content = (tmp_path / "new" / "folder" / vocabulary.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == vocabulary.sha256
    assert os.environ[VARIABLE] == str(tmp_path / "new" / "folder")


def test_the_operators_own_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "theirs"))
    assert ensure(tmp_path / "ours") == tmp_path / "theirs"
    assert not (tmp_path / "ours").exists()
    assert held("o200k_base")


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert ensure(tmp_path) == tmp_path


def test_a_whole_file_is_left_alone_and_a_damaged_one_is_made_anew(tmp_path: Path) -> None:
    ensure(tmp_path)
    whole, damaged = tmp_path / O200K.file, tmp_path / CL100K.file
    before = whole.stat().st_ino
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert not held("cl100k_base")
    ensure(tmp_path)
    assert held("cl100k_base")
    assert whole.stat().st_ino == before


def test_another_user_may_read_what_root_has_built(tmp_path: Path) -> None:
    ensure(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([O200K.file, CL100K.file])
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in tmp_path.iterdir())


def test_an_encoding_that_is_not_built_is_not_held(tmp_path: Path) -> None:
    assert not held("o200k_base")
    ensure(tmp_path)
    assert held("o200k_harmony")
    assert not held("p50k_base")


def test_a_folder_that_cannot_be_written_is_a_readable_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ConfigError, match=r"TIKTOKEN_CACHE_DIR: cannot write to .*file.*Name a folder"):
        ensure(tmp_path / "file")


def test_a_package_that_carries_something_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "bpe_openai"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.delitem(
        sys.modules, "bpe_openai", raising=False
    )  # another test may have imported the real one
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match=r"o200k_base\.tiktoken\.gz cannot be read"):
        ensure(tmp_path / "built")
    import gzip

    (package / "data" / "o200k_base.tiktoken.gz").write_bytes(gzip.compress(b"IQ== 0\n"))
    with pytest.raises(ConfigError, match="is not the o200k_base that tiktoken expects"):
        ensure(tmp_path / "built")
    assert not (tmp_path / "built").exists()


def test_the_program_builds_into_the_folder_it_is_given(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bot.tokens.vocabularies", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    built = run(str(tmp_path))
    assert (built.returncode, built.stderr) == (0, "")
    assert built.stdout.strip().endswith(str(tmp_path))
    assert (tmp_path / O200K.file).is_file()
    assert run().returncode == 2
    refused = run("/dev/null/folder")
    assert refused.returncode == 1
    assert refused.stderr.startswith("TIKTOKEN_CACHE_DIR: cannot write")


def test_every_encoding_named_here_is_one_tiktoken_knows() -> None:
    assert set(vocabularies.NEEDED_BY) <= set(tiktoken.list_encoding_names())
