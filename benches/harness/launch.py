"""Runs one command, and writes what it cost to a file as JSON.

    python3 -I -S launch.py RESULT STDOUT COMMAND...

A process of its own because it must be small: the kernel's peak of resident memory starts with that of the process
that forked, so what is measured never shows less than this launcher's own memory (about 9 MiB).
"""

import json
import os
import sys
import time


def main():
    result, stdout, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
        try:
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    # the usage of the child and of all that it waited for itself
    _, status, usage = os.wait4(pid, 0)
    cost = {
        "exit": os.waitstatus_to_exitcode(status),
        "wall": time.monotonic() - began,
        "cpu": usage.ru_utime + usage.ru_stime,
        "rss": usage.ru_maxrss * 1024,
    }
    with open(result, "w") as file:
        json.dump(cost, file)


main()
