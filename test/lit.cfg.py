"""lit: every .mlir file below test/ is a test, run with the tools of a build directory.

lit test --param build=build
"""

import os
from pathlib import Path

import lit.formats

source = Path(__file__).resolve().parent
build = Path(lit_config.params.get("build", source.parent / "build")).resolve()

config.name = "Longtail"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.excludes = ["Inputs"]
config.test_source_root = str(source)
config.test_exec_root = str(build / "test" / "lit")
tools = [build / "compiler" / "Tools", Path("/usr/lib/llvm-22/bin")]
config.environment["PATH"] = os.pathsep.join([*map(str, tools), os.environ["PATH"]])
config.environment["FILECHECK_OPTS"] = "--enable-var-scope --dump-input=fail"
