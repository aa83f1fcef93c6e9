"""Writing `newc` cpio archives: boot bundles and initramfs images."""


class Writer:
    def __init__(self, stream):
        self.stream = stream
        self.inode = 0
        self.position = 0

    def _write(self, data):
        self.stream.write(data)
        self.position += len(data)

    def _pad(self):
        self._write(b"\0" * (-self.position % 4))

    def add(self, name, data=b"", mode=0o100644, rdev=(0, 0)):
        """Adds one member; `mode` has the file type as in stat(2)."""
        self.inode += 1
        encoded = name.encode() + b"\0"
        fields = [self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(encoded), 0]
        self._write(b"070701" + b"".join(b"%08X" % field for field in fields) + encoded)
        self._pad()
        self._write(data)
        self._pad()

    def directory(self, name):
        self.add(name, mode=0o040755)

    def symlink(self, name, target):
        self.add(name, target.encode(), mode=0o120777)

    def finish(self):
        self.inode = 0
        self.add("TRAILER!!!", mode=0)
        self._write(b"\0" * (-self.position % 512))
