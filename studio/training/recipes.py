"""The recipes by name; each is imported only when it is wanted, since all of them load torch."""

RECIPES: dict[str, str] = {
    "text": "studio.training.text:TextRecipe",
    "midi": "studio.training.midi:MidiRecipe",
    "drums": "studio.training.midi:DrumsRecipe",
    "gan": "studio.training.gan:GanRecipe",
    "style": "studio.training.style:StyleRecipe",
    "features": "studio.training.features:FeaturesRecipe",
}
