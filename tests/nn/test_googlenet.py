"""GoogLeNet: real weights where they are, and both public layouts with random ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file

from studio.nn.featurenet import FeatureError, fold_standardised
from studio.nn.features import load_features
from studio.nn.googlenet import WIDTHS, GoogLeNet, Inception, fold_batch_norm, from_torchvision, response_norm
from studio.nn.weights import WeightsError, save_model

pytestmark = pytest.mark.usefixtures("one_thread")
KNOWN = {
    "n01443537_goldfish": 1, "n01491361_tiger_shark": 3, "n01514859_hen": 8, "n01530575_brambling": 10,
    "n01531178_goldfinch": 11, "n01614925_bald_eagle": 22, "n01622779_great_grey_owl": 24,
}


def photo(path: Path, side: int = 224) -> torch.Tensor:
    with Image.open(path) as image:
        pixels = np.array(image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC))
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def plain_caffe(t: dict[str, torch.Tensor], x: torch.Tensor) -> dict[str, torch.Tensor]:
    """The network once more, written straight from its definition with torch's own operations."""

    def conv(x, key, stride=1, pad=0):
        return F.relu(F.conv2d(x, t[f"{key}.conv.weight"], t[f"{key}.conv.bias"], stride, pad))

    def pool(x):
        return F.max_pool2d(x, 3, 2, ceil_mode=True)

    found = {"conv1": conv(x, "conv1", 2, 3)}
    x = conv(F.local_response_norm(pool(found["conv1"]), 5, 1e-4, 0.75, 1.0), "conv2")
    found["conv2"] = conv(x, "conv3", 1, 1)
    x = pool(F.local_response_norm(found["conv2"], 5, 1e-4, 0.75, 1.0))
    for name in WIDTHS:
        if name in ("4a", "5a"):
            x = pool(x)
        k = f"inception{name}"
        x = found[name] = torch.cat([
            conv(x, f"{k}.branch1"), conv(conv(x, f"{k}.branch2.0"), f"{k}.branch2.1", 1, 1),
            conv(conv(x, f"{k}.branch3.0"), f"{k}.branch3.1", 1, 2), conv(F.max_pool2d(x, 3, 1, 1), f"{k}.branch4.1"),
        ], 1)
    return found


def random_net(**options) -> GoogLeNet:
    torch.manual_seed(5)
    net = GoogLeNet(**options)
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    return net


def test_known_photos_are_recognised(data_folder: Path) -> None:
    net = load_features(data_folder / "weights" / "googlenet_bvlc_caffe_fp16.safetensors")
    pictures = torch.cat([photo(data_folder / "photos" / f"{name}.jpg") for name in KNOWN])
    with torch.no_grad():
        best = net.logits(pictures).argmax(1).tolist()
    right = sum(found == wanted for found, wanted in zip(best, KNOWN.values(), strict=True))
    assert right >= len(KNOWN) - 1, best


def test_activations_equal_the_plain_definition(data_folder: Path) -> None:
    net = load_features(data_folder / "weights" / "googlenet_bvlc_caffe_fp16.safetensors")
    x = photo(data_folder / "photos" / "n01443537_goldfish.jpg", 160)
    with torch.no_grad():
        wanted = plain_caffe(net.tensors(), net.normalise(x))
        found = net.forward_to(x, net.layers)
    for layer, value in found.items():
        # largest difference relative to the largest activation of the layer
        assert float((value - wanted[layer]).abs().max() / wanted[layer].abs().max()) < 1e-5, layer


def test_forward_stops_at_the_deepest_layer() -> None:
    net = random_net()
    called: list[int] = []
    for index, stage in enumerate(net.stages):
        original = stage.convolve
        stage.convolve = lambda x, index=index, original=original: called.append(index) or original(x)
    found = net.forward_to(torch.rand(1, 3, 64, 64), ["3b", "CONV2"])
    assert set(found) == {"3b", "conv2"}
    assert max(called) == net.layers.index("3b")


def test_names_channels_strides() -> None:
    net = GoogLeNet()
    assert net.resolve("inception_4c/output") == net.resolve("Inception4c") == net.resolve("mixed4c") == "4c"
    assert [net.channels(x) for x in ("conv2", "3a", "3b", "4c", "4e", "5b")] == [192, 256, 480, 512, 832, 1024]
    assert [net.stride(x) for x in ("conv1", "conv2", "3a", "4a", "5a")] == [2, 4, 8, 16, 32]
    with pytest.raises(FeatureError, match="no layer '6a'; it has conv1"):
        net.resolve("6a")


def test_before_relu_is_what_the_relu_reads() -> None:
    net = random_net(last="3a")
    x = torch.rand(1, 3, 48, 48)
    pre, post = net.forward_to(x, "3a", before_relu=True)["3a"], net.forward_to(x, "3a")["3a"]
    assert pre.min() < 0
    assert torch.equal(torch.relu(pre), post)


def test_response_norm_is_torchs() -> None:
    x = torch.randn(2, 64, 9, 7) * 60
    torch.testing.assert_close(response_norm(x), F.local_response_norm(x, 5, 1e-4, 0.75, 1.0), rtol=1e-5, atol=1e-5)


def torchvision_state(classes: int = 7) -> dict[str, torch.Tensor]:
    """Random weights under exactly the names and shapes of torchvision's GoogLeNet."""
    torch.manual_seed(1)
    shapes = {"conv1": (64, 3, 7), "conv2": (64, 64, 1), "conv3": (192, 64, 3)}
    inputs = 192
    for name, (one, r3, three, r5, five, proj) in WIDTHS.items():
        parts = {"branch1": (one, inputs, 1), "branch2.0": (r3, inputs, 1), "branch2.1": (three, r3, 3),
                 "branch3.0": (r5, inputs, 1), "branch3.1": (five, r5, 3), "branch4.1": (proj, inputs, 1)}
        shapes |= {f"inception{name}.{branch}": shape for branch, shape in parts.items()}
        inputs = one + three + five + proj
    state = {"fc.weight": torch.randn(classes, 1024) * 0.02, "fc.bias": torch.randn(classes)}
    state["aux1.fc1.weight"] = torch.zeros(2, 2)
    for key, (out, into, kernel) in shapes.items():
        state[f"{key}.conv.weight"] = torch.randn(out, into, kernel, kernel) * (2 / (into * kernel**2)) ** 0.5
        state |= {f"{key}.bn.weight": torch.rand(out) + 0.5, f"{key}.bn.bias": torch.randn(out) * 0.1,
                  f"{key}.bn.running_mean": torch.randn(out) * 0.1, f"{key}.bn.running_var": torch.rand(out) + 0.5,
                  f"{key}.bn.num_batches_tracked": torch.tensor(3)}
    return state


def test_torchvision_layout_with_batch_norm() -> None:
    state = torchvision_state()
    net = from_torchvision(state).frozen()
    x = torch.rand(1, 3, 96, 96)

    def conv(x, key, stride=1, pad=0):
        x = F.conv2d(x, state[f"{key}.conv.weight"], None, stride, pad)
        bn = [state[f"{key}.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return F.relu(F.batch_norm(x, *bn, training=False, eps=0.001))

    def pool(x, kernel=3):
        return F.max_pool2d(x, kernel, 2, ceil_mode=True)

    y = pool(conv((x - 0.5) / 0.5, "conv1", 2, 3))
    y = pool(conv(conv(y, "conv2"), "conv3", 1, 1))
    for name in WIDTHS:
        y = pool(y) if name == "4a" else pool(y, 2) if name == "5a" else y
        k = f"inception{name}"
        y = torch.cat([conv(y, f"{k}.branch1"), conv(conv(y, f"{k}.branch2.0"), f"{k}.branch2.1", 1, 1),
                       conv(conv(y, f"{k}.branch3.0"), f"{k}.branch3.1", 1, 1),
                       conv(F.max_pool2d(y, 3, 1, 1), f"{k}.branch4.1")], 1)
    wanted = F.linear(y.mean((2, 3)), state["fc.weight"], state["fc.bias"])
    torch.testing.assert_close(net.logits(x), wanted, rtol=1e-3, atol=1e-3)


def test_damaged_batch_norm_is_a_sentence() -> None:
    state = {key: value for key, value in torchvision_state().items() if key != "conv3.bn.running_var"}
    with pytest.raises(FeatureError, match=r"conv3\.bn\.running_var"):
        fold_batch_norm(state)


def test_standardisation_folds_exactly() -> None:
    torch.manual_seed(2)
    stage = Inception(16, (8, 8, 12, 4, 6, 6))
    x, mean, std, scale = torch.rand(2, 16, 9, 9) * 7, torch.rand(16), torch.rand(16) + 0.3, torch.rand(32) + 0.5
    with torch.no_grad():
        wanted = stage.linear((x - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1)) * scale.view(1, -1, 1, 1)
        fold_standardised(stage, mean, std, scale)
        torch.testing.assert_close(stage.linear(x), wanted, rtol=1e-4, atol=1e-4)


def test_own_model_file_round_trips(tmp_path: Path) -> None:
    net = random_net(last="3a")
    save_model(tmp_path / "m.safetensors", net.tensors(), "features", net.architecture())
    again = load_features(tmp_path / "m.safetensors")
    x = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(again(x), net(x), rtol=1e-4, atol=1e-4)
    assert not any(weight.requires_grad for weight in again.parameters())


@pytest.mark.parametrize("config", [
    {"kind": "resnet"}, {"kind": "googlenet"},
    {"kind": "googlenet", "last": "9z", "lrn": 1, "kernel": 5, "pool5": 3, "mean": [0, 0, 0], "std": [1, 1, 1]},
])
def test_strange_configurations_are_sentences(tmp_path: Path, config: dict) -> None:
    save_model(tmp_path / "m.safetensors", {"a": torch.zeros(2)}, "features", config)
    with pytest.raises(FeatureError, match=r"m\.safetensors: "):
        load_features(tmp_path / "m.safetensors")


def test_unknown_tensors_and_damaged_files_are_sentences(tmp_path: Path) -> None:
    save_file({"layer.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(FeatureError, match="no feature network known"):
        load_features(tmp_path / "other.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"\x99" * 40)
    with pytest.raises(WeightsError, match="not a usable"):
        load_features(tmp_path / "bad.safetensors")
    net = random_net(last="3a")
    tensors = net.tensors()
    tensors["conv1.conv.weight"] = torch.zeros(64, 1, 7, 7)
    save_model(tmp_path / "m.safetensors", tensors, "features", net.architecture())
    with pytest.raises(FeatureError, match=r"conv1\.conv\.weight should be"):
        load_features(tmp_path / "m.safetensors")


def test_lowered_copy_computes_nearly_the_same() -> None:
    net = random_net(last="3b").frozen()
    x = torch.rand(1, 3, 64, 64)
    low = net.lowered(torch.bfloat16)
    assert (low.dtype, net.dtype) == (torch.bfloat16, torch.float32)
    assert net.lowered(torch.float32) is net
    assert torch.cosine_similarity(low(x).float().flatten(), net(x).flatten(), 0) > 0.999
