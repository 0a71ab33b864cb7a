"""What the notebooks of the Transformer workbook build, finished and tested: one room a file, imports point one way."""

__version__ = "0.1.0"
