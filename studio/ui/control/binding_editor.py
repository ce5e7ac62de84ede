"""One binding with all its options; every change counts at once and can be undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from studio.control import midi
from studio.control.binding import MOST_SECONDS, Binding
from studio.control.mapping import place, unplace
from studio.session.control_status import asleep, is_action, place_of, title_of
from studio.session.core import Core
from studio.session.soundcheck import sentence
from studio.ui import theme
from studio.ui.control.words import CURVES, ENCODERS, MODE_TIPS, MODES, TAKEOVER_TIP, TAKEOVERS
from studio.ui.kit import Combo, EmptyState, button
from studio.ui.pages.parts import label, no_wheel

_SOFT = (midi.CC, midi.CC14, midi.NRPN, "osc")


class CurveView(QWidget):
    """The way from the control (to the right) to the parameter (upwards), with where both are now."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("The way from the control to the parameter")
        self.setToolTip("The control's travel to the right, the parameter's upwards; the dot is where both are now")
        self.binding: Binding | None = None
        self.now: float | None = None

    def sizeHint(self) -> QSize:
        return QSize(theme.px(84), theme.px(84))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def show_binding(self, binding: Binding | None, now: float | None) -> None:
        """Another curve, and the parameter's position."""
        if (binding, now) != (self.binding, self.now):
            self.binding, self.now = binding, now
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = min(self.width(), self.height()) - 1.0
        area = QRectF(0.5, 0.5, side, side)
        painter.setPen(QPen(theme.color("line"), 1))
        painter.setBrush(theme.color("field"))
        painter.drawRoundedRect(area, theme.px(6), theme.px(6))
        if self.binding is None:
            return
        gap = theme.px(8)
        inner = area.adjusted(gap, gap, -gap, -gap)
        bound, path = self.binding, QPainterPath()
        for step in range(41):
            x = step / 40.0
            y = place(x, bound.low, bound.high, bound.curve, bound.invert)
            where = inner.left() + x * inner.width(), inner.bottom() - y * inner.height()
            path.moveTo(*where) if step == 0 else path.lineTo(*where)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("accent"), theme.px(2)))
        painter.drawPath(path)
        if self.now is not None:
            x = unplace(self.now, bound.low, bound.high, bound.curve, bound.invert)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("text"))
            spot = theme.px(4)
            painter.drawEllipse(QRectF(inner.left() + x * inner.width() - spot,
                                       inner.bottom() - self.now * inner.height() - spot, 2 * spot, 2 * spot))


class BindingEditor(QFrame):
    """See the module. ``relearn`` and ``removed`` ask the panel; the rest it does itself."""

    relearn = Signal(object)
    removed = Signal(object)
    changed = Signal(object)

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.binding: Binding | None = None
        self._filling = False
        theme.set_role(self, "card")
        self.setAccessibleName("Binding")
        self.empty = EmptyState("faders", "No binding is chosen",
                                "Choose one to change its range, curve and take-over. Each change counts at once.")
        self.form = QWidget()
        self._build()
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.space(n) for n in (3, 2.5, 3, 2.5)))
        column.addWidget(self.empty)
        column.addWidget(self.form)
        self.show_binding(None)

    def _build(self) -> None:
        self.source, self.target = label("", "title"), label("", "title")
        self.place = label("", "small")
        self.reason = label("", "warning", wrap=True)
        self.curve_view = CurveView()
        words = QVBoxLayout()
        words.setSpacing(0)
        for part in (self.source, label("moves", "small"), self.target, self.place):
            words.addWidget(part)
        words.addStretch(1)
        head = QHBoxLayout()
        head.addLayout(words, 1)
        head.addWidget(self.curve_view)
        self.port = self._combo("Port", "device", (), "Only this controller, or any that sends the same")
        self.channel = self._combo("Channel", "channel", [("any channel", 0)] + [(str(n), n) for n in range(1, 17)],
                                   "Only messages of this channel, or of any")
        self.encoder = self._combo("Kind of knob", "encoder", ENCODERS, "How the knob sends its turns; learning finds "
                                   "it out")
        self.low = self._spin("From", "low", 0.0, 100.0, " %", "Where the parameter is at the control's beginning", 100)
        self.high = self._spin("To", "high", 0.0, 100.0, " %", "Where the parameter is at the control's end", 100)
        self.invert = self._switch("Invert", "invert", "The other way round")
        self.curve = self._combo("Curve", "curve", CURVES, "Where on its way the control is finest")
        self.smooth = self._spin("Smoothing", "smooth", 0.0, MOST_SECONDS, " s", "Time constant of the way to the new "
                                 "value, 0–30 s; it arrives exactly")
        self.mode = self._combo("Acts", "mode", MODES, MODE_TIPS)
        self.takeover = self._combo("Take-over", "takeover", TAKEOVERS, TAKEOVER_TIP)
        self.step = self._spin("Step", "step", 0.0, 100.0, " %", "The way of one click of an encoder", 100)
        self.feedback = self._switch("Feedback", "feedback", "Lights, rings and motors of the controller follow the "
                                     "value")
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(theme.space(2))
        self.grid.setVerticalSpacing(theme.space(1))
        self._rows: dict[QWidget, QWidget] = {}
        self.range = QWidget()
        span = QHBoxLayout()
        span.setSpacing(theme.space(2))
        for field, share in ((self.low, 1), (label("to", "dim"), 0), (self.high, 1)):
            span.addWidget(field, share)
        span.setContentsMargins(0, 0, 0, 0)
        self.range.setLayout(span)
        switches = QHBoxLayout()
        switches.setSpacing(theme.space(4))
        switches.addWidget(self.invert)
        switches.addWidget(self.feedback)
        switches.addStretch(1)
        for place_, (text, widget) in enumerate((
            ("Port", self.port), ("Channel", self.channel), ("Knob", self.encoder), ("Range", self.range),
            ("Curve", self.curve), ("Smoothing", self.smooth), ("Acts", self.mode), ("Take-over", self.takeover),
            ("Step", self.step),
        )):
            head_ = label(text, "dim")
            self._rows[widget] = head_
            self.grid.addWidget(head_, place_, 0)
            self.grid.addWidget(widget, place_, 1)
        self.grid.setColumnStretch(1, 1)
        self.again = button("Learn again", "faders", tip="The control that moves next takes this one's place (Ctrl+"
                            "Alt+L)", clicked=lambda: self.relearn.emit(self.binding))
        self.remove = button("Remove", "trash", tip="Take this binding away (Delete)",
                             clicked=lambda: self.removed.emit([self.binding]))
        foot = QHBoxLayout()
        foot.addWidget(self.again, 1)
        foot.addWidget(self.remove, 1)
        column = QVBoxLayout(self.form)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space(1))
        column.addLayout(head)
        column.addWidget(self.reason)
        column.addLayout(self.grid)
        column.addLayout(switches)
        column.addStretch(1)
        column.addLayout(foot)

    def _combo(self, name: str, field: str, items: Iterable[tuple[str, object]], tip: str) -> Combo:
        combo = Combo(items, name=name)
        combo.setToolTip(tip)
        combo.activated.connect(lambda _: self._change(field, combo.currentData()))
        return combo

    def _spin(
        self, name: str, field: str, low: float, high: float, unit: str, tip: str, scale: float = 1.0
    ) -> QDoubleSpinBox:
        spin = QDoubleSpinBox()
        spin.setRange(low, high)
        spin.setDecimals(1 if scale > 1 else 2)
        spin.setSingleStep(1.0 if scale > 1 else 0.05)
        spin.setSuffix(unit)
        spin.setKeyboardTracking(False)
        spin.setAccessibleName(name)
        spin.setToolTip(tip)
        no_wheel(spin)
        spin.valueChanged.connect(lambda value: self._change(field, value / scale))
        return spin

    def _switch(self, name: str, field: str, tip: str) -> QCheckBox:
        switch = QCheckBox(name)
        switch.setToolTip(tip)
        switch.clicked.connect(lambda on: self._change(field, on))
        return switch

    # --- showing ---

    def show_binding(self, binding: Binding | None) -> None:
        """Show this one, or that none is chosen."""
        self.binding = binding
        self.empty.setVisible(binding is None)
        self.form.setVisible(binding is not None)
        if binding is None:
            return
        self._filling = True
        source, session = binding.source, self.session
        self.source.setText(source.text())
        self.target.setText(title_of(session, binding.target))
        self.place.setText(place_of(session, binding.target))
        self._fill_ports(source.device)
        for combo, value in ((self.channel, source.channel), (self.encoder, source.encoder),
                             (self.curve, binding.curve), (self.mode, binding.mode),
                             (self.takeover, binding.takeover)):
            combo.choose(value)
        for spin, number in ((self.low, 100 * binding.low), (self.high, 100 * binding.high),
                             (self.smooth, binding.smooth), (self.step, 100 * binding.step)):
            if abs(spin.value() - number) > 0.001:
                spin.setValue(number)
        self.invert.setChecked(binding.invert)
        self.feedback.setChecked(binding.feedback)
        self._show_what_counts(binding)
        self._filling = False
        self.refresh()

    def _show_what_counts(self, binding: Binding) -> None:
        """Only options that do something for this pair."""
        kind, pressed = binding.source.kind, is_action(binding.target)
        ported = kind in midi.KINDS
        turns = bool(binding.source.encoder)
        for widget, shown in (
            (self.port, ported), (self.channel, ported), (self.encoder, kind == midi.CC),
            (self.range, not pressed), (self.curve, not pressed and not turns),
            (self.smooth, not pressed), (self.mode, not pressed and not turns),
            (self.takeover, not pressed and not turns and kind in _SOFT), (self.step, turns),
        ):
            widget.setVisible(shown)
            self._rows[widget].setVisible(shown)
        self.invert.setVisible(not pressed)
        self.feedback.setVisible(ported and not pressed)
        self.curve_view.setVisible(not pressed and not turns)

    def _fill_ports(self, device: str) -> None:
        names = [state.name for state in self.session.controls.ports.port_list()]
        self.port.clear()
        self.port.addItem("any port", "")
        for name in names:
            self.port.addItem(name, name)
        if self.port.findData(device) < 0:
            self.port.addItem(device, device)
        self.port.choose(device)

    def refresh(self) -> None:
        """What moves by itself: the reason and the dot."""
        binding = self.binding
        if binding is None:
            return
        why = asleep(self.session, binding)
        self.reason.setText(f"{sentence(why)}." if why else "")
        self.reason.setVisible(bool(why))
        board = self.session.controls.board
        numeric = board.style(binding.target) in ("number", "switch")
        self.curve_view.show_binding(binding, board.read(binding.target) if numeric else None)

    def _change(self, field: str, value: Any) -> None:
        binding = self.binding
        if self._filling or binding is None:
            return
        gesture = ("binding", field)
        if field in ("device", "channel", "encoder"):
            if getattr(binding.source, field) == value:
                return
            source = replace(binding.source, **{field: value})
            made = self.session.controls.change(binding, gesture=gesture, source=source)
        elif getattr(binding, field) == value:
            return
        else:
            made = self.session.controls.change(binding, gesture=gesture, **{field: value})
        self.binding = made
        self.changed.emit(made)
