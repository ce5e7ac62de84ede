"""Loading and states: whatever plugin code does, the plugin fails with a reason and nothing else stops."""

from __future__ import annotations

import random
import re
import sys
import threading
from pathlib import Path

import pytest
from helpers_plugins import CODE, TOML, write_plugin

from studio.api import Cancelled
from studio.engine import GeneratorError, Stage, render
from studio.params import ParamSet
from studio.plugins import PluginError, discover, read_plugin


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("class A(:\n", r"bad\.py, line 1"),
        ("\n\n1 / 0\n", r"bad\.py, line 3: ZeroDivisionError: division by zero"),
        ("import no_such_module_here\n", "needs the module no_such_module_here, which is not installed"),
        ("import nets\n", r"write: from \.nets import"), ("raise SystemExit(3)\n", "tried to end the program"),
        ("x = 1\n", "has no class Made"), ("Made = 5\n", "not a class derived"),
        ("class Made: pass\n", "not a class derived"),
        (CODE.replace('"test.{name}"', '"test.other"'), "id = 'test.bad', but the class Made has 'test.other'"),
        (CODE.replace('1, "image"', '1, "text"'), "makes = 'image', but the class Made has 'text'"),
        (CODE.replace('1, "image"', '2, "image"'), "version = 1"), (CODE + '    takes = "image"\n', "takes = None"),
        (CODE.replace("Float(0.5, 0.0", "Float(0.5, 3.0"), "low < high"),
        (CODE.replace("Float(0.5", "Float(7"), r"Made\.level: the default is not valid"),
        ("class Made(BaseException): pass\nraise Made('odd')", "odd"), ("raise MemoryError", "MemoryError"),
    ],
)
def test_a_plugin_that_does_not_import_fails_with_a_reason(tmp_path: Path, code: str, reason: str) -> None:
    if "BaseException" in code:
        code = code.replace("BaseException", "Exception")
    write_plugin(tmp_path, "bad", code=code, nets_py="x = 1\n")
    write_plugin(tmp_path, "good")
    registry = discover([tmp_path])
    plugin = registry.get("bad")
    before = set(sys.modules)
    with pytest.raises(PluginError, match=reason):
        plugin.load()
    assert plugin.state == "failed" and plugin.reason
    assert {name for name in set(sys.modules) - before if "bad" in name} == set()
    with pytest.raises(PluginError, match=reason):  # and it is not imported again
        plugin.load()
    assert registry.get("good").load().makes == "image"


def test_entry_file_missing(tmp_path: Path) -> None:
    write_plugin(tmp_path, "bad", toml=TOML.replace("{name}:Made", "absent:Made"))
    with pytest.raises(PluginError, match=r"absent\.py, which is not in"):
        discover([tmp_path]).get("bad").load()


def test_a_plugin_is_a_package_of_its_own_and_hides_nothing(tmp_path: Path) -> None:
    code = "from .nets import LEVEL\n" + CODE
    write_plugin(tmp_path / "a", "random", code=code, nets_py="LEVEL = 1\n")
    write_plugin(tmp_path / "b", "random", toml=TOML.replace("test.", "test.b_"),
                 code=code.replace("test.", "test.b_"), nets_py="LEVEL = 2\n")
    registry = discover([tmp_path / "a", tmp_path / "b"])
    first, second = (registry.get(name).load() for name in ("test.random", "test.b_random"))
    levels = [sys.modules[made.__module__].LEVEL for made in (first, second)]
    assert levels == [1, 2] and sys.modules["random"] is random and "nets" not in sys.modules


@pytest.mark.parametrize("entry", ["{name}:Made", "__init__:Made", "inner.deep:Made"])
def test_where_the_class_may_live(tmp_path: Path, entry: str) -> None:
    place = write_plugin(tmp_path, "grey", toml=TOML.replace("{name}:Made", entry))
    if entry != "{name}:Made":
        (place / "inner").mkdir()
        target = place / "inner" / "deep.py" if "deep" in entry else place / "__init__.py"
        (place / "grey.py").rename(target)
    assert discover([tmp_path]).get("grey").load().title == "A grey"


def test_a_lone_file_loads(tmp_path: Path) -> None:
    (tmp_path / "lone.py").write_text(CODE.replace("{name}", "lone"))
    assert read_plugin(tmp_path / "lone.py").load().id == "test.lone"


def test_states(tmp_path: Path) -> None:
    write_plugin(tmp_path, "grey")
    plugin = discover([tmp_path]).get("grey")
    assert plugin.state == "enabled"
    made = plugin.load()
    assert plugin.state == "loaded" and plugin.load() is made
    with plugin.running():
        with plugin.running():
            assert plugin.state == "running"
        assert plugin.state == "running"
    assert plugin.state == "loaded"
    with pytest.raises(Cancelled), plugin.running():
        raise Cancelled
    assert plugin.state == "loaded"
    with pytest.raises(ValueError, match="odd"), plugin.running():
        raise ValueError("odd value")
    assert plugin.state == "failed" and plugin.reason == "ValueError: odd value"
    with plugin.running():  # started again: the row is green again
        assert plugin.state == "running" and plugin.reason == ""


@pytest.mark.parametrize(("method", "verb"), [("setup", "could not be set up"), ("step", "stopped")])
@pytest.mark.parametrize(("fault", "says"), [("rain + 1", "NameError: name 'rain' is not defined"),
                                             ("np.ones(2) + np.ones(3)", "operands could not be broadcast")])
def test_an_error_names_the_line_of_the_plugin(tmp_path: Path, method: str, verb: str, fault: str, says: str) -> None:
    code = CODE.replace("class Made", "def helper():\n    FAULT\n\nclass Made").replace("FAULT", fault)
    code += f"\n    def {method}(self, ctx):\n        helper()\n"
    write_plugin(tmp_path, "wet", code=code)
    plugin = discover([tmp_path]).get("wet")
    made = plugin.load()
    line = next(number for number, text in enumerate(code.splitlines(), 1) if fault in text)
    with pytest.raises(GeneratorError) as caught, plugin.running():
        list(render([Stage(made, ParamSet(made.params), plugin.folder)], frames=1))
    file = f"{plugin.manifest.module}.py" if plugin.manifest else ""
    assert f"{verb}: {file}, line {line}: {says}" in str(caught.value), "the innermost line of its own code"
    assert plugin.reason.startswith(f"{file}, line {line}: ") and says in plugin.reason


def test_a_generator_that_fails_in_a_chain_fails_alone(tmp_path: Path) -> None:
    write_plugin(tmp_path, "good")
    code = CODE.replace("    level", '    takes = "image"\n    level')
    code = code.replace("return np", "return 1 / (3 - ctx.frame) * np")
    write_plugin(tmp_path, "bad", toml=TOML + 'takes = "image"\n', code=code)
    registry = discover([tmp_path])
    good, bad = registry.get("good"), registry.get("bad")
    stages = [Stage(made, ParamSet(made.params)) for made in (good.load(), bad.load())]
    made = []
    with pytest.raises(GeneratorError), good.running(), bad.running():
        made.extend(render(stages, frames=9))
    assert len(made) == 3 and good.state == "loaded"
    assert bad.state == "failed" and re.match(r"bad\.py, line \d+: ZeroDivisionError: division by zero", bad.reason)
    with good.running():
        assert len(list(render(stages[:1], frames=9))) == 9


def test_reload_takes_an_edit_within_the_same_second(tmp_path: Path) -> None:
    place = write_plugin(tmp_path, "grey", code="from .nets import KEY\n" + CODE, nets_py="KEY = 1\n")
    plugin = discover([tmp_path]).get("grey")
    old = plugin.load()
    (place / "nets.py").write_text("KEY = 2\n")
    new = plugin.reload()
    assert new is not old and sys.modules[new.__module__].KEY == 2
    (place / "nets.py").write_text("KEY = \n")
    with pytest.raises(PluginError, match="line 1"):
        plugin.reload()
    assert plugin.state == "failed"
    (place / "nets.py").write_text("KEY = 3\n")
    assert sys.modules[plugin.reload().__module__].KEY == 3 and plugin.state == "loaded"


def test_two_threads_load_one_class(tmp_path: Path) -> None:
    write_plugin(tmp_path, "grey")
    plugin = discover([tmp_path]).get("grey")
    start, made = threading.Barrier(4), []

    def load() -> None:
        start.wait()
        made.append(plugin.load())

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4 and len(set(made)) == 1
