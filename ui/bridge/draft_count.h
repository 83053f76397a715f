// SPDX-License-Identifier: Apache-2.0
// What the draft would cost, counted while it is typed and without running the model: its tokens,
// and how many of the memory rows they ask for are in RAM now. Any thread but the UI's.
#pragma once

#include <QtGlobal>
#include <string>
#include <vector>

#include "base/ids.h"
#include "inference/run/engine_view.h"

namespace mneme {

struct DraftCount {
  qint64 tokens = 0;
  qint64 rows = 0;  // 0 = no memory
  qint64 rowsInRam = 0;
};

// `before`: the tokens that will stand before the draft, as far as they are known.
DraftCount countDraft(const EngineView& model, const std::string& draft,
                      std::vector<TokenId> before);

}  // namespace mneme
