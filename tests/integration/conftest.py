"""Fixtures. TDS_BUILD: build directory with both modules; TDS_KEEP=1: keep the laboratory's directory;
TDS_PRELOAD: a sanitizer's library for httpd.

lab      the laboratory of the session; its records and faults are cleared before each test
node     a running httpd with both modules, shared by all tests of a file
logs     logs.expect("ACS0214", ...) names warnings the test provokes
"""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from lab.httpd import have_modules  # noqa: E402
from lab.lab import Lab  # noqa: E402


@pytest.fixture(scope="session")
def session_lab():
    lab = Lab()
    yield lab
    left = lab.close()
    assert not left, f"left behind: {left}"


@pytest.fixture(autouse=True)
def lab(session_lab):
    session_lab.begin()
    yield session_lab
    faults = session_lab.verdict()
    for sim in (session_lab.ds, session_lab.issuer, session_lab.shop):
        sim.resume()
    assert not faults, "in the logs:\n" + "\n".join(faults)


@pytest.fixture
def logs(lab):
    return lab.watch


@pytest.fixture(scope="module")
def module_node(session_lab, request):
    options = getattr(request.module, "NODE", {})
    assert have_modules(options), "TDS_BUILD names no directory with the modules"
    name = request.module.__name__.rpartition(".")[2].replace("test_", "")
    node = session_lab.node(name, **options)
    yield node
    session_lab.drop(node)


@pytest.fixture
def node(module_node, lab):
    """The file's node (its NODE dictionary gives options), up again if the test before left it down."""
    if not module_node.alive():
        module_node.start()
    return module_node
