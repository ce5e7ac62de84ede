"""The parts that every page of the window is built from."""

from studio.ui.kit import mime
from studio.ui.kit.buttons import button, tool_button
from studio.ui.kit.card import Card
from studio.ui.kit.colors import ColorField, ColorPicker, ColorSwatch
from studio.ui.kit.combo import Combo
from studio.ui.kit.dialogs import ask, ask_text, pick_file, pick_folder
from studio.ui.kit.dock_title import DockTitle
from studio.ui.kit.flow import FlowLayout
from studio.ui.kit.frame_view import FrameView
from studio.ui.kit.pads import XYPad
from studio.ui.kit.painting import to_qimage
from studio.ui.kit.section import Section, restore_section_states, section_states
from studio.ui.kit.slider import Slider
from studio.ui.kit.small import Badge, Elided, EmptyState, SearchField, TimeText, clock_text, left_text
from studio.ui.kit.thumb_model import Thumb
from studio.ui.kit.thumbs import ThumbGrid
from studio.ui.kit.toast import Toast

__all__ = [
    "Badge", "Card", "ColorField", "ColorPicker", "ColorSwatch", "Combo", "DockTitle", "Elided", "EmptyState",
    "FlowLayout", "FrameView", "SearchField", "Section", "Slider", "Thumb", "ThumbGrid", "TimeText", "Toast",
    "XYPad", "ask", "ask_text", "button", "clock_text", "left_text", "mime", "pick_file", "pick_folder",
    "restore_section_states", "section_states", "to_qimage", "tool_button",
]
