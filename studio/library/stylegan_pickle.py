"""The generator in a StyleGAN2-ADA or StyleGAN3 network pickle: its tensors by name, and its configuration.

A snapshot is ``{"G", "D", "G_ema", "augment_pipe", "training_set_kwargs"}``; the moving average ``G_ema`` is what is
played. Names and shapes of tensors are those of the published code (Karras et al. 2020, 2021); the configuration is
read from the numbers that the objects carry, never from the source code beside them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.library.pickle_forms import Array, Thing
from studio.library.pickles import Refused

MAX_TENSORS = 20_000
MAX_DEPTH = 24
MAX_MODULES = 5_000

_HYPER = {
    "num_layers": 14, "num_critical": 2, "first_cutoff": 2.0, "first_stopband": 2**2.1, "last_stopband_rel": 2**0.3,
    "margin_size": 10, "output_scale": 0.25, "channel_base": 32768, "channel_max": 512, "conv_kernel": 3,
    "filter_size": 6, "lrelu_upsampling": 2, "use_radial_filters": False, "conv_clamp": 256,
}
"""StyleGAN3's published defaults (its train.py changes channel_base, channel_max, conv_kernel and filters for R)."""


def generator_of(root: Any) -> Thing:
    """The generator in a loaded pickle. Raises Refused with what there is instead."""
    if isinstance(root, dict):
        for key in ("G_ema", "G"):
            if isinstance(root.get(key), Thing):
                return _checked(root[key])
        names = ", ".join(str(key)[:30] for key in list(root)[:6])
        raise Refused(f"it holds {names or 'nothing'}, but no network that is known here (StyleGAN2-ADA or StyleGAN3)")
    if isinstance(root, Thing):
        return _checked(root)
    raise Refused(f"it holds a {type(root).__name__}, not a StyleGAN network")


def _checked(thing: Thing) -> Thing:
    modules = thing.part("_modules")
    if not isinstance(modules.get("mapping"), Thing) or not isinstance(modules.get("synthesis"), Thing):
        raise Refused(f"its network is a {thing.cls} without mapping and synthesis, which is not known here")
    return thing


def tensors_of(thing: Thing) -> dict[str, NDArray[Any]]:
    """Every parameter and buffer by its name in the ``state_dict``. Raises Refused."""
    found: dict[str, NDArray[Any]] = {}
    visited = 0

    def visit(module: Thing, prefix: str, depth: int) -> None:
        nonlocal visited
        visited += 1  # one module under many names is visited as often
        if depth > MAX_DEPTH or visited > MAX_MODULES:
            raise Refused("its modules are nested too deep")
        for group in ("_parameters", "_buffers"):
            for name, value in module.part(group).items():
                if isinstance(value, Array):
                    found[f"{prefix}{name}"] = value.plain()
                elif value is not None:
                    raise Refused(f"{prefix}{name} is a {type(value).__name__}, not a tensor")
                if len(found) > MAX_TENSORS:
                    raise Refused(f"it holds more than {MAX_TENSORS:,} tensors")
        for name, value in module.part("_modules").items():
            if isinstance(value, Thing):
                visit(value, f"{prefix}{name}.", depth + 1)
            elif value is not None:
                raise Refused(f"{prefix}{name} is a {type(value).__name__}, not a module")

    visit(thing, "", 0)
    return found


def config_of(thing: Thing) -> dict[str, Any]:
    """What our network needs to be built again, as plain JSON values. Raises Refused with what is not supported."""
    modules = thing.part("_modules")
    mapping, synthesis = modules["mapping"], modules["synthesis"]
    config: dict[str, Any] = {
        "size": _whole(thing, "img_resolution"), "z": _whole(thing, "z_dim"), "w": _whole(thing, "w_dim"),
        "labels": _whole(thing, "c_dim"), "colours": _whole(thing, "img_channels"), "mapping": _mapping(mapping),
    }
    if config["colours"] not in (1, 3):
        raise Refused(f"its pictures have {config['colours']} channels; 3 (colour) and 1 (grey) are known here")
    if isinstance(synthesis.part("_modules").get("b4"), Thing):
        return {"network": "stylegan2", **config, **_stylegan2(synthesis)}
    if isinstance(synthesis.part("_modules").get("input"), Thing):
        return {"network": "stylegan3", **config, **_stylegan3(thing, synthesis)}
    raise Refused(f"its synthesis network is a {synthesis.cls} of a form that is not known here")


def _mapping(mapping: Thing) -> dict[str, Any]:
    first = mapping.part("_modules").get("fc0")
    if not isinstance(first, Thing):
        raise Refused("its mapping network has no layer fc0")
    return {"layers": _whole(mapping, "num_layers"), "rate": _real(first, "bias_gain")}


def _stylegan2(synthesis: Thing) -> dict[str, Any]:
    blocks = {name: part for name, part in synthesis.part("_modules").items() if re.fullmatch(r"b\d{1,5}", name)}
    widths: list[int] = []
    clamp: float | None = None
    noise = True
    for name, block in sorted(blocks.items(), key=lambda item: int(item[0][1:])):
        shape = block.state.get("architecture", "skip")
        if shape != "skip":
            raise Refused(
                f"its synthesis network has the architecture {str(shape)[:20]!r}; only 'skip', which nearly all "
                "published networks have, is known here"
            )
        layer = block.part("_modules").get("conv1")
        weight = layer.part("_parameters").get("weight") if isinstance(layer, Thing) else None
        if not isinstance(layer, Thing) or not isinstance(weight, Array) or weight.plain().ndim != 4:
            raise Refused(f"its block {name} has no layer conv1")
        if layer.state.get("activation", "lrelu") != "lrelu":
            raise Refused(f"its activation {str(layer.state['activation'])[:20]!r} is not known here, only 'lrelu'")
        widths.append(int(weight.plain().shape[0]))
        clamp = _maybe(layer, "conv_clamp")
        noise = bool(layer.state.get("use_noise", True))
    return {"widths": widths, "clamp": clamp, "noise": noise}


def _stylegan3(thing: Thing, synthesis: Thing) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for owner in (thing, synthesis):
        arguments = owner.state.get("_init_kwargs")
        if isinstance(arguments, Mapping):
            nested = arguments.get("synthesis_kwargs")
            given |= {**arguments, **(nested if isinstance(nested, Mapping) else {})}
    found: dict[str, Any] = {}
    for name, default in _HYPER.items():
        value = given.get(name, synthesis.state.get(name, default))
        if value is None and name == "conv_clamp":
            found[name] = None
        elif isinstance(default, bool):
            found[name] = bool(value)
        else:
            found[name] = _number(value, name, whole=isinstance(default, int))
    return found


def _number(value: Any, name: str, *, whole: bool) -> int | float:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        raise Refused(f"its {name} is {str(value)[:30]!r}, not a number")
    if whole and value != int(value):
        raise Refused(f"its {name} is {value}, not a whole number")
    return int(value) if whole else float(value)


def _whole(thing: Thing, name: str) -> int:
    return int(_number(thing.state.get(name), name, whole=True))


def _real(thing: Thing, name: str) -> float:
    return float(_number(thing.state.get(name), name, whole=False))


def _maybe(thing: Thing, name: str) -> float | None:
    return None if thing.state.get(name) is None else _real(thing, name)
