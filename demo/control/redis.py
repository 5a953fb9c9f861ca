"""As much of Redis' protocol as it takes to ask one question without a library."""

import socket


def ask(port, words, database):
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(request(["SELECT", database]) + request(words))
        with connection.makefile("rb") as file:
            reply(file)
            return reply(file)


def request(words):
    parts = [f"*{len(words)}\r\n"] + [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return "".join(parts).encode()


def reply(file):
    line = file.readline().decode().rstrip("\r\n")
    kind, rest = line[:1], line[1:]
    if kind == "*":
        return [reply(file) for _ in range(int(rest))]
    if kind == "$":
        text = file.read(int(rest) + 2)[:-2].decode() if int(rest) >= 0 else None
        return text
    return int(rest) if kind == ":" else rest
