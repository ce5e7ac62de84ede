"""The cards of the first minute at many sizes."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QApplication

from studio.session.session import Session
from studio.ui.welcome import Welcome


@pytest.mark.parametrize("size", [(640, 220), (697, 300), (820, 300), (1400, 560), (3220, 1100)])
def test_the_cards_are_alike_stay_cards_and_stand_in_the_middle(
    session: Session, qtbot: Any, size: tuple[int, int]
) -> None:
    page = Welcome(session)
    qtbot.addWidget(page)
    page.resize(*size)
    page.show()
    QApplication.processEvents()
    widths = {card.width() for card in page.cards}
    assert max(widths) - min(widths) <= 1 and max(widths) <= 320
    assert max(card.height() for card in page.cards) <= 240
    missing = {card._lines_missing(QRectF(card.rect()).adjusted(15, 15, -15, -9), 26) for card in page.cards}
    assert len(missing) == 1, "some cards have an icon and some have none"
    first, last = (card.mapTo(page, card.rect().center()).x() for card in (page.cards[0], page.cards[-1]))
    assert abs(first + last - page.width()) <= 4
