"""The simulated Task Scheduler."""
import host

ROOT = host.ROOT


def _state(name):
    return host.RUN / f"task-{name}.state"


def exists(name):
    return _state(name).exists()


def state(name):
    # With the lie it says what it was told to be.
    if host.runs(name) and not (name == "FreeKillRuntimeHostWatchdog" and host.lie("stop-lies")):
        return "Running"
    return _state(name).read_text()


def register(name, command):
    stop(name)
    _state(name).write_text("Ready")
    if name == "FreeKillRuntimeHostNative" and host.lie("installer-lies"):
        return
    host.start(name, command)
    if name == "FreeKillRuntimeHostNative" and host.lie("python-returns"):
        host.start("stray", ["python3", str(ROOT / "scripts/runtime_host_server.py"), "0"])


def stop(name):
    if name == "FreeKillRuntimeHostWatchdog" and host.lie("stop-lies"):
        return
    if name == "FreeKillRuntimeHostNative" and host.lie("uninstaller-lies"):
        return
    host.stop(name)


def disable(name):
    _state(name).write_text("Disabled")


def unregister(name):
    # Taking a task away ends nothing that runs; here its process goes too, unless the uninstaller lies.
    stop(name)
    host.stop("stray")
    _state(name).unlink()
