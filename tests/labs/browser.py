"""Chromium over its debugging pipe: what the report's lab needs of it. Standard library only; no port is opened."""

import base64
import json
import os
import shutil
import subprocess
import tempfile

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--remote-debugging-pipe", "--hide-scrollbars",
)


def found():
    """Where a Chromium is, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One Chromium with a fresh profile. Whatever it says is gathered in `events`."""

    def __init__(self, path):
        self.profile = tempfile.mkdtemp(prefix="gonogo-chromium-")
        theirs_in, self.to = os.pipe()
        self.back, theirs_out = os.pipe()

        def pipes():
            # Chromium reads descriptor 3 and writes descriptor 4; neither end may be lost on the way there.
            high_in, high_out = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        self.process = subprocess.Popen(
            [path, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"], preexec_fn=pipes, close_fds=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.reader = os.fdopen(self.back, "rb")
        self.number, self.unread, self.events, self.session = 0, b"", [], None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.close()
        os.close(self.to)
        shutil.rmtree(self.profile, ignore_errors=True)

    def _message(self):
        while b"\0" not in self.unread:
            more = os.read(self.back, 1 << 20)
            if not more:
                raise RuntimeError("chromium ended")
            self.unread += more
        message, self.unread = self.unread.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        """Sends a command and waits for its answer; what happens meanwhile goes into `events`."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        """Waits until something has happened since `events` was emptied last."""
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._message())

    def open(self, path):
        """Opens a file in a new tab, and waits until it has loaded."""
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait_for("Page.loadEventFired")

    def look(self, width, scheme="light", media=""):
        """From here on the page is this wide, in this colour scheme, on this medium."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def value(self, expression):
        """What a JavaScript expression says of the page."""
        said = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in said:
            raise RuntimeError(said["exceptionDetails"])
        return said["result"].get("value")

    def screenshot(self, path, top=0, height=2400):
        """A part of the page as a picture."""
        clip = {"x": 0, "y": top, "scale": 1, "width": self.value("innerWidth"), "height": height}
        said = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(said["data"]))

    def pdf(self, path):
        """The page as it is printed on A4."""
        said = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=True,
                         preferCSSPageSize=True)
        path.write_bytes(base64.b64decode(said["data"]))

    def complaints(self):
        """Errors and warnings of the console, and requests beyond the file itself, as sentences."""
        said = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                said.append(f"exception: {params['exceptionDetails'].get('text')}")
            elif method == "Runtime.consoleAPICalled":
                said.append(f"console.{params['type']}: {params['args']}")
            elif method == "Log.entryAdded":
                said.append(f"{params['entry']['level']}: {params['entry']['text']}")
            elif method == "Network.requestWillBeSent" and params.get("type") != "Document":
                said.append(f"request: {params['request']['url']}")
        return said
