// SPDX-License-Identifier: Apache-2.0
#include "tests/support/logits_oracle.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "tests/support/test_paths.h"

namespace mneme {
namespace {

OracleRun read_run(const nlohmann::json& json) {
  OracleRun run;
  json.at("log_sum_exp").get_to(run.log_sum_exp);
  json.at("norm").get_to(run.norm);
  json.at("top").get_to(run.top);
  json.at("top_logits").get_to(run.top_logits);
  json.at("sampled_logits").get_to(run.sampled_logits);
  json.at("gates").get_to(run.gates);
  json.at("writes").get_to(run.writes);
  json.at("rows").get_to(run.rows);
  if (json.contains("greedy")) json.at("greedy").get_to(run.greedy);
  return run;
}

}  // namespace

LogitsOracle read_logits_oracle() {
  std::ifstream in(test_data("logits_oracle.json"));
  CHECK(in.good());
  const auto json = nlohmann::json::parse(in);
  LogitsOracle oracle;
  json.at("model_sha256").get_to(oracle.model_sha256);
  json.at("pack_sha256").get_to(oracle.pack_sha256);
  json.at("sampled").get_to(oracle.sampled);
  for (const auto& item : json.at("passages")) {
    oracle.passages.push_back({item.at("name"), item.at("text"), item.at("tokens"),
                               read_run(item.at("off")), read_run(item.at("on"))});
  }
  return oracle;
}

}  // namespace mneme
