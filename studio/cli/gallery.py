"""The page that shows what the demo made: one self-contained ``index.html`` beside the files.

Nothing is fetched from anywhere, nothing in it changes from run to run; it needs no server.
"""

from __future__ import annotations

import html
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from studio.files import FileError, read_text

ACCENTS = {"picture": "#e3a76f", "video": "#7db4dc", "text": "#c5b1ea", "music": "#86cfa8"}
"""One colour per medium."""

MAX_SHOWN = 1600
"""Characters of a text that the page shows."""

STYLE = """
:root { color-scheme: dark; --ground: #0e1013; --raised: #15181d; --line: #23272e; --text: #d8dbe0; --quiet: #868d99; }
* { box-sizing: border-box; margin: 0; }
body { background: var(--ground); color: var(--text); font: 16px/1.6 system-ui, -apple-system, "Segoe UI", sans-serif;
  padding: min(8vh, 6rem) clamp(20px, 6vw, 96px) 6rem; }
header { max-width: 46rem; margin-bottom: min(9vh, 6rem); }
h1 { font: 300 clamp(2.6rem, 6vw, 4.6rem)/1.05 Georgia, "Iowan Old Style", serif; letter-spacing: -.02em;
  color: #f3f4f6; }
header p { color: var(--quiet); margin-top: 1.2rem; font-size: 1.08rem; }
section { display: grid; grid-template-columns: minmax(13rem, 19rem) minmax(0, 1fr); gap: 2rem clamp(2rem, 5vw, 5rem);
  padding: 3.6rem 0; border-top: 1px solid var(--line); }
.about { position: sticky; top: 2rem; align-self: start; }
.about .medium { color: var(--accent); font-size: .74rem; letter-spacing: .14em; text-transform: uppercase; }
h2 { font: 400 1.7rem/1.2 Georgia, "Iowan Old Style", serif; color: #f3f4f6; margin: .5rem 0 .8rem; }
.about p { color: var(--quiet); font-size: .95rem; }
.made { display: grid; gap: 1.8rem; min-width: 0; }
figure { min-width: 0; }
img, video { display: block; max-width: 100%; height: auto; border-radius: 6px; background: #000; }
img.small { image-rendering: auto; min-width: min(100%, 20rem); }
audio { width: 100%; max-width: 44rem; margin-top: .9rem; accent-color: var(--accent); }
svg.roll { display: block; width: 100%; max-width: 60rem; height: 13rem; background: var(--raised);
  border-radius: 6px; }
blockquote { font: 1.12rem/1.75 Georgia, "Iowan Old Style", serif; white-space: pre-wrap; overflow-wrap: anywhere;
  max-width: 40rem; padding: .2rem 0 .2rem 1.6rem; border-left: 2px solid var(--accent); color: #e6e3df; }
figcaption { margin-top: .8rem; font-size: .84rem; color: var(--quiet); }
code { font: .8rem/1.5 ui-monospace, "SF Mono", Consolas, monospace; color: #aab1bd; overflow-wrap: anywhere; }
figcaption a { color: var(--accent); text-decoration: none; margin-right: .8rem; }
figcaption a:hover, figcaption a:focus { text-decoration: underline; }
.skipped { color: var(--quiet); font-style: italic; }
footer { border-top: 1px solid var(--line); padding-top: 2.4rem; color: var(--quiet); font-size: .9rem;
  max-width: 46rem; }
@media (max-width: 760px) { section { grid-template-columns: 1fr; } .about { position: static; } }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
"""


@dataclass
class Exhibit:
    """One file, or a piece in several files (a score and its sound); the command that makes it."""

    files: list[str]
    caption: str
    command: str


@dataclass
class Section:
    """One part of the demo on the page."""

    title: str
    medium: str
    about: str
    exhibits: list[Exhibit] = field(default_factory=list)
    skipped: str = ""


def page(sections: list[Section], folder: Path, *, seed: int, command: str) -> str:
    """The whole page; ``folder`` holds the files that the exhibits name, ``command`` is what starts the studio."""
    parts = [_section(section, folder) for section in sections]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reverie: the gallery</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>Reverie</h1>
<p>Everything on this page was made on this computer by small neural networks that the project trained itself,
from seed {seed}. The same seed makes the same page.</p>
</header>
<main>
{chr(10).join(parts)}
</main>
<footer><p>Every file carries its recipe: <code>{html.escape(command)} recipe FILE</code> prints it,
<code>{html.escape(command)} render --recipe FILE -o AGAIN</code> makes it anew.</p></footer>
</body>
</html>
"""


def _section(section: Section, folder: Path) -> str:
    if section.skipped:
        made = f'<p class="skipped">Not made: {html.escape(section.skipped)}</p>'
    else:
        made = "\n".join(_exhibit(exhibit, folder) for exhibit in section.exhibits)
    return f"""<section style="--accent: {ACCENTS[section.medium]}">
<div class="about"><p class="medium">{section.medium}</p><h2>{html.escape(section.title)}</h2>
<p>{html.escape(section.about)}</p></div>
<div class="made">
{made}
</div>
</section>"""


def _exhibit(exhibit: Exhibit, folder: Path) -> str:
    shown = "\n".join(filter(None, (_show(name, exhibit, folder) for name in exhibit.files)))
    links = "".join(f'<a href="{urllib.parse.quote(name)}">{html.escape(name)}</a>' for name in exhibit.files)
    return f"""<figure>
{shown}
<figcaption>{html.escape(exhibit.caption)}<br>{links}<br><code>{html.escape(exhibit.command)}</code></figcaption>
</figure>"""


def _show(name: str, exhibit: Exhibit, folder: Path) -> str:
    link, ending = urllib.parse.quote(name), Path(name).suffix.lower()
    words = html.escape(exhibit.caption, quote=True)
    if ending in (".png", ".jpg", ".webp"):
        return f'<img src="{link}" alt="{words}" loading="lazy">'
    if ending == ".gif":
        # the same pictures as a video are smoother; the GIF is then only linked
        video = any(file.endswith(".mp4") for file in exhibit.files)
        return "" if video else f'<img class="small" src="{link}" alt="{words}">'
    if ending in (".mp4", ".webm"):
        return f'<video src="{link}" autoplay muted loop playsinline controls aria-label="{words}"></video>'
    if ending == ".wav":
        return f'<audio src="{link}" controls preload="metadata" aria-label="{words}"></audio>'
    if ending == ".mid":
        return piano_roll(folder / name)
    if ending == ".txt":
        return f"<blockquote>{html.escape(_excerpt(folder / name))}</blockquote>"
    return ""


def _excerpt(path: Path) -> str:
    try:
        text = read_text(path)[0].strip("\n")
    except FileError as error:
        return str(error)
    if len(text) <= MAX_SHOWN:
        return text
    end = text.rfind("\n", MAX_SHOWN // 2, MAX_SHOWN)
    return text[: end if end > 0 else MAX_SHOWN].rstrip() + "\n…"


def piano_roll(path: Path) -> str:
    """The notes of a MIDI file as a small drawing: time to the right, pitch upwards, louder is brighter."""
    from studio.midi_file import read_midi

    song = read_midi(path)
    if not song.notes:
        return ""
    low, high = min(note.pitch for note in song.notes) - 2, max(note.pitch for note in song.notes) + 2
    end = max(note.start + note.duration for note in song.notes)
    wide, tall = 1000.0, 260.0
    row = tall / (high - low + 1)
    bars = "".join(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{tall:.0f}" stroke="#23272e"/>'
        for x in (beat / end * wide for beat in range(4, int(end) + 1, 4))
    )
    boxes = "".join(
        f'<rect x="{note.start / end * wide:.1f}" y="{(high - note.pitch) * row:.1f}" rx="1.5" '
        f'width="{max(3.0, note.duration / end * wide - 1.5):.1f}" height="{max(2.0, row - 1):.1f}" '
        f'opacity="{0.35 + 0.65 * note.velocity / 127:.2f}"/>'
        for note in song.notes
    )
    return (
        f'<svg class="roll" viewBox="0 0 {wide:.0f} {tall:.0f}" preserveAspectRatio="none" role="img" '
        f'aria-label="the notes over time">{bars}<g fill="var(--accent)">{boxes}</g></svg>'
    )
