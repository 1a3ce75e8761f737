#!/usr/bin/python3
"""Makes JSON schemas for kubeconform: schemas.py SWAGGER CRDS OUT.

One file a kind, <kind>-<group's first word>-<version>.json, out of Kubernetes' own OpenAPI document and of custom resource definitions. Unknown
fields are errors, as they are to the API server.
"""
import json
import pathlib
import sys

import yaml

swagger, crds, out = (pathlib.Path(argument) for argument in sys.argv[1:])
definitions = json.loads(swagger.read_text())["definitions"]


def write(schema, kind, group, version):
    name = "-".join(word.lower() for word in (kind, group.split(".")[0], version) if word)
    (out / f"{name}.json").write_text(json.dumps(schema, separators=(",", ":")))


def strict(schema):
    """A copy in which what isn't described is an error, and null or either of int and string stand where the API server takes them."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    copy = {key: strict(value) for key, value in schema.items() if not key.startswith("x-") and key not in ("description", "example")}
    if isinstance(schema.get("properties"), dict):
        copy["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
        if "additionalProperties" not in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            copy["additionalProperties"] = False
    return copy


quantity = {"type": ["string", "number"]}
loose = {"io.k8s.apimachinery.pkg.api.resource.Quantity": quantity}
closed = {name: loose.get(name, strict(definition)) for name, definition in definitions.items()}


def reached(name, found):
    """Adds to `found` every definition that `name` needs."""
    pending = [closed[name]]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            reference = item.get("$ref")
            if isinstance(reference, str):
                other = reference.rsplit("/", 1)[1]
                if other not in found:
                    found[other] = closed[other]
                    pending.append(closed[other])
            pending.extend(item.values())
    return found


for name, definition in definitions.items():
    for gvk in definition.get("x-kubernetes-group-version-kind", []):
        if len(definition["x-kubernetes-group-version-kind"]) > 1:
            continue  # DeleteOptions and the like stand in every group
        schema = dict(closed[name])
        schema["required"] = sorted({*schema.get("required", []), "apiVersion", "kind", "metadata"} & set(schema.get("properties", {})))
        schema["definitions"] = reached(name, {})
        write(schema, gvk["kind"], gvk["group"], gvk["version"])

for path in sorted(crds.glob("*.yaml")):
    crd = yaml.safe_load(path.read_text())["spec"]
    for version in crd["versions"]:
        schema = strict(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        write(schema, crd["names"]["kind"], crd["group"], version["name"])
