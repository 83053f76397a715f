# SPDX-License-Identifier: Apache-2.0
"""The settings of a run: a JSON file, whose every value is checked before anything is computed."""
import json

from base_model import RecipeError


def _whole(least):
    return lambda v: type(v) is int and v >= least, f"a whole number, {least} or more"


def _number(least, most):
    return lambda v: type(v) in (int, float) and least <= v <= most, f"a number from {least} to {most}"


_SOURCE = {"tokens": _whole(1), "passes": _number(0, 1000), "most_documents": _whole(1), "questions": _whole(1)}


def _sources(needed):
    def right(value):
        return type(value) is dict and len(value) > 0 and all(
            type(what) is dict and needed <= what.keys() <= _SOURCE.keys() and
            all(_SOURCE[key][0](v) for key, v in what.items()) for what in value.values())
    return right, f"sources, each with {' and '.join(sorted(needed))} (and perhaps {', '.join(sorted(_SOURCE.keys() - needed))})"


def _ascending_blocks(value):
    return type(value) is list and value != [] and all(type(v) is int and v >= 0 for v in value) and \
        sorted(set(value)) == value


FIELDS = {
    "about": (lambda v: type(v) is str, "a text"),
    "window": _whole(2),
    "batch": _whole(1),
    "layers": (_ascending_blocks, "a list of blocks, ascending"),
    "max_ngram": (lambda v: type(v) is int and 2 <= v <= 8, "a whole number from 2 to 8"),
    "heads": _whole(1),
    "row_width": (lambda v: type(v) is int and v > 0 and v % 32 == 0, "a multiple of 32"),
    "bucket_base": _whole(2),
    "table_rate": _number(0, 10),
    "dense_rate": _number(0, 10),
    "gate_cost": _number(0, 1000),
    "strength": _number(0, 10),
    "seed": _whole(0),
    "probe_every": _whole(1),
    "keep_states": (lambda v: type(v) is bool, "true or false"),
    "system_prompt": (lambda v: type(v) is str, "a text"),
    "train": _sources({"tokens", "passes"}),
    "heldout": _sources({"tokens"}),
    "elsewhere": _sources({"tokens"}),
}


def check_settings(settings, name):
    if type(settings) is not dict:
        raise RecipeError(f"{name} must hold one JSON object with the settings of a run")
    for key in settings.keys() - FIELDS.keys():
        raise RecipeError(f"{name}: there is no setting {key}")
    for key, (right, what) in FIELDS.items():
        if key not in settings:
            raise RecipeError(f"{name}: the setting {key} is missing ({what})")
        if not right(settings[key]):
            raise RecipeError(f"{name}: {key} is {json.dumps(settings[key])}, not {what}")
    return settings


def read_settings(path, changes=()):
    """The settings in a file, each of `changes` ("KEY=JSON") applied."""
    try:
        with open(path, encoding="utf-8") as file:
            settings = json.load(file)
    except ValueError as error:
        raise RecipeError(f"{path} is not JSON: {error}") from None
    check_settings(settings, path)
    for change in changes:
        key, _, value = change.partition("=")
        try:
            settings[key] = json.loads(value)
        except ValueError:
            raise RecipeError(f"--set {change}: the value is not JSON (a text needs quotes)") from None
    return check_settings(settings, "--set" if changes else path)
