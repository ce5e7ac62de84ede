"""What a model's card says, as rows for people, and a picture of what the model makes where there is one."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QImage

from studio import paths
from studio.library.models import Model
from studio.plugins import Registry
from studio.session.thumbnails import house_presets, key_of, read_thumb
from studio.ui.pages.parts import size_text

KINDS = {
    "gan": ("image", "pictures"), "encoder": ("image", "places"), "style_net": ("image", "styles"),
    "features": ("image", "eyes"), "sequence-rnn": ("text", "text"), "event-rnn": ("notes", "notes"),
    "roll-rnn": ("notes", "piano rolls"), "pix2pix": ("image", "paintings"), "draw": ("image", "drawings"),
}
"""Architecture → media kind, word."""
SKIPPED = ("title", "about", "name", "architecture", "sha256", "parameters", "config", "command", "recipe")
ENDINGS = (".png", ".jpg", ".webp")


def kind_of(model: Model) -> str:
    """The media kind that colours it."""
    return KINDS.get(model.architecture, ("", ""))[0]


def kind_title(model: Model) -> str:
    """What it makes, in a word."""
    return KINDS.get(model.architecture, ("", model.architecture or "unknown"))[1]


def picture_of(model: Model) -> QImage:
    """A picture beside the model, or the newest sample of its training; null where there is none."""
    found = [model.path.with_suffix(ending) for ending in ENDINGS]
    folder = paths.user_folder("data") / "trainings" / model.name
    if folder.is_dir():
        found += sorted(folder.glob("*.png"), reverse=True)[:1]
    for path in found:
        if path.is_file():
            image = QImage(str(path))
            if not image.isNull():
                return image
    return QImage()


def preset_pictures(registry: Registry) -> dict[str, QImage]:
    """Model name → the small picture of the first look that was made for it. Reads files: not for the GUI thread."""
    found: dict[str, QImage] = {}
    for preset in house_presets(registry):
        manifest = registry.get(preset.generator).manifest
        usual = next((weights.name for weights in manifest.weights), "") if manifest else ""
        name = str(preset.params.get("model") or usual)
        if name and name not in found:
            image = QImage.fromData(read_thumb(key_of(preset)))
            if not image.isNull():
                found[name] = image
    return found


def flat(value: Any) -> str:
    """A value of a card in words."""
    if isinstance(value, dict):
        pairs = [(key.replace("_", " "), flat(item)) for key, item in value.items()]
        return "\n".join(f"{key}: {text}" for key, text in pairs if text)
    if isinstance(value, list):
        text = "\n".join(flat(item) for item in value[:12])
        return text + (f"\n… and {len(value) - 12} more" if len(value) > 12 else "")
    if isinstance(value, bool) or value is None:
        return "" if value is None else "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def licence_of(model: Model) -> str:
    """The licence in words; of a model that was trained here and says none, what is known of its data."""
    said = str(model.card.get("licence") or model.card.get("license") or "")
    if said or not model.card.get("recipe"):
        return said or "not said"
    data = model.card.get("data")
    source = str(data.get("licence") or "") if isinstance(data, dict) else ""
    return "trained here: yours to say" + (f"; the data: {source}" if source else ", as the data allows")


def card_rows(model: Model) -> list[tuple[str, str]]:
    """The whole card: what matters first, the command and the hash last."""
    card = model.card
    rows = [
        ("Kind", f"{kind_title(model)} ({model.architecture or 'unknown'})"),
        ("Numbers", f"{model.parameters:,}" if model.parameters else ""),
        ("Size", size_text(model.size) if model.size else ""),
        ("Licence", licence_of(model)),
    ]
    first = ("data", "figures", "steps", "seconds", "date", "notes", "note")
    for key in (*first, *(key for key in card if key not in first)):
        if key in card and key not in SKIPPED and key != "licence":
            rows.append((key.replace("_", " ").capitalize(), flat(card[key])))
    rows += [
        ("Recipe", str(card.get("recipe", ""))), ("Command", str(card.get("command", ""))),
        ("Settings", flat(card.get("config", ""))), ("sha256", str(card.get("sha256", ""))),
        ("File", str(model.path)),
    ]
    return [(name, text) for name, text in rows if text]
