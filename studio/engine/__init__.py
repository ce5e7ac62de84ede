"""Running generators: the chain, offline render, the live deck, clock, mailbox and jobs. Imports no torch by itself."""

from studio.engine.chain import Chain, GeneratorError, Stage
from studio.engine.render import render

__all__ = ["Chain", "GeneratorError", "Stage", "render"]
