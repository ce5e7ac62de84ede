"""The training recipes: where each is, and what it asks for and gives. Nothing is imported until one is used."""

from __future__ import annotations

from dataclasses import dataclass

RECIPES: dict[str, str] = {
    "text": "studio.training.text:TextRecipe",
    "midi": "studio.training.midi:MidiRecipe",
    "drums": "studio.training.drums:DrumRecipe",
    "humanise": "studio.training.humanise:HumaniseRecipe",
    "roll": "studio.training.roll:RollRecipe",
    "handwriting": "studio.training.handwriting:HandwritingRecipe",
    "gan": "studio.training.gan:GanRecipe",
    "few": "studio.training.gan_few:FewRecipe",
    "dcgan": "studio.training.gan_dcgan:DcganRecipe",
    "wgan": "studio.training.gan_dcgan:WganRecipe",
    "style": "studio.training.style:StyleRecipe",
    "anystyle": "studio.training.style_any:AnyStyleRecipe",
    "features": "studio.training.features:FeaturesRecipe",
    "pix2pix": "studio.training.pix2pix:Pix2PixRecipe",
    "draw": "studio.training.draw:DrawRecipe",
    "encoder": "studio.training.encoder:EncoderRecipe",
}
"""Recipe name → ``module:class``."""


@dataclass(frozen=True)
class About:
    """What a person wants to know before choosing a recipe."""

    title: str
    makes: str
    """What comes out, in a few words."""
    needs: str
    """What to learn from, in a few words."""
    kind: str
    """Media kind: image, notes or text."""
    plays: str = ""
    """Id of the generator that plays the model; '' where none does yet."""
    folder: bool = True
    """Whether DATA may be a folder."""
    endings: tuple[str, ...] = ()
    """Endings of a single file that will do as DATA."""
    basics: tuple[str, ...] = ()
    """Settings that a form shows at once; the rest stands under "more"."""
    defaults: tuple[tuple[str, str], ...] = ()
    """Settings that the studio's form begins with, other than the recipe's own: name, value as text."""
    required: tuple[str, ...] = ()
    """Settings that have no usable default."""
    models: tuple[tuple[str, str], ...] = ()
    """Settings that name a model, and the architecture that fits."""
    data_settings: tuple[str, ...] = ()
    """Settings that say what is learned from: after a change of one the data is looked at again."""


PICTURE_FILES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
VIDEO_FILES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv")
PICTURE_SETTINGS = ("batch", "size", "crop", "crop_factor", "by_class", "frame_rate", "drop_duplicates")
ABOUT: dict[str, About] = {
    "gan": About(
        "Pictures", "A picture generator whose latent space you walk through",
        "A folder of pictures, a few hundred or more; sub-folders may be classes; or a video", "image",
        "reverie.latent_explorer", endings=VIDEO_FILES,
        basics=("steps", "size", "batch", "augment", "features", "by_class", "crop", "sample_every"),
        defaults=(("sample_every", "100"), ("features", "style_features")),
        models=(("features", "features"), ("initial", "gan")), data_settings=PICTURE_SETTINGS,
    ),
    "few": About(
        "Pictures, few and large", "A picture generator from a small collection, at 256 pixels and more",
        "A folder of one hundred to two thousand pictures, or a video", "image", "reverie.latent_explorer",
        endings=VIDEO_FILES, basics=("steps", "size", "batch", "augment", "features", "crop", "sample_every"),
        defaults=(("sample_every", "100"), ("features", "style_features")),
        models=(("features", "features"),), data_settings=PICTURE_SETTINGS,
    ),
    "dcgan": About(
        "Pictures, the classic way", "A DCGAN as its paper has it: rough, quick and instructive",
        "A folder of a thousand pictures and more, or a video", "image", "reverie.latent_explorer",
        endings=VIDEO_FILES, basics=("steps", "size", "batch", "by_class", "crop", "sample_every"),
        defaults=(("sample_every", "100"), ("batch", "32")), models=(("features", "features"),),
        data_settings=PICTURE_SETTINGS,
    ),
    "wgan": About(
        "Pictures, the steady way", "A WGAN-GP: slow to learn, and hardly ever collapses",
        "A folder of a thousand pictures and more, or a video", "image", "reverie.latent_explorer",
        endings=VIDEO_FILES, basics=("steps", "size", "batch", "critic_steps", "by_class", "crop", "sample_every"),
        defaults=(("sample_every", "100"), ("batch", "32")), models=(("features", "features"),),
        data_settings=PICTURE_SETTINGS,
    ),
    "style": About(
        "Painting style", "Paints any camera live like your own paintings",
        "One painting, or a folder of them. Photographs to paint on while it learns are welcome; without any the "
        "studio uses pictures of its own", "image",
        "reverie.style_camera", endings=PICTURE_FILES,
        basics=("steps", "photos", "styles", "learn", "style_size", "style_weight", "sample_every"),
        defaults=(("sample_every", "50"),), data_settings=("photos", "styles"),
        models=(("features", "features"), ("initial", "style_net")),
    ),
    "anystyle": About(
        "Any picture as a style", "Lets a style model take any picture as its style at once, without training",
        "A folder of paintings and patterns, the more different the better; photographs besides are welcome", "image",
        "reverie.style_camera", basics=("initial", "steps", "photos", "unseen", "sample_every"),
        defaults=(("sample_every", "200"),), data_settings=("photos", "unseen", "known"),
        models=(("features", "features"), ("initial", "style_net"), ("eyes", "features")),
    ),
    "text": About(
        "Text", "A writer that continues in the voice of your texts",
        "A text file or a folder of them, 100 kB or more; sub-folders become labels, such as authors or moods", "text",
        "reverie.text_sequencer", endings=(".txt", ".md"),
        basics=("steps", "hidden", "layers", "dropout", "labels", "source", "sample_every"),
        defaults=(("sample_every", "200"),), data_settings=("labels",),
        models=(("initial", "sequence-rnn"),),
    ),
    "midi": About(
        "Music", "A player that improvises like your pieces",
        "A folder of .mid files, or a JSON file of voices", "notes", "reverie.midi_sequencer", endings=(".json",),
        basics=("steps", "grid", "voices", "one_key", "hidden", "source", "sample_every"),
        defaults=(("sample_every", "100"),),
        models=(("initial", "event-rnn"),),
    ),
    "drums": About(
        "Drums", "A drummer with dynamics and feel", "A folder of .mid files of drums", "notes",
        "reverie.midi_sequencer", basics=("steps", "bar", "grid", "hidden", "source", "sample_every"),
        defaults=(("sample_every", "100"),),
        models=(("initial", "event-rnn"),),
    ),
    "humanise": About(
        "Drummer's feel", "Plays written drums with the dynamics and timing of your drummers",
        "A folder of .mid files of drums that were played, not written", "notes", "reverie.midi_sequencer",
        basics=("steps", "hidden", "window", "timing", "source", "sample_every"), defaults=(("sample_every", "200"),),
    ),
    "roll": About(
        "Piano rolls", "A network over piano rolls, measured as the literature does; with nade it plays chords",
        "A JSON file of piano rolls with train, valid and test", "notes", "reverie.midi_sequencer", folder=False,
        endings=(".json",), basics=("steps", "hidden", "nade", "lr", "dropout", "source", "sample_every"),
        defaults=(("nade", "128"), ("lr", "0.01"), ("sample_every", "200")),
    ),
    "handwriting": About(
        "Handwriting", "A hand that writes any text, stroke by stroke",
        "Strokes with their texts (IAM-OnDB, Quick-Draw .ndjson, SVG, .json), or any text: then the studio's own pen "
        "writes it to learn from", "image", "reverie.handwriting", endings=(".txt", ".json", ".ndjson", ".svg", ".xml"),
        basics=("steps", "hidden", "lines", "longest", "source", "sample_every"), defaults=(("sample_every", "250"),),
    ),
    "features": About(
        "Eyes for dreams", "Small eyes learned from large ones, to dream with",
        "A folder of pictures of any kind, and a teacher network", "image", "reverie.deep_dream",
        basics=("steps", "teacher", "last", "batch", "sample_every"), required=("teacher",),
        defaults=(("sample_every", "500"),),
        models=(("teacher", "features"),),
    ),
    "encoder": About(
        "Photo to place", "Knows at once where in a generator's latent space a photograph lies",
        "The generator's model file, or better: pictures like those it learned from, and its name", "image",
        "reverie.latent_explorer", endings=(".safetensors",),
        basics=("generator", "steps", "batch", "features", "sample_every"),
        models=(("generator", "gan"), ("features", "features")), data_settings=("generator",),
    ),
    "pix2pix": About(
        "Drawing to picture", "Turns a drawing, edges of a camera or flat colours into a picture, live",
        "A folder of pictures, whose edges are found; or pairs: two folders, or pictures side by side", "image",
        "reverie.edges_to_picture", basics=("steps", "size", "source", "direction", "network", "sample_every"),
        defaults=(("sample_every", "100"),), data_settings=("source", "direction"),
    ),
    "draw": About(
        "Drawing in strokes", "A hand that draws its pictures stroke by stroke while you watch",
        "A folder of small, simple pictures, folders in it are classes; or a stroke font (.json)", "image",
        "reverie.draw_writer", endings=(".json",),
        basics=("steps", "size", "glimpses", "hidden", "write", "colour", "classes", "sample_every"),
        defaults=(("sample_every", "100"),), data_settings=("colour", "classes"),
    ),
}
"""Recipe name → what it is about. A recipe without an entry is shown with its own help alone."""


def about(name: str) -> About:
    """What a recipe is about; for one that does not say, its name."""
    return ABOUT.get(name) or About(name.replace("_", " ").capitalize(), "", "Data as its help says", "image")
