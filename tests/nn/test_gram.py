"""Style losses against values worked out by hand."""

from __future__ import annotations

import pytest
import torch

from studio.nn import gram


def test_gram_is_the_mean_product_of_channels() -> None:
    activation = torch.tensor([[[[1.0, 2.0]], [[0.0, 3.0]]]])  # two channels, two positions
    assert torch.allclose(gram.gram(activation), torch.tensor([[[2.5, 3.0], [3.0, 4.5]]]))


def test_gram_does_not_depend_on_the_size_of_a_repeated_picture() -> None:
    tile = torch.rand(1, 5, 4, 6)
    assert torch.allclose(gram.gram(tile), gram.gram(tile.repeat(1, 1, 3, 2)), atol=1e-6)


def test_feature_distance_is_a_share_of_the_variance() -> None:
    wanted = torch.randn(2, 3, 8, 8)
    assert torch.equal(gram.feature_distance(wanted, wanted), torch.zeros(2))
    mean = wanted.mean((1, 2, 3), keepdim=True).expand_as(wanted)
    assert torch.allclose(gram.feature_distance(mean, wanted), torch.ones(2), atol=0.02)


def test_total_variation_of_a_step() -> None:
    image = torch.zeros(1, 3, 4, 4)
    assert float(gram.total_variation(image)) == 0.0
    image[:, :, :, 2:] = 1.0  # one of three neighbour pairs in each row differs by 1
    assert float(gram.total_variation(image)) == pytest.approx(1 / 3)


def test_outside_counts_only_what_leaves_the_range() -> None:
    assert float(gram.outside(torch.full((1, 3, 2, 2), 0.4))) == 0.0
    assert float(gram.outside(torch.full((1, 3, 2, 2), 1.5))) == pytest.approx(0.25)


def test_mixed_grams_are_weighted_means() -> None:
    tables = [{"a": torch.zeros(1, 2, 2)}, {"a": torch.ones(1, 2, 2)}]
    assert torch.allclose(gram.mix_grams(tables, [1.0, 3.0])["a"], torch.full((1, 2, 2), 0.75))
    with pytest.raises(ValueError, match="weight above 0"):
        gram.mix_grams(tables, [0.0, 0.0])
