"""OSC: on or off, who may send, where values go, every address to be copied, and what could not be used."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QSpinBox,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio import files
from studio.session.core import Core
from studio.session.exporting import export_folder
from studio.session.osc_reference import addresses_of, markdown
from studio.ui import reveal, theme
from studio.ui.background import background
from studio.ui.control.keep import change_setting
from studio.ui.control.ports import Lamp
from studio.ui.kit import SearchField, button
from studio.ui.listen import listen
from studio.ui.pages.parts import label, no_wheel

WARNING = ("Anybody on this network can move your controls now. Leave it off on a network that you do not know; OSC "
           "has no password.")


class AddressList(QTreeWidget):
    """Addresses in groups. Enter, Ctrl+C or a double click copies one."""

    def __init__(self, session: Core) -> None:
        super().__init__()
        self._session = session
        self.setAccessibleName("OSC addresses")
        self.setToolTip("Double click, Enter or Ctrl+C copies the address")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setUniformRowHeights(True)
        self._shown: object = None
        self.itemDoubleClicked.connect(lambda *_: self.copy())

    def fill(self, words: str) -> None:
        """Show what is here now and fits the words."""
        parts = addresses_of(self._session)
        shown = [(title, [row for row in rows if all(word in f"{title} {row[0]} {row[2]}".casefold()
                                                     for word in words.casefold().split())]) for title, rows in parts]
        if shown == self._shown:
            return
        self._shown = shown
        self.clear()
        for title, rows in shown:
            if not rows:
                continue
            head = QTreeWidgetItem([title])
            head.setFlags(Qt.ItemFlag.NoItemFlags)
            head.setFont(0, theme.font("tiny"))
            self.addTopLevelItem(head)
            head.setFirstColumnSpanned(True)
            for address, kind, about in rows:
                item = QTreeWidgetItem([address, kind])
                item.setFont(0, theme.font("mono"))
                item.setForeground(1, theme.color("dim"))
                item.setToolTip(0, f"{address}\n{kind}" + (f"\n{about}" if about else ""))
                self.addTopLevelItem(item)
        self.resizeColumnToContents(0)
        self.setColumnWidth(0, self.columnWidth(0) + theme.space(4))

    def copy(self) -> str:
        """Copy the chosen address; returns it, '' when none is chosen."""
        item = self.currentItem()
        address = item.text(0) if item is not None and item.text(0).startswith("/") else ""
        if address:
            QApplication.clipboard().setText(address)
            self._session.notice(f"{address} is copied")
        return address

    def keyPressEvent(self, event: QKeyEvent) -> None:
        copies = event.key() == Qt.Key.Key_C and event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if copies or event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.copy()
        else:
            super().keyPressEvent(event)


class OscPanel(QWidget):
    """See the module."""

    def __init__(self, session: Core, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setAccessibleName("OSC")
        self._problems: dict[str, str] | None = None
        self._build()
        for kind in ("controls", "settings"):
            listen(self, session, kind, lambda _: self.refresh())
        listen(self, session, "line", lambda _: self._fill())
        self._fill()
        self.refresh()

    def _build(self) -> None:
        left, right = QVBoxLayout(), QVBoxLayout()
        for side in (left, right):
            side.setSpacing(theme.space(2))
        left.addWidget(self._settings())
        head = QHBoxLayout()
        head.addWidget(label("Could not be used", "strong"), 1)
        self.wipe = button("Empty the list", "trash", role="ghost",
                           clicked=self.session.controls.ports.forget_problems, tip="Forget what could not be used")
        head.addWidget(self.wipe)
        left.addLayout(head)
        self.problems = QListWidget()
        self.problems.setAccessibleName("Messages that could not be used")
        self.problems.setWordWrap(True)
        self.none = label("Nothing: every message that came could be used.", "dim", wrap=True)
        left.addWidget(self.problems, 1)
        left.addWidget(self.none)
        left.addStretch(0)
        self.search = SearchField("Search addresses")
        self.search.searched.connect(lambda _: self._fill())
        self.addresses = AddressList(self.session)
        tools = QHBoxLayout()
        tools.setSpacing(theme.space(2))
        tools.addWidget(self.search, 1)
        tools.addWidget(button("Copy", "copy", tip="Copy the chosen address (Ctrl+C in the list)",
                               clicked=self.addresses.copy))
        tools.addWidget(button("Reference page", "book", tip="Write the page of all addresses of this session beside "
                               "your exports, and open it", clicked=self.write_reference))
        right.addLayout(tools)
        right.addWidget(self.addresses, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme.space(3), 0, 0)
        row.setSpacing(theme.space(5))
        row.addLayout(left, 5)
        row.addLayout(right, 6)

    def _settings(self) -> QWidget:
        card = QFrame()
        theme.set_role(card, "card")
        card.setAccessibleName("OSC settings")
        self.on = self._switch("Listen to OSC", "osc", "Take OSC messages from programs on this computer")
        self.lamp, self.state = Lamp(), label("", "small", wrap=True)
        self.use_free = button("", clicked=self._use_free)
        self.port = QSpinBox()
        self.port.setRange(1024, 65535)
        self.port.setKeyboardTracking(False)
        self.port.setAccessibleName("OSC port")
        self.port.setToolTip("UDP port that messages come in at, 1024–65535")
        no_wheel(self.port)
        self.port.valueChanged.connect(lambda port: change_setting(self.session, self, "osc_port", port))
        self.open = self._switch("From the network too", "osc_open", "Without it only this computer is heard")
        self.warning = label(WARNING, "warning", wrap=True)
        self.send = QLineEdit()
        self.send.setPlaceholderText("127.0.0.1:9000; 192.168.1.20:8000")
        self.send.setAccessibleName("Send OSC to")
        self.send.setToolTip("Where each value is sent that changes: host:port, several with ; between; empty sends "
                             "nothing")
        self.send.editingFinished.connect(lambda: change_setting(self.session, self, "osc_send", self.send.text()))
        self.send_trouble = label("", "danger", wrap=True)
        column = QVBoxLayout(card)
        column.setContentsMargins(*(theme.space(n) for n in (4, 3, 4, 3)))
        column.setSpacing(theme.space(1.5))
        state = QHBoxLayout()
        state.setSpacing(theme.space(2))
        for part, share in ((self.lamp, 0), (self.state, 1), (self.use_free, 0)):
            state.addWidget(part, share)
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.space(3))
        grid.setVerticalSpacing(theme.space(1.5))
        for place, (text, widget) in enumerate((("Port", self.port), ("Send to", self.send))):
            grid.addWidget(label(text, "dim"), place, 0)
            grid.addWidget(widget, place, 1)
        grid.setColumnStretch(1, 1)
        column.addWidget(self.on)
        column.addLayout(state)
        column.addWidget(self.open)
        column.addWidget(self.warning)
        column.addLayout(grid)
        column.addWidget(self.send_trouble)
        return card

    def _switch(self, text: str, name: str, tip: str) -> QCheckBox:
        switch = QCheckBox(text)
        switch.setToolTip(tip)
        switch.clicked.connect(lambda on: change_setting(self.session, self, name, on))
        return switch

    def _use_free(self) -> None:
        free = self.session.controls.ports.osc_free
        if free:
            change_setting(self.session, self, "osc_port", free)

    def _fill(self) -> None:
        self.addresses.fill(self.search.text())

    def write_reference(self) -> None:
        """Write the page of all addresses and open it."""
        text, place = markdown(addresses_of(self.session)), export_folder(self.session) / "osc-addresses.md"

        def work() -> None:
            with files.atomic_write(place, parents=True) as temporary:
                temporary.write_text(text, encoding="utf-8")

        def done(_: None) -> None:
            self.session.notice(f"The addresses are in {place}")
            reveal.open_file(place)

        background(self.session, work, done, owner=self)

    def tick(self) -> None:
        """Nothing here moves by itself."""

    def refresh(self) -> None:
        """Settings, state and problems as they are."""
        settings, ports = self.session.settings, self.session.controls.ports
        self.on.setChecked(bool(settings["osc"]))
        self.open.setChecked(bool(settings["osc_open"]))
        self.warning.setVisible(bool(settings["osc_open"]))
        if not self.port.hasFocus() and self.port.value() != settings["osc_port"]:
            self.port.blockSignals(True)
            self.port.setValue(int(settings["osc_port"]))
            self.port.blockSignals(False)
        if not self.send.hasFocus():
            self.send.setText(str(settings["osc_send"]))
        self._show_state()
        self.send_trouble.setText(ports.send_trouble)
        self.send_trouble.setVisible(bool(ports.send_trouble))
        problems = dict(ports.problems)
        if problems != self._problems:
            self._problems = problems
            self.problems.clear()
            for address, why in reversed(list(problems.items())):
                self.problems.addItem(why if address in ("packet", "") or address in why else f"{address}: {why}")
            self.problems.setVisible(bool(problems))
            self.none.setVisible(not problems)
            self.wipe.setEnabled(bool(problems))

    def _show_state(self) -> None:
        ports = self.session.controls.ports
        server = ports.server
        self.use_free.setVisible(bool(ports.osc_free))
        self.use_free.setText(f"Use {ports.osc_free}")
        if server is not None:
            where = "every address of this computer" if server.open_to_network else "127.0.0.1"
            limited = f", {server.limited:,} held back by the limit of rate" if server.limited else ""
            self.lamp.set("good")
            self.state.setText(f"Listens at {where}, port {server.port}: {server.received:,} packets came{limited}.")
        elif ports.osc_trouble:
            self.lamp.set("danger")
            self.state.setText(f"{ports.osc_trouble[:1].upper()}{ports.osc_trouble[1:]}.")
        else:
            self.lamp.set("edge")
            safe = self.session.settings["osc"] and self.session.settings["safe_mode"]
            self.state.setText("Off: the studio was started in safe mode." if safe else "Off.")
