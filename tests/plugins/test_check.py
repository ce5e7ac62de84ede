"""``plugins new`` makes something that works; ``plugins check`` explains every fault in a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers_plugins import CODE, TOML, write_plugin

from studio.engine.chain import Stage
from studio.engine.render import render
from studio.files import FileError
from studio.params import ParamSet
from studio.plugins import PluginError, check_plugin, create_plugin, discover, user_plugins

ROOT = Path(__file__).resolve().parent.parent.parent


def test_a_new_plugin_renders_at_once_and_has_no_faults() -> None:
    files = create_plugin("My Waves")
    assert [path.relative_to(user_plugins()).as_posix() for path in files] == [
        "my_waves/plugin.toml", "my_waves/my_waves.py", "my_waves/test_my_waves.py", "my_waves/presets/calm.json",
        "my_waves/presets/deep.json",
    ]
    plugin = discover().get("my_waves")
    made = plugin.load()
    frames = list(render([Stage(made, ParamSet(made.params), plugin.folder)], frames=4, size=(64, 36), seed=1))
    assert [frame.shape for frame in frames] == [(36, 64, 3)] * 4 and frames[0].std() > 10
    assert (frames[0] != frames[3]).any()
    assert [str(finding) for finding in check_plugin(plugin.folder)] == []


def test_the_test_that_comes_with_a_new_plugin_passes(tmp_path: Path) -> None:
    create_plugin("waves", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "waves")],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["", "1st", "class", "../x", "ünicode!", "con", "x" * 60])
def test_bad_names_are_refused_or_made_plain(tmp_path: Path, name: str) -> None:
    try:
        files = create_plugin(name, tmp_path / "in")
    except PluginError as error:
        assert "cannot be a plugin's name" in str(error)
        assert not (tmp_path / "in").exists()
    else:
        assert files[0].parent.parent == tmp_path / "in"


def test_an_existing_plugin_is_not_overwritten_and_faults_of_the_disk_leave_nothing(tmp_path: Path) -> None:
    create_plugin("waves", tmp_path)
    with pytest.raises(PluginError, match="already there"):
        create_plugin("waves", tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError, match="cannot write"):
        create_plugin("waves", tmp_path / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "waves"]


def sentences(place: Path, **options: object) -> str:
    return "\n".join(str(finding) for finding in check_plugin(place, **options))


STEP = "        return np.full((4, 6, 3), self.level, np.float32)\n"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"toml": "id = 5"}, "fault: plugin.toml: the field 'id' must be text"),
        (
            {"toml": TOML + 'maks = "image"\n'},
            "advice: plugin.toml: the field 'maks' is not known; did you mean 'makes'",
        ),
        ({"toml": TOML.replace("{name}:Made", "absent:Made")}, "the entry names absent.py, which is not there"),
        ({"toml": TOML + 'takes = "text"\n'}, "takes = 'text', but the class Made has None"),
        ({"toml": TOML.replace("test.{name}", "test.grau")}, "id = 'test.grau', but the class Made has 'test.grey'"),
        ({"code": "import studio.engine\n" + CODE}, "line 1: it imports studio.engine, an internal part"),
        ({"code": "from studio import params\n" + CODE}, "it imports studio.params, an internal part"),
        ({"code": "import nets\n" + CODE, "nets_py": ""}, "write: from .nets import"),
        ({"code": "def f():\n    import librosa\n" + CODE}, "line 2: it imports librosa, which does not come"),
        ({"code": "def f():\n    import PySide6\n" + CODE}, "a generator draws no window"),
        ({"code": "def f():\n    import torch\n    torch.load('x')\n" + CODE}, "add weights_only=True"),
        ({"code": CODE.replace(STEP, "        x = self.level * ctx.t\n" + STEP)}, "makes the picture jump"),
        ({"code": CODE.replace(', help="How bright"', "")}, "fault: level: the parameter has no help"),
        ({"code": CODE.replace('    """Grey that drifts."""\n', "")}, "advice: Made: it has no docstring"),
        (
            {"code": CODE.replace(STEP, "        return np.full((4, 6, 3), np.nan)\n")},
            "step 1 made something that cannot be used: the image contains NaN",
        ),
        ({"code": CODE.replace(STEP, "        return 'text'\n")}, "an image generator returned str"),
        ({"code": CODE.replace(STEP, "        return np.zeros((3, 40, 60))\n")}, "use transpose(1, 2, 0)"),
        (
            {"code": CODE.replace(STEP, "        return np.random.rand(4, 6, 3)\n")},
            "two runs with the same seed and values made different",
        ),
        ({"code": CODE.replace(STEP, "        pass\n")}, "it made nothing in 5 steps"),
        (
            {"code": CODE.replace(STEP, "        return 1 / (self.level - 1) * np.ones((4, 6, 3))\n")},
            "fault: level: at its highest value 1.0: step 1 failed: grey.py, line 13: ZeroDivisionError",
        ),
        (
            {"code": CODE.replace(STEP, "        yield np.zeros((4, 6, 3))\n        raise KeyError('k')\n")},
            "step 1 failed: grey.py, line 14: KeyError: 'k'",
        ),
        (
            {"code": CODE + "\n    def setup(self, ctx):\n        ctx.asset('map.png')\n"},
            "setup failed: grey.py, line 16: FileNotFoundError: asset 'map.png' is missing",
        ),
        (
            {"code": CODE + "\n    def close(self):\n        1 / 0\n"},
            "close failed: grey.py, line 16: ZeroDivisionError",
        ),
        (
            {"code": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n" + CODE},
            "importing it starts threads",
        ),
        ({"code": "import sys\nsys.modules['PySide6'] = sys\n" + CODE}, "importing it loads Qt"),
        ({"code": "import os\nos._exit(0)\n" + CODE}, "importing it: it ended the whole process (exit code 0)"),
        (
            {"code": "import os, signal\n" + CODE.replace(STEP, "        os.kill(os.getpid(), signal.SIGKILL)\n")},
            "running its first steps: it ended the whole process (SIGKILL",
        ),
    ],
)
def test_every_fault_is_explained(tmp_path: Path, change: dict[str, str], says: str) -> None:
    assert says in sentences(write_plugin(tmp_path, "grey", **change))


def test_a_plugin_that_cannot_start_is_told_once(tmp_path: Path) -> None:
    code = CODE + "\n    def setup(self, ctx):\n        ctx.model('absent')\n"
    assert sentences(write_plugin(tmp_path, "grey", code=code)).count("there is no model 'absent'") == 1


def test_a_known_plugin_is_checked_by_its_name() -> None:
    create_plugin("waves")
    assert check_plugin(Path("waves")) == check_plugin(Path("my.waves")) == []


def test_a_hanging_plugin_does_not_hang_the_check(tmp_path: Path) -> None:
    place = write_plugin(tmp_path, "grey", code="import time\nwhile True:\n    time.sleep(1)\n" + CODE)
    assert "importing it: it did not come to an end within 3 s" in sentences(place, timeout=3)


EFFECT = CODE.replace(STEP, "        return 1 - ctx.input\n").replace("    level", '    takes = "image"\n    level')


def test_an_effect_gets_pictures_and_must_cope_without(tmp_path: Path) -> None:
    toml = TOML + 'takes = "image"\n'
    text = sentences(write_plugin(tmp_path, "grey", toml=toml, code=EFFECT))
    assert "without input (ctx.input is None: no camera yet) step 1 failed: grey.py, line 14: TypeError" in text
    fine = EFFECT.replace("return 1 - ctx.input", "return None if ctx.input is None else 1 - ctx.input")
    assert "fault" not in sentences(write_plugin(tmp_path / "b", "grey", toml=toml, code=fine))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not valid JSON"), ("[]", "an object"), ("{}", "reverie.preset"),
        ('{"generator": "test.other"}', "is 'test.other', but the plugin's id is 'test.grey'"),
        ('{"generator_version": 9}', "from 1 to 1"),
        ('{"params": {"level": 7}}', "level: 7 is above 1"), ('{"params": {"lewel": 1}}', "lewel: unknown parameter"),
        ('{"params": []}', "it holds the values by name"),
    ],
)
def test_presets_that_do_not_load_cleanly_are_named(tmp_path: Path, text: str, says: str) -> None:
    place = write_plugin(tmp_path, "grey")
    (place / "presets").mkdir()
    (place / "presets" / "odd.json").write_text(text)
    found = [f for f in check_plugin(place) if f.where == "presets/odd.json"]
    assert found and all(f.level == "fault" for f in found) and any(says in f.message for f in found)


def test_nothing_at_the_path_and_a_folder_that_is_no_plugin(tmp_path: Path) -> None:
    assert "nothing at this path" in sentences(tmp_path / "absent")
    assert "plugin.toml: the file is missing" in sentences(tmp_path)
    (tmp_path / "x.py").write_text("x = 1\n")
    assert "declares no class" in sentences(tmp_path / "x.py")


def test_a_lone_file_is_checked_too(tmp_path: Path) -> None:
    (tmp_path / "lone.py").write_text(CODE.replace("{name}", "lone"))
    assert sentences(tmp_path / "lone.py") == ""
