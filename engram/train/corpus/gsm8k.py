# SPDX-License-Identifier: Apache-2.0
"""Conversations out of GSM8K (gsm8k_train.jsonl.gz): questions of arithmetic and their answers."""
import json
import re

from .dictd import unpack
from .document import CorpusError, Document

CALCULATOR = re.compile(r"<<[^>]*>>")
FINAL = re.compile(r"\s*####\s*(\S+)\s*$")


def documents(packed: bytes, source: str) -> list[Document]:
    try:
        lines = unpack(packed).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise CorpusError(f"it is no UTF-8 text ({error})") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            question, answer = row["question"].strip(), CALCULATOR.sub("", row["answer"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorpusError(f"line {number} is no question with its answer ({error!r})") from error
        told, marks = FINAL.subn(lambda m: f"\nThe answer is {m[1]}.", answer)
        if not marks:
            raise CorpusError(f"line {number} has no final line of the kind #### N")
        found.append(Document(f"{source}/{number:05}", messages=[
            {"role": "user", "content": question}, {"role": "assistant", "content": told.strip()}]))
    return found
