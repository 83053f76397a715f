// SPDX-License-Identifier: Apache-2.0
// Everything the token card says about one token, recomputed from its record and the tokens before
// it: probabilities, gates, n-grams, rows. Plain data; the functions run on the UI thread.
#pragma once

#include <QString>
#include <cstdint>
#include <optional>
#include <vector>

#include "engram/ngram_key.h"
#include "inference/trace/trace_record.h"
#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"

namespace mneme {

// One n-gram that ends at a token, at one Engram layer.
struct NgramLayerFacts {
  Tier tier = Tier::ram;
  std::uint32_t latencyUs = 0;
  std::uint64_t mix = 0;    // before the modulus
  std::vector<RowId> rows;  // [heads]
};

struct NgramFacts {
  int order = 0;
  bool known = true;  // false: the tokens before were not recorded, so there is no key
  NgramKey key;
  QString text;                         // its tokens; blanks inside are kept
  std::vector<QString> tokens;          // oldest first; "start" where the sequence begins later
  std::vector<QString> folded;          // what each token's class stands for
  std::vector<NgramLayerFacts> layers;  // tier and latency also where `known` is false
};

struct TokenFacts {
  int index = 0;
  EventIndex event = 0;
  TraceHeader header;
  QString text;
  bool otherModel = false;
  bool untrained = false;

  struct Choice {
    TokenId token = 0;
    QString text;
    double probability = 0;
  };
  std::vector<Choice> choices;  // most probable first; empty: not computed for this token
  double probability = 0;       // of the token itself; valid if there are choices

  struct Layer {
    QString name;
    std::vector<float> gates;  // [streams]
    std::vector<float> writes;
    float gate = 0;  // maximum over streams
    float write = 0;
  };
  std::vector<Layer> layers;
  QString whyNoMemory;  // why `layers` is empty; a sentence

  std::vector<NgramFacts> ngrams;
  QString whyNoRows;  // why n-grams have no rows; a sentence
};

TokenFacts factsOf(const BranchTrace& trace, const InspectSource& source, int index);

// The last step of a hash walk: mix mod prime + offset = row, and where that row lies.
struct RowFacts {
  std::uint64_t prime = 0;
  std::uint64_t remainder = 0;
  std::uint64_t offset = 0;
  RowId row = 0;
  std::uint64_t fileOffset = 0;
  int bytes = 0;
};
RowFacts rowFacts(const InspectModel& model, const NgramKey& key, int layerSlot, int head);

// Tokens as running text for a label: line breaks visible, outer blanks cut.
QString ngramText(const InspectModel& model, const std::vector<TokenId>& tokens);

// The text that the token's class stands for: case, accents and outer blanks folded away.
QString foldedText(const InspectModel& model, TokenId token);

QString hexText(std::uint64_t value);     // "0x5b1e 92c4 07aa 31f9"
QString offsetText(std::uint64_t value);  // "0x01db6f40"

// The whole card as plain text, for the clipboard.
QString cardText(const TokenFacts& facts, const InspectSource& source);

}  // namespace mneme
