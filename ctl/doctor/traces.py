"""`python -m ctl.doctor.traces ROOT SETTINGS REPOSITORY DIGEST…`: removes a scratch image from object storage.

The registry keeps links and blobs of deleted images until a collection. A process of its own, since the client of the
storage finds credentials in its environment.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ctl.doctor.site import SCRATCH_PREFIX
from ctl.errors import EXIT_FAILED, EXIT_OK, CtlError
from ctl.paths import Layout
from ctl.registry.collect.setup import make_setup
from ctl.registry.store import store_of
from ctl.settings.load import load

_IMAGES = "docker/registry/v2"


def main(root: str, settings: str, repository: str, *digests: str) -> int:
    """Remove the repository, if it is one of the doctor's own, and the blobs. Returns the exit code."""
    layout = Layout(Path(root))
    try:
        registry = load(Path(settings), layout, use_secrets=False).attributes.registry
        store = store_of(make_setup(layout, registry, Path(), None))
        if repository.startswith(SCRATCH_PREFIX):
            for one in list(store.list(f"{_IMAGES}/repositories/{repository}/")):
                store.delete(one.key)
        for name in digests:
            store.delete(f"{_IMAGES}/blobs/sha256/{name[:2]}/{name}/data")
    except CtlError as error:
        print(error.message, file=sys.stderr)
        return EXIT_FAILED
    return EXIT_OK


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
