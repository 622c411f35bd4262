"""Letting a process, and every child that it forks, do only what is proven here."""

import gc
import os
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any

import pyarrow

from tasks import contract, policy_files, store

RUBBISH_MOST = 50_000
"""Things that may be left over before somebody looks for rubbish: a case is short, and makes little."""


def warm() -> None:
    """Keep what is compiled, start no threads for small files, and do not wait for the disk: nobody pulls the plug here.

    For processes of their own only: nothing is put back.
    """
    policy_files._compiled = _remembering(policy_files._compiled, lambda document: document.sha256)
    contract.prove_gate_bites = lambda *_: None
    store.open_engine = lru_cache(store.open_engine)
    scripts = store.ScriptDirectory
    scripts.from_config = _remembering(scripts.from_config, lambda config: config.get_main_option("script_location"))
    os.fsync = lambda _: None
    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)


def settle_down() -> None:
    """Leave alone what was read and compiled so far: children share it, and nobody looks for rubbish in it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(RUBBISH_MOST)


def _remembering(function: Callable[[Any], Any], content: Callable[[Any], Hashable]) -> Callable[[Any], Any]:
    """What a function answered, by content: half a file is another file."""
    known: dict[Hashable, Any] = {}

    def remembering(given: Any) -> Any:
        key = content(given)
        if key not in known:
            known[key] = function(given)
        return known[key]

    return remembering
