"""The files of a feed as they are mapped."""

from collections import namedtuple

from .mapped import Mapped

# A file by its path from the feed's folder; its bytes and SHA-256 where they are known, and who says that.
Wanted = namedtuple("Wanted", "path size sha256 who")


class FolderStore:
    """Files of a folder, mapped where they lie. `bytes_max`: how many bytes of them may be mapped, where that is bounded."""

    bytes_max = None

    def __init__(self, source):
        self.name, self.read = source.name, source.read

    def open(self, wanted):
        """The file, mapped. One that is not there is a FileNotFoundError."""
        name = self.name(wanted.path)
        with open(name, "rb") as file:
            return Mapped(file, name, wanted.path)

    def forget(self, mapped):
        """Whether a damaged file was dropped that may be fetched again."""
        return False
