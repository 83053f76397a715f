# SPDX-License-Identifier: Apache-2.0
"""Runs Mneme's command line, to compare what it computes with what the recipe trained."""
import json
import pathlib
import subprocess

from base_model import RecipeError


class MnemeCli:
    def __init__(self, evaluation):
        self.path = pathlib.Path(evaluation.options.mneme_cli)
        if not self.path.exists():
            raise RecipeError(f"{self.path} is not there: build Mneme (./dev build) or name it with --mneme-cli")
        self.model, self.pack = evaluation.run.model.path, evaluation.pack

    def __call__(self, command, *arguments, memory=True):
        said = subprocess.run([self.path, command, "-m", self.model, "--memory", self.pack if memory else "off",
                               *arguments], capture_output=True, text=True)
        if said.returncode != 0:
            raise RecipeError(f"mneme-cli {command} failed: {said.stderr.strip()}")
        return said.stdout

    def lines(self, command, *arguments, memory=True):
        return [json.loads(line) for line in self(command, *arguments, memory=memory).splitlines()]
