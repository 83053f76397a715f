// SPDX-License-Identifier: Apache-2.0
// What tests/data/make_logits_oracle.py stored: logits, gates, writes, rows and greedy tokens of
// the default model, computed in float64 by another program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"

namespace mneme {

struct OracleRun {
  std::vector<float> log_sum_exp;                     // [positions], over the vocabulary
  std::vector<float> norm;                            // [positions], of the logits as a vector
  std::vector<std::vector<TokenId>> top;              // [positions][32], best first
  std::vector<std::vector<float>> top_logits;         // [positions][32]
  std::vector<std::vector<float>> sampled_logits;     // [positions][LogitsOracle::sampled]
  std::vector<std::vector<float>> gates;              // [slots][positions]; empty with memory off
  std::vector<std::vector<float>> writes;             // [slots][positions]
  std::vector<std::vector<std::vector<RowId>>> rows;  // [slots][positions][columns]
  std::vector<TokenId> greedy;                        // 100 tokens behind the passage, or none
};

struct OraclePassage {
  std::string name;
  std::string text;
  std::vector<TokenId> tokens;
  OracleRun off, on;  // without and with the untrained pack of seed 1
};

struct LogitsOracle {
  std::string model_sha256;
  std::string pack_sha256;
  std::vector<TokenId> sampled;
  std::vector<OraclePassage> passages;
};

LogitsOracle read_logits_oracle();

}  // namespace mneme
