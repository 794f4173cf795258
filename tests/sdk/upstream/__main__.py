"""A stand-in for AI vendors, for the SDK suites: it answers by what is asked and refuses what the vendor refuses.

It knows nothing of Postern: each vendor's file is written from that vendor's own documentation. The path tells the vendor,
the model's name chooses the behaviour (`MISCHIEF` in `vendor.py`), and the last words of the user choose the answer
(`scene.py`). Calls whose body holds a word like `user-0123...` are filed under it, for a test to ask for at `/seen/NAME`.
Standard library only.

Run as `python3 upstream KEY` (the folder): it prints its port on one line and serves until its standard input closes.
"""

import sys
import threading

from server import Server


def main():
    """Serves until standard input closes."""
    server = Server(sys.argv[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
