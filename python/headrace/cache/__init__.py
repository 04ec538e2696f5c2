"""Files of a feed that lies elsewhere, kept on a disk of this machine by all processes together."""
