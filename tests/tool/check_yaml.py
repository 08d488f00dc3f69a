#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares sdt.h, sdt.yaml, the module's policies and the tool's tables. Prints KTAP. Needs python3-yaml."""

import pathlib
import re
import sys

import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
HEADER = (TOP / "include/uapi/linux/sdt.h").read_text()
SPEC = yaml.safe_load((TOP / "include/uapi/linux/sdt.yaml").read_text())
POLICY = (TOP / "kmod/netlink_policy.c").read_text()
FAMILY = (TOP / "kmod/netlink.c").read_text()
COUNTERS = (TOP / "tools/sdtctl/counters.c").read_text()
NAMES = (TOP / "tools/sdtctl/names.c").read_text()

ATTRIBUTE_ENUM = re.compile(r"sdt_(?:(\w+)_)?attr$")


def constants():
    found = {}
    for text in (HEADER, POLICY):
        for name, value in re.findall(r"^#define (SDT_\w+)\s+\(?(0x[0-9a-fA-F]+|\d+)\b", text, re.M):
            found[name] = int(value, 0)
    return found


def enums():
    """enum name -> [(C name, value, comment)], without the UNSPEC and MAX ends."""
    found = {}
    for name, body in re.findall(r"^enum (\w+) \{\n(.*?)^\};", HEADER, re.S | re.M):
        value, members = -1, []
        for member, given, comment in re.findall(
            r"^\t(\w+)(?:\s*=\s*(\w+))?,\s*(?:/\*\s*(.*?)\s*\*/)?$", body, re.M
        ):
            value = int(given, 0) if given else value + 1
            if not member.startswith("__") and not member.endswith("_UNSPEC"):
                members.append((member, value, comment))
        found[name] = members
    return found


CONSTANTS = constants()
ENUMS = enums()
for _members in ENUMS.values():
    CONSTANTS.update({name: value for name, value, _ in _members})


def c_name(prefix, name):
    return (prefix + str(name)).upper().replace("-", "_")


def kebab(name):
    return name.lower().replace("_", "-")


def set_of_enum(enum):
    return ATTRIBUTE_ENUM.match(enum).group(1) or "main"


def spec_sets():
    return {s["name"]: s for s in SPEC["attribute-sets"]}


def type_of_comment(comment):
    """What a header's comment says of its attribute, in the spec's terms."""
    said = {}
    match = re.match(r"(\d+) bytes", comment)
    first = re.split(r"[,;: ]", comment)[0]
    if match:
        return {"type": "binary", "exact-len": int(match.group(1))}
    if first == "endpoint":
        return {"type": "nest", "nested-attributes": "endpoint"}
    if first == "nest":
        said = {"type": "nest", "nested-attributes": kebab(re.search(r"enum sdt_(\w+)_attr", comment).group(1))}
        if "multi" in comment:
            said["multi-attr"] = True
        return said
    if first in ("be16", "be32"):
        return {"type": "u" + first[2:], "byte-order": "big-endian"}
    said = {"type": first}
    match = re.match(r"u\d+, enum sdt_(\w+)(?! or)\b", comment)
    if match and " or sdt_" not in comment:
        said["enum"] = kebab(match.group(1))
    return said


def check_constants():
    for d in SPEC["definitions"]:
        if d["type"] == "const":
            name = c_name("sdt-", d["name"])
            yield CONSTANTS.get(name) == d["value"], f"{name}: {CONSTANTS.get(name)} and {d['value']}"
    for name in re.findall(r"^#define (SDT_\w+)\s+\(?(?:0x[0-9a-fA-F]+|\d+)\b", HEADER, re.M):
        short = kebab(name[len("SDT_"):])
        known = any(d["name"] == short for d in SPEC["definitions"]) or name == "SDT_FAMILY_VERSION"
        yield known, f"{name} is not in the spec"
    yield SPEC["version"] == CONSTANTS["SDT_FAMILY_VERSION"], "family version"


def check_enums():
    spec = {d["name"]: d for d in SPEC["definitions"] if d["type"] == "enum"}
    header = {e[len("sdt_"):]: m for e, m in ENUMS.items() if not ATTRIBUTE_ENUM.match(e) and e != "sdt_cmd"}
    yield {kebab(e) for e in header} == set(spec), f"enums: {sorted(header)} and {sorted(spec)}"
    for enum, members in header.items():
        d = spec.get(kebab(enum), {"name-prefix": "", "entries": []})
        entries = [(c_name(d["name-prefix"], e["name"]), e["value"]) for e in d["entries"]]
        wanted = [(name, value) for name, value, _ in members]
        yield entries == wanted, f"enum {enum}: {set(entries) ^ set(wanted)}"


def check_attributes():
    sets = spec_sets()
    enum_sets = {set_of_enum(e): m for e, m in ENUMS.items() if ATTRIBUTE_ENUM.match(e)}
    yield set(enum_sets) == set(sets), f"sets: {sorted(enum_sets)} and {sorted(sets)}"
    for name, members in enum_sets.items():
        spec = sets[name]
        attributes = spec["attributes"]
        wanted = [(member, value) for member, value, _ in members]
        have = [(c_name(spec["name-prefix"], a["name"]), i) for i, a in enumerate(attributes, 1)]
        yield have == wanted, f"set {name}: {set(have) ^ set(wanted)}"
        for attribute, (member, _, comment) in zip(attributes, members):
            if attribute["type"] == "pad":
                continue
            said = type_of_comment(comment)
            for key in ("type", "nested-attributes", "multi-attr", "byte-order", "enum"):
                yield said.get(key) == attribute.get(key), f"{member}: {key} {said.get(key)}, {attribute.get(key)}"
            if "exact-len" in said:
                yield attribute.get("checks") == {"exact-len": said["exact-len"]}, f"{member}: length"
            only = "read only" in comment
            yield only == ("ead only" in attribute.get("doc", "")), f"{member}: read only at one place"


def number(text):
    text = text.strip()
    return CONSTANTS[text] if text in CONSTANTS else int(text, 0)


def policy_tables():
    """policy name -> {C attribute: its initialiser}"""
    found = {}
    for name, body in re.findall(r"nla_policy (\w+)\[[^\]]*\] = \{\n(.*?)^\};", POLICY, re.S | re.M):
        parts = re.split(r"^\t\[(\w+)\]\s*=\s*", body, flags=re.M)
        found[name] = {k: " ".join(v.split()).rstrip(",") for k, v in zip(parts[1::2], parts[2::2])}
    return found


def ranges():
    found = {}
    for name, body in re.findall(r"netlink_range_validation (\w+) = \{(.*?)\};", POLICY, re.S):
        found[name] = {k: number(v) for k, v in re.findall(r"\.(min|max) = (\w+)", body)}
    return found


def checks_of(entry):
    """An initialiser in the spec's terms: (type, checks), or None for read-only ones."""
    match = re.match(r"NLA_POLICY_RANGE\(NLA_(\w+), (\w+), (\w+)\)", entry)
    if match:
        return match.group(1).lower(), {"min": number(match.group(2)), "max": number(match.group(3))}
    match = re.match(r"NLA_POLICY_(MIN|MAX)\(NLA_(\w+), (\w+)\)", entry)
    if match:
        return match.group(2).lower(), {match.group(1).lower(): number(match.group(3))}
    match = re.match(r"NLA_POLICY_FULL_RANGE\(NLA_(\w+), &(\w+)\)", entry)
    if match:
        return match.group(1).lower(), ranges()[match.group(2)]
    match = re.match(r"\{ \.type = NLA_(\w+) \}", entry)
    if match:
        return match.group(1).lower(), {}
    if entry == "NAME":
        return "string", {"max-len": CONSTANTS["SDT_NAME_LEN"] - 1}
    if entry == "KEY":
        return "binary", {"exact-len": CONSTANTS["SDT_KEY_SIZE"]}
    if entry == "NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr))":
        return "binary", {"exact-len": 16}
    if entry.startswith("NEST("):
        return "nest", {}
    return None


def spec_attributes():
    return {c_name(s["name-prefix"], a["name"]): a for s in SPEC["attribute-sets"] for a in s["attributes"]}


def check_policies():
    attributes = spec_attributes()
    comments = {name: comment for members in ENUMS.values() for name, _, comment in members}
    tables = policy_tables()
    yield len(tables) > 10, f"only {len(tables)} policies found"
    for table, entries in tables.items():
        for name, entry in entries.items():
            attribute = attributes.get(name, {"type": "none in the spec"})
            if entry == "READ_ONLY":
                yield "read only" in comments.get(name, ""), f"{table}: {name} is refused, but not read only"
                continue
            found = checks_of(entry)
            if found is None:
                yield entry.startswith("{ .type = NLA_REJECT"), f"{table}: {name}: what is {entry}?"
                continue
            yield "read only" not in comments.get(name, ""), f"{table}: {name} is read only"
            yield found[0] == attribute["type"], f"{table}: {name}: {found[0]}, {attribute['type']}"
            yield found[1] == attribute.get("checks", {}), f"{table}: {name}: {found[1]}, {attribute.get('checks')}"


def check_complete():
    """What a request may set has its line in the policy, and so has what it may not."""
    tables = policy_tables()
    for table, enum in (("node_set_policy", "sdt_node_attr"), ("link_policy", "sdt_link_attr"),
                        ("tunnel_policy", "sdt_tunnel_attr"), ("endpoint_policy", "sdt_endpoint_attr")):
        wanted = {name for name, _, _ in ENUMS[enum]}
        yield set(tables[table]) == wanted, f"{table}: {wanted ^ set(tables[table])}"


def check_operations():
    ops = {o["name"]: o for o in SPEC["operations"]["list"]}
    wanted = [(kebab(name[len("SDT_CMD_"):]), value) for name, value, _ in ENUMS["sdt_cmd"]]
    yield [(o["name"], o["value"]) for o in ops.values()] == wanted, f"commands: {wanted}"
    tables = policy_tables()
    blocks = re.findall(r"\.cmd\s*= SDT_CMD_(\w+),(.*?)\n\t\}", FAMILY, re.S)
    yield {kebab(n) for n, _ in blocks} | {"event"} == set(ops), "commands of the module"
    for name, body in blocks:
        op = ops[kebab(name)]
        for call, key in ((".doit", "do"), (".dumpit", "dump")):
            yield (call in body) == (key in op), f"{name}: {key}"
        flags = ["uns-admin-perm"] if "GENL_UNS_ADMIN_PERM" in body else []
        yield flags == op.get("flags", []), f"{name}: permission"
        policy = re.search(r"TAKES\((\w+)\)", body).group(1)
        takes = {kebab(a[len("SDT_A_"):]) for a, e in tables[policy].items() if e.startswith("NEST(")}
        asks = set()
        for key in ("do", "dump"):
            asks |= set(op.get(key, {}).get("request", {}).get("attributes", []))
        yield takes == asks, f"{name}: takes {takes}, spec {asks}"
    group = SPEC["mcast-groups"]["list"][0]["name"]
    yield f'SDT_MCGRP_EVENTS\t"{group}"' in HEADER, "multicast group"


def check_counters():
    table = re.findall(r"^\t(NODE|LINK|TUNNEL)\((SDT_\w+),\s*\"([a-z0-9-]+)\",\s*\"([^\"]+)\"", COUNTERS, re.M)
    order = [(c_id, name) for _, c_id, name, _ in table]
    wanted = [(name, kebab(re.sub("^SDT_(STAT|DROP)_", "", name))) for name, _, _ in ENUMS["sdt_stat"]]
    yield order == wanted, f"counters: {set(order) ^ set(wanted)}"
    names = [name for _, _, name, _ in table]
    yield len(set(names)) == len(names), "two counters of one name"
    # 18: a cookie is sent before it is known whose initiation it answers; 25: a reset, for a session that is not known.
    scopes = {
        "NODE": [18, 25, *range(40, 60)],
        "LINK": [*range(8, 18), *range(19, 25), *range(26, 33), 37, 38, *range(60, 120)],
        "TUNNEL": [*range(1, 8), *range(33, 37), 39, *range(120, 200)],
    }
    for scope, c_id, _, _ in table:
        yield CONSTANTS[c_id] in scopes[scope], f"{c_id} is counted elsewhere"


def check_names():
    lists = re.findall(r"\{ (SDT_\w+), \"([a-z0-9-]+)\" \}", NAMES)
    spec = {}
    for d in SPEC["definitions"]:
        for entry in d.get("entries", []):
            spec[c_name(d["name-prefix"], entry["name"])] = str(entry["name"])
    for name, text in lists:
        yield spec.get(name) == text, f"{name}: {text}, spec {spec.get(name)}"
    named = {name for name, _ in lists}
    missing = {n for n in spec if not n.startswith(("SDT_STAT_", "SDT_DROP_"))} - named
    yield not missing, f"without a name in the tool: {missing}"


def main():
    tests = [(name[len("check_"):], test) for name, test in sorted(globals().items()) if name.startswith("check_")]
    print(f"KTAP version 1\n1..{len(tests)}")
    failed = 0
    for i, (name, test) in enumerate(tests, 1):
        wrong = []
        count = 0
        for good, message in test():
            count += 1
            if not good:
                wrong.append(message)
        if not count:
            wrong.append("nothing was compared")
        for message in wrong:
            print(f"# {message}")
        print(f"{'not ok' if wrong else 'ok'} {i} contract: {name}")
        failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
