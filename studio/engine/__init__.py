"""Running generators: the chain, offline render, the live deck and player, clock, mailbox, jobs. Imports no torch."""

from studio.engine.chain import Chain, GeneratorError, Stage
from studio.engine.clock import Clock, Moment
from studio.engine.deck import Deck, Player
from studio.engine.job import Job
from studio.engine.mailbox import Mailbox, PartQueue
from studio.engine.render import render
from studio.engine.status import Status

__all__ = [
    "Chain", "Clock", "Deck", "GeneratorError", "Job", "Mailbox", "Moment", "PartQueue", "Player", "Stage", "Status",
    "render",
]
