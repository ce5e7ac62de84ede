"""The generators of a line as chips in their order: choose, bypass, remove, reorder by dragging, drop new ones in."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QMimeData, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from studio.session.line import Line, Slot
from studio.session.session import Session
from studio.ui import icons, theme
from studio.ui.kit import mime
from studio.ui.kit.painting import focus_ring, rounded

CHIP = "application/x-reverie-chip"
"""A chip on its way to another place in its own line: ``line:index``."""


class Chip(QWidget):
    """One slot. Click chooses it; Delete removes, B bypasses, Ctrl+arrows move it."""

    chosen = Signal(int)

    def __init__(self, strip: ChainStrip, line: Line, index: int) -> None:
        super().__init__(strip)
        self.strip, self.line, self.index = strip, line, index
        self.slot_: Slot = line.slots[index]
        self._pressed: QPoint | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(theme.px(26))
        self.setAccessibleName(f"{self.slot_.title}, place {index + 1} of {line.title}")
        about = self.slot_.plugin.manifest.about if self.slot_.plugin and self.slot_.plugin.manifest else ""
        keys = "Click: choose · drag: move · B: bypass · Delete: remove"
        self.setToolTip("\n".join(part for part in (self.slot_.title, about, self.slot_.reason, keys) if part))

    def sizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self.slot_.title) + theme.px(24)
        return QSize(min(width, theme.px(200)), theme.px(26))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(44), theme.px(26))

    @property
    def chosen_now(self) -> bool:
        return self.strip.session.selection == (self.line.name, self.index)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        slot = self.slot_
        makes = slot.plugin.manifest.makes if slot.plugin and slot.plugin.manifest else "image"
        accent = theme.kind_color(makes)
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        ground = theme.color("raised")
        if self.chosen_now:
            ground = theme.blend(theme.color("raised"), accent, 0.22)
        painter.fillPath(rounded(area, theme.px(5)), ground)
        bad = slot.state in ("failed", "absent")
        bar = theme.color("danger") if bad else theme.color("line") if slot.bypass else accent
        painter.fillPath(rounded(QRectF(area.left() + theme.px(4), area.top() + theme.px(6), theme.px(3),
                                        area.height() - theme.px(12)), theme.px(1)), bar)
        font = self.font()
        font.setStrikeOut(slot.bypass)
        painter.setFont(font)
        painter.setPen(theme.color("danger" if bad else "dim" if slot.bypass else "text"))
        room = self.rect().adjusted(theme.px(12), 0, -theme.px(6), 0)
        title = painter.fontMetrics().elidedText(slot.title, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, title)
        if self.hasFocus():
            focus_ring(painter, area, theme.px(5))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self.chosen.emit(self.index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        if (event.position().toPoint() - self._pressed).manhattanLength() < 8:
            return
        self._pressed = None
        drag, data = QDrag(self), QMimeData()
        data.setData(CHIP, f"{self.line.name}:{self.index}".encode())
        drag.setMimeData(data)
        drag.setPixmap(self.grab())
        drag.exec(Qt.DropAction.MoveAction)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pressed = None

    def contextMenuEvent(self, event: object) -> None:
        menu = self.strip.chip_menu(self.line, self.index)
        menu.exec(event.globalPos())  # type: ignore[attr-defined]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        session, name, index = self.strip.session, self.line.name, self.index
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(index)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            session.remove_stage(name, index)
        elif event.key() == Qt.Key.Key_B:
            session.set_bypass(name, index, not self.slot_.bypass)
        elif control and event.key() == Qt.Key.Key_Left:
            session.move_stage(name, index, index - 1)
        elif control and event.key() == Qt.Key.Key_Right:
            session.move_stage(name, index, index + 1)
        else:
            super().keyPressEvent(event)


class ChainStrip(QWidget):
    """See the module. ``menu_for(line)`` gives the menu of effects that the plus button opens."""

    def __init__(
        self, session: Session, line: Line, menu_for: Callable[[Line], QMenu], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.session, self.line, self._menu_for = session, line, menu_for
        self._drop_at: int | None = None
        self.chips: list[Chip] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.space(1))
        self.plus = QToolButton()
        self.plus.setIcon(icons.icon("plus"))
        self.plus.setAccessibleName(f"Add to {line.title}")
        self.plus.setToolTip(f"Load a generator into {line.title}, or add an effect")
        self.plus.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.plus)
        menu.aboutToShow.connect(lambda: self._fill(menu))
        self.plus.setMenu(menu)
        self.plus.setStyleSheet("QToolButton::menu-indicator { image: none; width: 0; }")
        self._row.addWidget(self.plus)
        self._row.addStretch(1)
        self.setAcceptDrops(True)
        self.setAccessibleName(f"Generators of {line.title}")
        self.rebuild()

    def _fill(self, menu: QMenu) -> None:
        menu.clear()
        for action in self._menu_for(self.line).actions():
            menu.addAction(action)

    def rebuild(self) -> None:
        """Show the slots as they are now."""
        focused = next((chip.index for chip in self.chips if chip.hasFocus()), None)
        for chip in self.chips:
            self._row.removeWidget(chip)
            chip.deleteLater()
        self.chips = [Chip(self, self.line, index) for index in range(len(self.line.slots))]
        for place, chip in enumerate(self.chips):
            chip.chosen.connect(self._choose)
            self._row.insertWidget(place, chip)
        if focused is not None and self.chips:
            self.chips[min(focused, len(self.chips) - 1)].setFocus()

    def _choose(self, index: int) -> None:
        self.session.select(self.line.name, index)
        for chip in self.chips:
            chip.update()

    def chip_menu(self, line: Line, index: int) -> QMenu:
        """What can be done with one slot."""
        slot, session, name = line.slots[index], self.session, line.name
        menu = QMenu(self)

        def add(icon: str, text: str, work: Callable[[], object], enabled: bool = True) -> QAction:
            action = menu.addAction(icons.icon(icon), text)
            action.triggered.connect(lambda *_: work())
            action.setEnabled(enabled)
            return action

        effect = bool(slot.plugin and slot.plugin.manifest and slot.plugin.manifest.takes)
        add("bypass", "Use again" if slot.bypass else "Bypass",
            lambda: session.set_bypass(name, index, not slot.bypass), effect)
        add("left", "Move left", lambda: session.move_stage(name, index, index - 1), index > 0)
        add("right", "Move right", lambda: session.move_stage(name, index, index + 1), index + 1 < len(line.slots))
        add("refresh", "Restart", lambda: session.restart(name))
        menu.addSeparator()
        add("trash", "Remove", lambda: session.remove_stage(name, index))
        return menu

    # --- dropping ---

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        dropped = mime.read(event.mimeData())
        if event.mimeData().hasFormat(CHIP) or (dropped is not None and dropped.kind == mime.GENERATOR):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._drop_at = self._place(event.position().x())
        self.update()
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._drop_at = None
        self.update()

    def _place(self, x: float) -> int:
        return sum(1 for chip in self.chips if x > chip.geometry().center().x())

    def dropEvent(self, event: QDropEvent) -> None:
        at, self._drop_at = self._place(event.position().x()), None
        self.update()
        if event.mimeData().hasFormat(CHIP):
            line, _, index = bytes(event.mimeData().data(CHIP).data()).decode().partition(":")
            if line == self.line.name and index.isdigit():
                source = int(index)
                self.session.move_stage(line, source, min(at - (at > source), len(self.chips) - 1))
            event.acceptProposedAction()
            return
        dropped = mime.read(event.mimeData())
        if dropped is not None and dropped.kind == mime.GENERATOR:
            put_generator(self.session, self.line, dropped.text, at)
            event.acceptProposedAction()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._drop_at is None:
            return
        x = theme.px(1)
        if self.chips:
            place = min(self._drop_at, len(self.chips))
            end = self.chips[-1].geometry().right() + 2
            x = self.chips[place].x() - theme.px(3) if place < len(self.chips) else end
        QPainter(self).fillRect(QRectF(max(0, x), 0, theme.px(3), self.height()), theme.color("accent"))


def put_generator(session: Session, line: Line, generator: str, at: int | None = None, preset: str = "") -> None:
    """What dropping a generator on a line means: an effect is added (at ``at``), a source takes the first place."""
    try:
        manifest = session.registry.get(generator).manifest
    except ValueError as error:
        session.notice(str(error), level="error")
        return
    if manifest is not None and manifest.takes is not None and line.slots:
        session.add_effect(line.name, generator, preset=preset, at=max(1, at) if at is not None else None)
    else:
        session.load(line.name, generator, preset=preset)
