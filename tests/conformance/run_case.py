"""What runs of both components share: building messages, looking up $values, the record of what was exchanged."""
import json
import os
import re
import subprocess
import tempfile
import time
import uuid

import expect
import model
import world as world_module


# What changes a message; and what each verb understands beside it: a word misspelt must not pass for nothing.
CHANGES = {"base", "card", "set", "rename", "delete", "replace", "body", "encoding"}


class Run:
    """One case in one version. m: messages by name for $areq.dsTransID and the like; log: what was exchanged."""

    def __init__(self, world, case, version, functions):
        self.world, self.case, self.version, self.functions = world, case, version, functions
        self.m, self.log, self.group, self.id = {}, [], "frictionless", None
        self.block = "b" if case.serial == "b" else "a"
        self.ds = world.ds_of(self.block)
        self.since, self.clients = time.time(), []

    @property
    def node(self):
        return self.world.node(self.case.node)

    def run(self):
        for step in model.for_version(self.case.steps, self.version):
            (verb, arg), = step.items()
            unknown = set(arg) - self.WORDS[verb] if isinstance(arg, dict) and verb != "call" else ()
            if unknown:
                raise ValueError(f"{verb}: {sorted(unknown)}?")
            getattr(self, "do_" + verb)(arg)

    def close(self):
        """Connections of this run alone: a node that stops would wait for them."""
        for client in self.clients:
            client.close()

    def browser_of_its_own(self):
        browser = self.world.lab.browser()
        self.clients.append(browser.client)
        return browser

    # values

    def lookup(self, name):
        if name.startswith("now"):
            return model.compact_time(name[3:])
        if name in self.m:
            return self.m[name]
        if "." in name:
            message, path = name.split(".", 1)
            return model.member(self.m[message], path)
        return getattr(self, "value_" + name)()

    def value_id(self):
        return str(uuid.uuid4())

    def value_ID(self):
        return str(uuid.uuid4()).upper()

    def value_card(self):
        return world_module.card(self.group, self.version, self.block)

    def value_ds_url(self):
        return self.ds.url_acs

    def value_minute(self):
        """Now as YYYYMMDDHHMM."""
        return model.compact_time()[:12]

    def value_notification_url(self):
        return "https://shop.test/notify"

    def value_acs_url(self):
        return self.node.challenge_url

    def value_ds_trans_id(self):
        return self.m["areq"]["dsTransID"]

    def value_text1024(self):
        return "A" * 1024

    def resolve(self, value):
        return model.resolved(value, self.lookup)

    # messages

    def build(self, arg, default):
        """(bytes, message as a receiver would read it or None)"""
        self.group = arg.get("card", self.group)
        if "body" in arg:
            raw = model.encoded(None, arg)
            return raw, model.parsed(raw)
        message = self.resolve(model.base(self.version, arg.get("base", default)))
        message = model.changed(message, self.resolve({k: arg[k] for k in ("set", "rename", "delete") if k in arg}))
        raw = model.encoded(message, arg)
        return raw, model.parsed(raw)

    def note_page(self, what, page):
        self.note(f"{what} <{page.status}>", re.sub(r"(?s)<(style|script)[^>]*>.*?</\1>|\s*\n\s*", "", page.html))

    def note(self, what, data):
        if isinstance(data, (dict, list)):
            data = json.dumps(data, indent=1, ensure_ascii=False)
        elif isinstance(data, bytes):
            data = data.decode("utf-8", "backslashreplace")
        self.log.append(f"{what}: {data[:4000]}")

    def answered(self, what, answer):
        message = model.parsed(answer.body)
        self.note(f"{what} <{answer.status} {answer.content_type}>", message or answer.body)
        return message

    # steps that both have

    def do_sleep(self, seconds):
        time.sleep(seconds)

    def do_oreq(self, arg):
        """Post an OReq to whoever is under test. erro: {...}, ores: opStatus, or silent: true (200 without a body)."""
        raw, message = self.build(arg, "oreq")
        self.note("OReq", message or raw)
        acs = self.case.component == "A"
        answer = self.world.client("ds-ca", "ds-client").request(
            "POST", self.node.areq_url if acs else self.node.results_url, raw,
            {"Content-Type": "application/json; charset=utf-8"})
        got = self.answered("answer", answer)
        if arg.get("silent"):
            expect.empty_answer(answer)
            return
        expect.json_answer(answer)
        if "erro" in arg:
            expect.erro(got, self.resolve(arg["erro"]), self.case.component, message)
        else:
            expect.ores(got, message, arg["ores"], acs, answer.headers)

    def do_call(self, arg):
        arg = dict(arg)
        self.functions[arg.pop("function")](self, **arg)

    WORDS = {"sleep": set(), "codec": CHANGES | {"link", "types", "earlier", "erro"},
             "oreq": CHANGES | {"erro", "ores", "silent"}}

    # the codec alone

    def probe(self, name, arguments, earlier, raw):
        """What the program NAME of the build says about raw; earlier: messages before it, as files."""
        program = os.path.join(os.environ["TDS_BUILD"], "tests/conformance", name)
        expect.need(os.access(program, os.X_OK), f"{program} is not built")
        with tempfile.TemporaryDirectory(prefix="tds-probe-") as directory:
            files = [os.path.join(directory, str(n)) for n in range(len(earlier))]
            for path, text in zip(files, earlier):
                with open(path, "wb") as f:
                    f.write(text)
            done = subprocess.run([program, *arguments, *files], input=raw, capture_output=True, timeout=60)
        got = model.parsed(done.stdout)
        self.note("verdict", got if got is not None else done.stdout + done.stderr)
        expect.need(done.returncode == 0 and got is not None, f"{name} ends with {done.returncode}")
        return got

    def is_verdict(self, arg, got):
        """erro: code and detail; without it no fault."""
        if "erro" not in arg:
            expect.need("errorCode" not in got, f"refused: {got}")
            return
        wanted = self.resolve(arg["erro"])
        expect.need(got.get("errorCode") == wanted["code"], f"{got}, wanted {wanted}")
        if "detail" in wanted:
            have = set((got.get("errorDetail") or "").split(","))
            expect.need(have == set(wanted["detail"].split(",")), f"errorDetail {have}, wanted {wanted['detail']}")

    def do_codec(self, arg):
        """A message as msg_probe checks it: link, types accepted there, earlier: [NAME, changes] of those before it."""
        earlier = []
        for name, change in arg["earlier"]:
            raw, self.m[name] = self.build(change, None)
            self.note(name, self.m[name])
            earlier.append(raw)
        raw, message = self.build(arg, None)
        self.note("message", message or raw)
        self.is_verdict(arg, self.probe("msg_probe", [arg["link"], arg["types"]], earlier, raw))

    def ds_records(self, point, **match):
        return [r for r in self.ds.records.all(point, **match) if r["t"] >= self.since]

    def wait_ds(self, point, timeout=10, count=1, **match):
        try:
            return self.ds.wait(point, timeout, count, **match)
        except TimeoutError as e:
            raise expect.Mismatch(f"at the Directory Server: {e}") from None

