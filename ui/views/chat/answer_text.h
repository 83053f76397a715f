// SPDX-License-Identifier: Apache-2.0
// What the chat view says about an answer in words: the figures below it, why it ended, how it was
// made. UI thread.
#pragma once

#include <QString>

#include "engram/tier_stats.h"
#include "ui/models/transcript_model.h"

namespace mneme {

// "42.1 tok/s   first token 0.18 s   96 tokens   memory: 61 % from RAM, ..."; while it streams, how
// far it is. `untrained`: the pack that made it is a stand-in. `storage` names what is not in RAM.
QString answerFigures(const TranscriptItem& item, bool untrained, StorageKind storage);

// Something the reader should know: interrupted, failed, cut short, turns left out. Empty =
// nothing.
QString answerNotice(const TranscriptItem& item);

// Model, pack, sampler and seed, one a line: the tool tip of the figures.
QString answerOrigin(const AnswerRecord& answer);

}  // namespace mneme
