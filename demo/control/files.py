import contextlib
import fcntl
import os


def write(path, text, mode=0o644):
    """The whole file or nothing, and a secret is never readable, not even for a moment."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    os.replace(new, path)


@contextlib.contextmanager
def lock(path):
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
