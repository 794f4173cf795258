"""Starts `postern serve` itself, for what only the native binary has: its first start, its data directory, its end."""

import signal
import subprocess
import threading

from conftest import Site, program

#: What the first start prints; later ones print no secrets.
FIRST_START = {"POSTERN_URL", "OPENAI_BASE_URL", "OPENAI_API_KEY", "POSTERN_ADMIN_TOKEN"}


class Native(Site):
    """A native gateway in a folder of its own, with its first key and its administrator token."""

    def __init__(self, folder, environment, arguments, wanted=frozenset(FIRST_START)):
        self.log = open(folder / "gateway.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [program(), "serve", "--listen", "127.0.0.1:0", "--data", str(folder / "data"), *arguments],
            cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=self.log, text=True)
        values = {}
        limit = threading.Timer(30, self.process.kill)
        limit.start()
        for line in self.process.stdout:
            name, found, value = line.strip().partition("=")
            if found:
                values[name] = value
            if wanted <= values.keys():
                break
        limit.cancel()
        if not wanted <= values.keys():
            self.stop()
            raise RuntimeError(f"the gateway printed {sorted(values)}, not {sorted(wanted)}:\n{self.errors()}")
        # What it prints later must not fill the pipe.
        self.printed_later = []
        threading.Thread(target=lambda: self.printed_later.extend(self.process.stdout), daemon=True).start()
        super().__init__({"POSTERN_FACE": "native", **values})

    def errors(self):
        """What it logged."""
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        """Ends it as a service manager would; gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
