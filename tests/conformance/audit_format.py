#!/usr/bin/env python3
"""Checks what docs/audit-format.md says with code that shares nothing with the service.

    audit_format.py audit_vectors.json            the examples of the repository
    audit_format.py EXPORT.jsonl PUBLIC_KEYS.pem  an export of `dashboard-store audit export`

Needs `openssl` 3 to check signatures. Prints what it checked; fails with the first thing that is wrong.
"""

import base64
import datetime
import hashlib
import json
import re
import struct
import subprocess
import sys
import tempfile
import uuid

PUBLIC_KEY_PREFIX = bytes.fromhex("302a300506032b6570032100")


def text(value):
    encoded = value.encode()
    return struct.pack(">I", len(encoded)) + encoded


def texts(values):
    return struct.pack(">I", len(values)) + b"".join(text(value) for value in values)


def optional(value, write):
    return b"\0" if value is None else b"\1" + write(value)


def microseconds(value):
    match = re.fullmatch(r"(.{19})(?:\.(\d{1,9}))?Z", value)
    seconds = datetime.datetime.strptime(match[1] + "+0000", "%Y-%m-%dT%H:%M:%S%z").timestamp()
    return int(seconds) * 1_000_000 + int((match[2] or "").ljust(6, "0")[:6])


def integer(value):
    return struct.pack(">i", value)


def long(value):
    return struct.pack(">q", value)


def xid(value):
    return struct.pack(">Q", value)


def id_bytes(value):
    return uuid.UUID(value).bytes


def canonical(event):
    return b"".join([
        b"\1",
        id_bytes(event["id"]),
        long(microseconds(event["event_time"])),
        xid(event["xid"]),
        long(event["seq"]),
        text(event["actor"]),
        texts(event["actor_groups"]),
        text(event["auth_method"]),
        text(event["method"]),
        text(event["permission"]),
        optional(event["project"], text),
        text(event["resource"]),
        optional(event["resource_uid"], id_bytes),
        optional(event["revision_before"], integer),
        optional(event["revision_after"], integer),
        optional(event["sha256_before"], bytes.fromhex),
        optional(event["sha256_after"], bytes.fromhex),
        texts(event["changed_paths"]),
        text(event["result"]),
        optional(event["reason"], text),
        optional(event["client_ip"], text),
        text(event["user_agent"]),
        id_bytes(event["correlation_id"]),
        optional(event["trace_id"], text),
        integer(event["event_count"]),
        text(event["details"]),
    ])


def event_digest(event):
    return hashlib.sha256(canonical(event)).hexdigest()


def root(seal):
    return hashlib.sha256(bytes.fromhex(seal["previous_root"] + "".join(seal["event_digests"]))).hexdigest()


def seal_message(seal):
    return b"".join([
        text("dashboard-store audit seal 1"),
        long(seal["number"]),
        integer(seal["epoch"]),
        long(seal["after_seq"]),
        text(seal["month"]),
        xid(seal["from_xid"]),
        xid(seal["to_xid"]),
        long(seal["to_seq"]),
        long(seal["last_seq"]),
        long(len(seal["event_digests"])),
        bytes.fromhex(seal["previous_root"]),
        bytes.fromhex(seal["root"]),
        long(microseconds(seal["sealed_at"])),
    ])


def checkpoint_message(checkpoint):
    return b"".join([
        text("dashboard-store audit checkpoint 1"),
        text(checkpoint["kept_from"]),
        long(checkpoint["seal_number"]),
        bytes.fromhex(checkpoint["seal_root"]),
        long(checkpoint["dropped_events"]),
        long(microseconds(checkpoint["created_at"])),
    ])


def public_keys(pem):
    """The keys of a PEM file, by their ids."""
    keys = {}
    for block in re.findall(r"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n?", pem, re.S):
        der = base64.b64decode("".join(block.strip().splitlines()[1:-1]))
        assert der.startswith(PUBLIC_KEY_PREFIX), "not an Ed25519 key"
        keys[hashlib.sha256(der[len(PUBLIC_KEY_PREFIX):]).hexdigest()[:16]] = block
    return keys


def check_signature(keys, signed, message):
    with tempfile.NamedTemporaryFile() as key, tempfile.NamedTemporaryFile() as data, tempfile.NamedTemporaryFile() as signature:
        for file, content in ((key, keys[signed["key_id"]].encode()), (data, message),
                              (signature, bytes.fromhex(signed["signature"]))):
            file.write(content)
            file.flush()
        command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key.name, "-in", data.name,
                   "-sigfile", signature.name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def expect(found, expected, what):
    if found != expected:
        sys.exit(f"{what}: {found} is not {expected}")


def check_vectors(path):
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    for vector in vectors["events"]:
        expect(canonical(vector["event"]).hex(), vector["canonical"], "canonical bytes")
        expect(event_digest(vector["event"]), vector["sha256"], "digest")
    keys = public_keys(vectors["public_key"])
    for kind, message in (("seal", seal_message), ("empty_seal", seal_message), ("checkpoint", checkpoint_message)):
        expect(message(vectors[kind]).hex(), vectors[f"{kind}_message"], f"message of the {kind}")
        check_signature(keys, vectors[kind], message(vectors[kind]))
    for kind in ("seal", "empty_seal"):
        expect(root(vectors[kind]), vectors[kind]["root"], f"root of the {kind}")
    print(f"{len(vectors['events'])} events, two seals and a checkpoint are as documented")


def check_export(path, keys_path):
    with open(keys_path, encoding="utf-8") as file:
        keys = public_keys(file.read())
    previous_root, number, kept_from = "0" * 64, 0, ""
    seals, events, not_sealed, due, counted = 0, 0, 0, [], None
    # Where the range of the last seal ends, and the highest seq up to there.
    end, last_seq, unsealed = None, None, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            kind = record["type"]
            expect(counted, None, f"{kind} behind the end")
            if kind == "checkpoint":
                check_signature(keys, record, checkpoint_message(record))
                previous_root, number, kept_from = record["seal_root"], record["seal_number"], record["kept_from"]
            elif kind == "seal":
                expect(unsealed, None, f"unsealed event before seal {record['number']}")
                expect(due, [], f"events before seal {record['number']}")
                number += 1
                expect(record["number"], number, "number of a seal")
                expect(record["previous_root"], previous_root, f"previous root of seal {record['number']}")
                expect(root(record), record["root"], f"root of seal {record['number']}")
                check_signature(keys, record, seal_message(record))
                previous_root, seals = record["root"], seals + 1
                due = list(record["event_digests"]) if record["month"] >= kept_from else []
                end, last_seq = (record["to_xid"], record["to_seq"]), record["last_seq"]
            elif kind == "event":
                expect(event_digest(record), due.pop(0) if due else None, f"event {record['id']}")
                events += 1
            elif kind == "unsealed":
                unsealed, not_sealed = record["id"], not_sealed + 1
                if end is not None and (record["xid"], record["seq"]) <= end and record["seq"] <= last_seq:
                    sys.exit(f"event {unsealed} stands before the end of the last seal and is not in one")
            elif kind == "end":
                counted = (record["events"], record["seals"])
    expect(due, [], "events of the last seal")
    if counted is None:
        sys.exit("the file ends before its last line")
    expect((events + not_sealed, seals), counted, "what was counted")
    print(f"{events} events under {seals} seals are as they were sealed")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        check_vectors(sys.argv[1])
    else:
        check_export(sys.argv[1], sys.argv[2])
