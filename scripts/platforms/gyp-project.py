"""What node-gyp makes of binding.gyp on a system that is not here.

Usage: gyp-project.py win|mac ARCH NODE_PREFIX OUT; writes OUT/*.vcxproj (Visual Studio) or OUT/*.target.mk (make, with Xcode's clang).
What gyp asks of the system itself, the versions of its compilers, is answered here.
"""

import locale
import os
import re
import sys

system, arch, prefix, out = sys.argv[1:]
root = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
node_gyp = os.path.join(root, "node_modules/node-gyp")
sys.path.insert(0, os.path.join(node_gyp, "gyp/pylib"))

import gyp  # noqa: E402
import gyp.common  # noqa: E402
import gyp.generator.msvs  # noqa: E402
import gyp.xcode_emulation  # noqa: E402

gyp.common.GetFlavor = lambda params: system
gyp.generator.msvs._ConfigWindowsTargetPlatformVersion = lambda *args: "10.0"
gyp.xcode_emulation.XcodeVersion = lambda: ("1500", "15A240d")
gyp.xcode_emulation.GetStdout = gyp.xcode_emulation.GetStdoutQuiet = lambda *args: ""
locale.getdefaultlocale = lambda: ("C", "latin-1")

headers = os.path.join(prefix, "include/node")
os.makedirs(out, exist_ok=True)
config = os.path.join(out, "config.gypi")
with open(os.path.join(headers, "config.gypi")) as of_node, open(config, "w") as file:
    file.write(re.sub(r"""(["'](?:host|target)_arch["']: *)["']\w+["']""", rf"\1'{arch}'", of_node.read()))
variables = {
    "OS": system,
    "library": "shared_library",
    "visibility": "default",
    "module_root_dir": ".",
    "node_root_dir": prefix,
    "node_gyp_dir": node_gyp,
    "node_lib_file": "node.lib",
    "node_engine": "v8",
    "standalone_static_library": "1",
}
includes = [config, os.path.join(node_gyp, "addon.gypi"), os.path.join(headers, "common.gypi")]
os.chdir(root)
sys.exit(
    gyp.main(
        ["binding.gyp", "-f", "msvs" if system == "win" else "make", "-G", "msvs_version=2022", "-Goutput_dir=."]
        + ["--depth=.", "--no-parallel", "--generator-output", out]
        + [flag for file in includes for flag in ("-I", file)]
        + [f"-D{name}={value}" for name, value in variables.items()]
    )
)
