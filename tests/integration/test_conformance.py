"""The conformance runner itself: what it must object to. The cases are run by make conformance."""
import copy
import os
import sys

import pytest

sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "conformance"))

import expect  # noqa: E402
import model  # noqa: E402

IDS = {"threeDSServerTransID": "11111111-1111-4111-8111-111111111111",
       "dsTransID": "22222222-2222-4222-8222-222222222222"}
AREQ = {"messageType": "AReq", "messageVersion": "2.2.0", **IDS}
ERRO = {"messageType": "Erro", "messageVersion": "2.2.0", "errorCode": "201", "errorComponent": "A",
        "errorDescription": "missing", "errorDetail": "mcc,acctInfo.chAccAgeInd", "errorMessageType": "AReq", **IDS}
WANT = {"code": "201", "detail": "acctInfo.chAccAgeInd,mcc"}


def test_every_case_is_there():
    ids = model.load_ids()
    assert len(ids) == 248 and not model.table_faults(model.load_cases(), ids)


@pytest.mark.parametrize("change", ["missing", "twice", "unknown", "versions", "doubt"])
def test_table_faults(change):
    cases, ids = model.load_cases(), model.load_ids()
    if change == "missing":
        del cases[7]
    elif change == "twice":
        cases.append(cases[7])
    elif change == "unknown":
        del ids[cases[7].id]
    elif change == "versions":
        cases[7].versions = cases[7].versions[:-1]
    else:
        cases[7].doubtful = not cases[7].doubtful
    assert len(model.table_faults(cases, ids)) == 1


def test_good_erro():
    expect.erro(ERRO, WANT, "A", AREQ)
    expect.erro({**ERRO, "acsTransID": IDS["dsTransID"]}, WANT, "A", AREQ, {"acsTransID": IDS["dsTransID"]})
    malformed = {**AREQ, "dsTransID": "x"}
    expect.erro({k: v for k, v in ERRO.items() if k != "dsTransID"}, WANT, "A", malformed)


@pytest.mark.parametrize("change", [
    {"messageType": "ARes"}, {"messageVersion": "2.1.0"}, {"errorCode": "203"}, {"errorComponent": "S"},
    {"errorDescription": ""}, {"errorDescription": "x" * 2049}, {"errorDetail": ""}, {"errorDetail": None},
    {"errorDetail": "mcc"}, {"errorDetail": "mcc, acctInfo.chAccAgeInd"},
    {"errorDetail": "mcc,mcc,acctInfo.chAccAgeInd"},
    {"errorMessageType": None}, {"errorMessageType": "ARes"}, {"threeDSServerTransID": None},
    {"threeDSServerTransID": IDS["dsTransID"]}, {"acsTransID": IDS["dsTransID"]}, {"messageExtension": []},
    {"transStatus": "U"}])
def test_bad_erro(change):
    message = {k: v for k, v in {**ERRO, **change}.items() if v is not None}
    with pytest.raises(expect.Mismatch):
        expect.erro(message, WANT, "A", AREQ)


def test_versions_of_an_erro():
    want = {"code": "102"}
    message = {**ERRO, "errorCode": "102", "errorDetail": "2.1.0,2.2.0,2.3.1", "messageVersion": "2.3.1"}
    expect.erro(message, want, "A", {**AREQ, "messageVersion": "2.9.0"})
    for change in ({"messageVersion": "2.9.0"}, {"errorDetail": "2.2.0"}, {"errorDetail": "messageVersion"}):
        with pytest.raises(expect.Mismatch):
            expect.erro({**message, **change}, want, "A", {**AREQ, "messageVersion": "2.9.0"})


def test_changes():
    message = {"a": {"b": [{"c": 1}, {"c": 2}]}, "d": "e"}
    change = {"set": {"a.b.1.c": 3, "x": "y"}, "rename": {"d": "D"}, "delete": ["a.b.0"]}
    out = model.changed(copy.deepcopy(message), change)
    assert out == {"a": {"b": [{"c": 3}]}, "D": "e", "x": "y"}
    assert model.encoded({"a": "é"}, {"encoding": "latin-1", "replace": [["a", "b"]]}) == b'{"b":"\xe9"}'
    assert model.encoded(None, {"body": "[]"}) == b"[]"
    with pytest.raises(ValueError):
        model.encoded({"a": "b"}, {"replace": [["c", "d"]]})
    choice = {"x": {"by_version": {"2.3.1": 1, "else": 2}}}
    assert model.for_version(choice, "2.3.1") == {"x": 1} and model.for_version(choice, "2.1.0") == {"x": 2}
