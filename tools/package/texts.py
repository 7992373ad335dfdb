"""The texts that the package carries: third-party notices, the bill of materials (CycloneDX), the release notes."""

import json
import re
import tomllib
import uuid
from pathlib import Path

from crates import ROOT, Crate

CYCLONEDX = "1.6"


def version() -> str:
    with (ROOT / "Cargo.toml").open("rb") as manifest:
        return tomllib.load(manifest)["package"]["version"]


def release_notes(changelog: str, of_version: str) -> str:
    """The section of this version, without its heading."""
    sections = re.split(r"^## ", changelog, flags=re.M)[1:]
    for section in sections:
        heading, _, body = section.partition("\n")
        if heading.split(",")[0].split()[0] == of_version:
            return body.strip() + "\n"
    raise SystemExit(f"CHANGELOG.md has no section for {of_version}")


def notices(crates: list[Crate], standard: list[dict]) -> str:
    """One chapter for each work; a text that several works share stands once."""
    works = [(f"{crate.name} {crate.version}", crate.licence, crate.texts) for crate in crates]
    works += [(f"{part['name']} {part['version']}".strip(), part["licence"], part["texts"]) for part in standard]
    missing = [title for title, _, texts in works if not texts]
    if missing:
        # A crate that ships no text: its licence names the ones that other works carry.
        known = [text for _, _, texts in works for text in texts]
        works = [(title, licence, texts or standard_texts(licence, known)) for title, licence, texts in works]
        missing = [title for title, _, texts in works if not texts]
    if missing:
        raise SystemExit(f"no licence text found for {', '.join(missing)}")
    lines = [
        "Third-party notices of smpfota",
        "",
        "The native libraries of this package contain the works below. Each may be used under the licence named with it; the",
        "numbers lead to the texts at the end.",
        "",
    ]
    texts: dict[str, int] = {}
    for title, licence, own in works:
        numbers = [texts.setdefault(text, len(texts) + 1) for text in own]
        lines.append(f"- {title}: {licence} [{', '.join(map(str, numbers))}]")
    for text, number in texts.items():
        lines += ["", "=" * 100, f"[{number}]", "", text]
    return "\n".join(line.rstrip() for line in "\n".join(lines).split("\n")) + "\n"


def standard_texts(licence: str, known: list[str]) -> list[str]:
    """For a crate without a text of its own: the general text of its licence, which has no name of an author in it."""
    if "Apache-2.0" in licence:
        return [text for text in known if text.lstrip().startswith("Apache License") and "END OF TERMS" in text][:1]
    return []


def bill_of_materials(crates: list[Crate], standard: list[dict], managed: list[tuple[str, str]], of_version: str) -> str:
    """CycloneDX: what is linked into the native libraries, and what the netstandard2.0 assembly depends on."""
    components = [component("cargo", crate.name, crate.version, crate.licence, crate.checksum) for crate in crates]
    for part in standard:
        if part["checksum"]:
            components.append(component("cargo", part["name"], part["version"], part["licence"], part["checksum"]))
        else:
            components.append({"type": "library", "name": part["name"], "version": part["version"], "licenses": licences(part["licence"])})
    for name, wanted in managed:
        components.append(component("nuget", name, wanted, "", ""))
    root = {"type": "library", "name": "SmpFota", "version": of_version, "bom-ref": "smpfota", "purl": f"pkg:nuget/SmpFota@{of_version}"}
    root["licenses"] = licences("MIT OR Apache-2.0")
    references = [item["bom-ref"] for item in components if "bom-ref" in item]
    document = {
        "$schema": f"http://cyclonedx.org/schema/bom-{CYCLONEDX}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": CYCLONEDX,
        "version": 1,
        "metadata": {"component": root},
        "components": components,
        "dependencies": [{"ref": "smpfota", "dependsOn": references}],
    }
    # The same contents have the same number, so that the package has the same bytes.
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))}"
    return json.dumps(document, indent=1) + "\n"


def component(registry: str, name: str, of_version: str, licence: str, checksum: str) -> dict:
    url = f"pkg:{registry}/{name}@{of_version}"
    found = {"type": "library", "name": name, "version": of_version, "bom-ref": url, "purl": url}
    if licence:
        found["licenses"] = licences(licence)
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return found


def licences(expression: str) -> list[dict]:
    # Crates from before SPDX expressions separate the choices by a slash.
    return [{"expression": expression.replace("/", " OR ")}]


def managed_dependencies(project: Path) -> list[tuple[str, str]]:
    """The packages that a user of the netstandard2.0 assembly gets."""
    rows = re.findall(r'<PackageReference Include="([^"]+)" Version="([^"]+)"([^>]*)/>', project.read_text())
    return [(name, wanted) for name, wanted, rest in rows if "PrivateAssets" not in rest]
