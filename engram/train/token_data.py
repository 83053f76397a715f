# SPDX-License-Identifier: Apache-2.0
"""Documents -> windows of tokens: what a run reads, in an order that only its seed decides.

A window is `length` tokens of one source; documents follow one another, a separator between them.
Every token has a target weight: 1 where its successor is to be predicted, 0 where it is the start of
another document, or in a chat a turn that the user wrote."""
import json
import pathlib

import numpy as np

from base_model import RecipeError


def read_documents(path):
    try:
        with open(path, encoding="utf-8") as file:
            documents = [json.loads(line) for line in file]
    except FileNotFoundError:
        raise RecipeError(f"{path} is not there: make the corpus first (engram/train/corpus.py)") from None
    except ValueError as error:
        raise RecipeError(f"{path} is not JSON Lines: {error}") from None
    for number, document in enumerate(documents, 1):
        if not _is_document(document):
            raise RecipeError(f"{path}, line {number}: expected {{\"text\": ...}} or "
                              "{\"messages\": [{\"role\": ..., \"content\": ...}, ...]}")
    return documents


def _is_document(value):
    if type(value) is not dict:
        return False
    if "text" in value:
        return type(value["text"]) is str
    turns = value.get("messages")
    return type(turns) is list and turns != [] and all(
        type(t) is dict and type(t.get("role")) is str and type(t.get("content")) is str for t in turns)


class ChatFormat:
    """Turns as the base was tuned to read them: ChatML, with its default system prompt."""

    def __init__(self, tokenizer, system):
        for name in ("<|im_start|>", "<|im_end|>"):
            if name not in tokenizer.ids:
                raise RecipeError(f"chat text needs {name}, which the base's vocabulary lacks")
        self.t, self.system = tokenizer, system
        self.start, self.end = tokenizer.ids["<|im_start|>"], tokenizer.ids["<|im_end|>"]
        self.newline = tokenizer.encode("\n")

    def turns(self, messages):
        """ids and a flag for each: True where the assistant speaks."""
        ids, spoken = [], []
        system = [] if messages[0]["role"] == "system" else [{"role": "system", "content": self.system}]
        for message in system + messages:
            head = [self.start, *self.t.encode(message["role"] + "\n")]
            body = [*self.t.encode(message["content"]), self.end]
            ids += head + body + self.newline
            answers = message["role"] == "assistant"
            spoken += [False] * len(head) + [answers] * len(body) + [False] * len(self.newline)
        return ids, spoken


def tokenise(documents, tokenizer, chat, limit):
    """(ids [n] int32, weights [n] uint8) of the documents one after another, at most `limit` tokens."""
    ids, weights, total = [], [], 0
    for first in range(0, len(documents), 256):
        part = documents[first:first + 256]
        plain = iter(tokenizer.encode_all([d["text"] for d in part if "text" in d]))
        for document in part:
            if "text" in document:
                piece = [tokenizer.separator, *next(plain)]
                counted = [True] * len(piece)
            else:
                turns, spoken = chat.turns(document["messages"])
                piece, counted = [tokenizer.separator, *turns], [False, *spoken]
            # The weight of a token says whether its successor counts.
            ids += piece
            weights += counted[1:] + [False]
            total += len(piece)
            if total >= limit:
                return np.array(ids[:limit], np.int32), np.array(weights[:limit], np.uint8)
    return np.array(ids, np.int32), np.array(weights, np.uint8)


def choose(documents, what, generator):
    """The documents of a source in the order in which they are read. `most_documents`: only the
    first so many of the file, for sources whose best come first. `questions`: so many short chats
    become one, since each would repeat the system prompt."""
    documents = documents[:what.get("most_documents")]
    documents = [documents[i] for i in generator.permutation(len(documents))]
    together = what.get("questions", 1)
    if together > 1:
        chats = [d for d in documents if "messages" in d]
        documents = [d for d in documents if "text" in d]
        documents += [{"messages": sum((d["messages"] for d in chats[i:i + together]), [])}
                      for i in range(0, len(chats), together)]
        documents = [documents[i] for i in generator.permutation(len(documents))]
    return documents


class Windows:
    """tokens, targets [n, length] int32, weights [n, length] uint8; source [n]: index into names.
    A last window that is not full is dropped."""

    def __init__(self, length):
        self.length, self.names = length, []
        self.tokens = self.targets = np.empty((0, length), np.int32)
        self.weights = np.empty((0, length), np.uint8)
        self.source = np.empty(0, np.int32)

    def add(self, name, ids, weights):
        count = (len(ids) - 1) // self.length
        if count < 1:
            raise RecipeError(f"the source {name} has only {len(ids)} tokens: not one window of {self.length}")
        end = count * self.length
        shape = (count, self.length)
        self.names.append(name)
        self.tokens = np.concatenate([self.tokens, ids[:end].reshape(shape)])
        self.targets = np.concatenate([self.targets, ids[1:end + 1].reshape(shape)])
        self.weights = np.concatenate([self.weights, weights[:end].reshape(shape)])
        self.source = np.concatenate([self.source, np.full(count, len(self.names) - 1, np.int32)])

    def of(self, name):
        return np.flatnonzero(self.source == self.names.index(name))

    def __len__(self):
        return len(self.tokens)


def load_windows(corpus, split, sources, tokenizer, settings):
    """sources: {name: {"tokens": at most, and what choose() takes}}."""
    chat = None
    generator = np.random.default_rng(settings["seed"])
    windows = Windows(settings["window"])
    for name, what in sources.items():
        documents = choose(read_documents(pathlib.Path(corpus) / f"{name}.{split}.jsonl"), what, generator)
        if any("messages" in d for d in documents) and chat is None:
            chat = ChatFormat(tokenizer, settings["system_prompt"])
        windows.add(name, *tokenise(documents, tokenizer, chat, what["tokens"]))
    return windows


def schedule(windows, passes, seed):
    """The order in which a run reads windows: each source's as often as `passes` says, mixed."""
    order = []
    generator = np.random.default_rng(seed)
    for name in windows.names:
        own = windows.of(name)
        whole, part = int(passes[name]), passes[name] % 1
        order += list(own) * whole + list(generator.permutation(own)[:round(part * len(own))])
    return generator.permutation(np.array(order, np.int64))
