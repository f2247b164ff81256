"""Modules of others beside ours: a payment passes, and no child dies, with an interim answer of each peer on the way. The packages
are Debian's; they are downloaded and unpacked, not installed."""
import os
import subprocess

import pytest

from lab.httpd import CHALLENGE
from lab.payment import Payment
from lab.procs import own
from test_peer_answers import interim

# package -> (module, file, lines): those that need no library which a machine with httpd may lack
NEIGHBOURS = {
    "libapache2-mod-evasive": ("evasive20", "mod_evasive20.so", []),
    "libapache2-mod-upload-progress": ("upload_progress", "mod_upload_progress.so", []),
    "libapache2-mod-form": ("form", "mod_form.so", []),
    "libapache2-mod-authnz-external": ("authnz_external", "mod_authnz_external.so", []),
    "libapache2-mod-fcgid": ("fcgid", "mod_fcgid.so", ['FcgidIPCDir "{root}/run"', 'FcgidProcessTableFile "{root}/run/fcgid"']),
    "libapache2-mod-rpaf": ("rpaf", "mod_rpaf.so", ["RPAFenable On"]),
    "libapache2-mod-xforward": ("xforward", "mod_xforward.so", []),
    "libapache2-mod-auth-tkt": ("auth_tkt", "mod_auth_tkt.so", []),
    "libapache2-mod-uwsgi": ("uwsgi", "mod_uwsgi.so", []),
    "libapache2-mod-bw": ("bw", "mod_bw.so", ["BandWidthModule On"]),
    "libapache2-mod-removeip": ("removeip", "mod_removeip.so", []),
    "libapache2-mod-xsendfile": ("xsendfile", "mod_xsendfile.so", []),
}
# Debian's httpd brings these; what they put beside a request is what ours must have, too.
OWN = ("logio", "log_forensic", "unique_id", "dumpio", "cache", "cache_disk", "session", "session_cookie", "request", "http2",
       "proxy_balancer", "slotmem_shm", "lbmethod_byrequests", "remoteip", "rewrite", "usertrack", "data", "buffer", "ratelimit",
       "reflector", "substitute", "sed", "macro", "speling", "userdir", "vhost_alias", "watchdog", "heartmonitor", "md")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The directory with their files."""
    where = tmp_path_factory.mktemp("debs")
    subprocess.run(["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", *NEIGHBOURS], cwd=where, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    debs = [f for f in os.listdir(where) if f.endswith(".deb")]
    assert len(debs) == len(NEIGHBOURS)
    for deb in debs:
        subprocess.run(["dpkg-deb", "-x", deb, "x"], cwd=where, check=True)
    return os.path.join(where, "x/usr/lib/apache2/modules")


def lines_of(root, unpacked, packages):
    out = []
    for package in packages:
        name, file, lines = NEIGHBOURS[package]
        target = os.path.join(root, "modules", file)
        with open(os.path.join(unpacked, file), "rb") as f, open(target, "wb") as g:
            g.write(f.read())
        own(target)
        out += [f"LoadModule {name}_module {target}", *(line.replace("{root}", root) for line in lines)]
    return out


def pays(lab, node):
    lab.ds.set_acs(node.areq_url)
    make = interim("103 Early Hints", "102 Processing")
    for point in ("areq", "rreq"):
        lab.ds.fault(point, "raw", make=make)
    lab.issuer.fault("otp", "raw", make=make)
    assert Payment(lab, CHALLENGE, node).pay()["transStatus"] == "Y"
    assert not node.log_lines(r"exit signal")


def beside(lab, logs, name, **options):
    logs.expect(r"AH\d{5}")
    node = lab.node(name, start=False, **options)
    return node


ALONE = [((name,), False) for name in NEIGHBOURS]
TOGETHER = [(tuple(NEIGHBOURS), False), (tuple(NEIGHBOURS), True)]


@pytest.mark.parametrize("packages,ours_first", ALONE + TOGETHER, ids=[*NEIGHBOURS, "all-before-ours", "all-behind-ours"])
def test_neighbour(lab, session_lab, logs, unpacked, packages, ours_first):
    node = beside(session_lab, logs, "neighbour", ours_first=ours_first)
    node.options.main = lines_of(node.root, unpacked, packages)
    node.start()
    try:
        pays(lab, node)
    finally:
        session_lab.drop(node)


def test_modules_of_httpd(lab, session_lab, logs):
    """All that httpd itself brings and that puts something of its own beside connections and requests."""
    there = tuple(m for m in OWN if os.path.exists(f"/usr/lib/apache2/modules/mod_{m}.so"))
    assert len(there) > 20
    node = beside(session_lab, logs, "own-modules", modules=there,
                  main=['ForensicLog "logs/forensic.log"', "Session On", "SessionCookieName s path=/", "CookieTracking on", "DumpIOInput On",
                        "DumpIOOutput On", "RewriteEngine On", "RewriteOptions Inherit", "RemoteIPHeader X-F"])
    node.start()
    try:
        pays(lab, node)
    finally:
        session_lab.drop(node)
