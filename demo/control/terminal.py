import sys


class Problem(Exception):
    """Something to tell the user in a sentence, without a traceback."""


def say(text, colour=None):
    if colour and sys.stdout.isatty():
        text = f"\033[{colour}m{text}\033[0m"
    print(text, flush=True)
