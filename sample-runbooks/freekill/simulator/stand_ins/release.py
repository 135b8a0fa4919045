"""The native release and its reports, in the shapes in which Windows PowerShell writes them: BOM, CRLF, two blanks."""
import hashlib
import json
import shutil
import subprocess
import time
from pathlib import Path

import host

ROOT = host.ROOT
REPORTS = ROOT / ".tmp/runtime_host"
PARTS = [
    "package_compatibility", "abi_hook_compatibility", "lua_lifecycle", "protobuf_rpc_regression",
    "extension_matrix", "dependency_audit", "native_soak",
]  # fmt: skip


def shown(path):
    """A path as the scripts print it."""
    return str(path) if host.platform() == "linux" else "C:" + str(path).replace("/", "\\")


def write(path, text):
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())


def write_json(path, value):
    write(path, json.dumps(value, indent=4).replace('": ', '":  ') + "\n")


def stamp():
    return time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z", time.gmtime())


def build():
    """Builds the binary anew, tries it, and writes its manifest and its checksums."""
    folder = ROOT / "release/native" / f"{host.platform()}-x64"
    suffix = "" if host.platform() == "linux" else ".exe"
    binary = folder / "bin" / f"freekill-asio-sengoo-runtime{suffix}"
    shutil.copy(ROOT / "native-source", binary)
    binary.chmod(0o755)
    smoke = subprocess.run([binary, "--smoke"], check=False).returncode
    digest = hashlib.sha256(binary.read_bytes()).hexdigest()
    of_manifest = hashlib.sha256(b"another build").hexdigest() if host.lie("manifest-changed") else digest
    manifest = {
        "version": "0.1.0-native-bootstrap",
        "platform": f"{host.platform()}-x64",
        "runtime_mode": "native",
        "python_required": host.lie("manifest-python"),
        "build_time_utc": stamp(),
        "source": "src/runtime_native_entry.sg",
        "binary_path": f"C:\\build\\sengoo\\release\\{binary.name}",
        "binary_sha256": of_manifest.upper(),
        "smoke_exit_code": smoke,
    }
    write_json(folder / "manifest.json", manifest)
    write(folder / "checksums.sha256", f"{digest} *C:\\build\\sengoo\\release\\native\\bin\\{binary.name}\n")
    if host.lie("binary-changed"):
        with open(binary, "a") as file:
            file.write("# patched on the host\n")


def soak(seconds):
    lossy, idle = host.lie("verify-lossy"), host.lie("verify-soak-idle")
    rate = 0.05 if lossy else 0.0
    metrics = {
        "attempts": 0 if idle else 31 * seconds,
        "failure_rate": None if host.lie("verify-null") else rate,
        "throughput_rps": 31.2,
        "latency_avg_ms": 28.4,
        "latency_p95_ms": 41.9,
        "nonzero_exit_codes": [],
    }
    return {"pass": True, "duration_seconds": seconds, "metrics": metrics}


def gate(mode, seconds, ok=True, missing=None):
    """The release gate's report: `missing` names a part that did not run."""
    native = mode == "native"
    report = {
        "generated_at_utc": stamp(),
        "overall_ok": ok,
        "mode": mode,
        "soak_duration_seconds": seconds,
        "acceptance": {"overall_ok": ok},
    }
    for part in PARTS:
        runs = native and part != missing
        report[part] = {"executed": runs, "pass": True, "report": {"pass": True} if runs else None}
    hooks = not host.lie("abi-partial")
    report["abi_hook_compatibility"] |= {"enforced": False, "pass": hooks, "gate_pass": True}
    if native and missing != "native_soak":
        report["native_soak"]["report"] = soak(seconds)
    write_json(REPORTS / "runtime_host_release_gate.json", report)
    return report


def verification(seconds, ok=True):
    """The verification's report, around the gate's."""
    report = {
        "generated_at_utc": stamp(),
        "overall_ok": ok,
        "soak_duration_seconds": seconds,
        "acceptance": {"overall_ok": ok},
        "release_gate": gate("legacy-python" if host.lie("verify-legacy") else "native", seconds),
    }
    write_json(REPORTS / "runtime_host_verify_native_release.json", report)
