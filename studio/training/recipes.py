"""The training recipes by name, as ``module:class``; nothing is imported until one is asked for."""

from __future__ import annotations

RECIPES: dict[str, str] = {
    "text": "studio.training.text:TextRecipe",
    "midi": "studio.training.midi:MidiRecipe",
    "drums": "studio.training.drums:DrumRecipe",
    "roll": "studio.training.roll:RollRecipe",
    "gan": "studio.training.gan:GanRecipe",
    "style": "studio.training.style:StyleRecipe",
    "features": "studio.training.features:FeaturesRecipe",
}
