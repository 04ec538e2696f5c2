"""Where the files of a feed lie: a folder, a server, an object store."""
