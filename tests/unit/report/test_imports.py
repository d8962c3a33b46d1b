from __future__ import annotations

import subprocess
import sys


def test_reports_and_publishing_load_no_torch():
    code = (
        "import sys, hf_efficient.report, hf_efficient.hub, hf_efficient.cli.push\n"
        "print({'torch', 'transformers'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"
