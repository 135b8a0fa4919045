"""What the team's .ps1 scripts do, each by its name. A script gives its lines and its exit code."""
import time

import host
import release
import tasks

ROOT = host.ROOT
BINARY = ROOT / "release/native/windows-x64/bin/freekill-asio-sengoo-runtime.exe"


def seconds_of(arguments, default):
    at = arguments.index("-SoakDurationSeconds") if "-SoakDurationSeconds" in arguments else None
    return default if at is None else int(arguments[at + 1])


def verify_native_release(arguments):
    seconds = 20 if host.lie("verify-short") else seconds_of(arguments, 20)
    if host.lie("verify-hangs"):
        time.sleep(600)
    if host.lie("rollback-gone"):
        # As it happened: a commit took the legacy scripts away while the checklist still named them.
        for name in ("install_runtime_host_systemd.sh", "install_runtime_host_windows_task.ps1", "runtime_host_acceptance.ps1"):
            (ROOT / "scripts" / name).unlink(missing_ok=True)
    release.build()
    report = release.REPORTS / "runtime_host_verify_native_release.json"
    if host.lie("verify-missing"):
        report.unlink()
    elif not host.lie("verify-stale"):
        release.verification(seconds, ok=not host.lie("verify-exit0"))
    if host.lie("verify-mute"):
        return [], 0
    return [
        f"VERIFY_NATIVE_RELEASE_OK={not host.lie('verify-exit0')}",
        f"VERIFY_NATIVE_RELEASE_REPORT={release.shown(report)}",
    ], 0


def runtime_host_release_gate(arguments):
    legacy = "-UseLegacyPythonAcceptance" in arguments
    seconds = seconds_of(arguments, 60)
    if legacy and not (ROOT / "scripts/runtime_host_acceptance.ps1").exists():
        return ["legacy acceptance script not found: scripts/runtime_host_acceptance.ps1"], 1
    failed = host.lie("gate-exit0") and not legacy
    # Each mode looks whether what it accepts is there at all.
    there = host.native_answers() != legacy and host.listens()
    if legacy or not host.lie("gate-stale"):
        missing = "extension_matrix" if host.lie("gate-partial") else None
        release.gate("legacy-python" if legacy else "native", seconds, there and not failed, missing)
    return [
        f"RELEASE_GATE_OK={there and not failed}",
        f"RELEASE_GATE_REPORT={release.shown(release.REPORTS / 'runtime_host_release_gate.json')}",
    ], 0 if there else 1


def healthcheck_runtime_host_native(_arguments):
    if host.lie("health-foreground"):
        time.sleep(600)
    healthy = host.lie("health-blind") or host.native_answers()
    if not healthy and host.lie("health-mute"):
        return [], 1
    code = 0 if healthy else 1
    return [f"NATIVE_HEALTH_OK={healthy}", f"NATIVE_HEALTH_EXIT={code}"], code


def install_runtime_host_windows_task_native(_arguments):
    if not BINARY.exists():
        return [f"native runtime binary not found: {BINARY}"], 1
    binary = BINARY.with_name("old-build.exe") if host.lie("wrong-binary") else BINARY
    tasks.register("FreeKillRuntimeHostNative", [str(BINARY)])
    return [
        "NATIVE_SCHEDULED_TASK_INSTALLED",
        "TASK_NAME=FreeKillRuntimeHostNative",
        f"REPO_ROOT={release.shown(ROOT)}",
        f"BINARY_PATH={release.shown(binary)}",
    ], 0


def uninstall_runtime_host_windows_task_native(_arguments):
    if not tasks.exists("FreeKillRuntimeHostNative"):
        return ["NATIVE_SCHEDULED_TASK_NOT_FOUND=FreeKillRuntimeHostNative"], 0
    tasks.unregister("FreeKillRuntimeHostNative")
    return ["NATIVE_SCHEDULED_TASK_UNINSTALLED", "TASK_NAME=FreeKillRuntimeHostNative"], 0


def install_runtime_host_windows_task(_arguments):
    for name in ("runtime_host_watchdog.py", "runtime_host_server.py"):
        if not (ROOT / "scripts" / name).exists():
            return [f"script not found: {name}"], 1
    tasks.register("FreeKillRuntimeHostWatchdog", ["python3", str(ROOT / "scripts/runtime_host_watchdog.py")])
    return ["SCHEDULED_TASK_INSTALLED", "TASK_NAME=FreeKillRuntimeHostWatchdog"], 0


SCRIPTS = {
    f"{script.__name__}.ps1": script
    for script in (
        verify_native_release,
        runtime_host_release_gate,
        healthcheck_runtime_host_native,
        install_runtime_host_windows_task_native,
        uninstall_runtime_host_windows_task_native,
        install_runtime_host_windows_task,
    )
}
