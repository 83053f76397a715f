// SPDX-License-Identifier: Apache-2.0
// mneme-bench tokenizer: how fast texts become tokens and back, on one core, beside a search for a
// byte over the same memory. A tokenizer is that of a GGUF, or of a folder with tokenizer.json.
#include "inference/text/tokenizer.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "app/cli/values.h"
#include "base/file.h"
#include "inference/files/gguf.h"
#include "inference/text/hub_tokenizer.h"
#include "tests/bench/commands.h"
#include "tests/bench/report.h"

namespace mneme::bench {
namespace {

using namespace cli;

using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  std::vector<std::string> files;
  int rounds = 5;
  bool json = false;
};

// Of this thread, so that other programs count less than in time by the clock.
double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Result<std::string> read_file(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  std::string text(file->size(), '\0');
  RETURN_IF_ERROR(file->read_at(0, std::as_writable_bytes(std::span(text))));
  return text;
}

Result<Tokenizer> open_tokenizer(const std::string& model) {
  if (model.ends_with(".gguf")) {
    auto file = GgufFile::open(model);
    if (!file) return file.error();
    return Tokenizer::from_gguf(file->metadata());
  }
  auto text = read_file(model + "/tokenizer.json");
  if (!text) return text.error();
  HubTokenizerFiles files;
  files.folder = model;
  files.tokenizer = *text;
  auto read = read_hub_tokenizer(files);
  if (!read) return read.error();
  return Tokenizer::create(std::move(*read));
}

// MB/s of the best of several rounds.
template <typename Work>
double speed(std::size_t bytes, int rounds, const Work& work) {
  double best = std::numeric_limits<double>::infinity();
  for (int round = 0; round < rounds; ++round) {
    const double begin = processor_seconds();
    work();
    best = std::min(best, processor_seconds() - begin);
  }
  return static_cast<double>(bytes) * 1e-6 / std::max(best, 1e-9);
}

Status measure(const Options& options, Report& report) {
  const auto tokenizer = open_tokenizer(options.model);
  if (!tokenizer) return tokenizer.error();
  for (const std::string& path : options.files) {
    const auto text = read_file(path);
    if (!text) return text.error();
    std::vector<TokenId> ids;
    std::size_t decoded = 0;
    std::size_t lines = 0;
    const double encode =
        speed(text->size(), options.rounds, [&] { ids = tokenizer->encode(*text); });
    const double decode =
        speed(text->size(), options.rounds, [&] { decoded = tokenizer->decode(ids).size(); });
    const double search = speed(text->size(), options.rounds, [&] {
      lines = static_cast<std::size_t>(std::count(text->begin(), text->end(), '\n'));
    });
    report.line(
        "{}: {} bytes, {} lines, {} tokens of {} bytes; encode {:.1f} MB/s, decode {:.1f}, "
        "a search for a byte {:.0f}",
        path, text->size(), lines, ids.size(), decoded, encode, decode, search);
    report.json["texts"].push_back(Json{{"file", path},
                                        {"bytes", text->size()},
                                        {"tokens", ids.size()},
                                        {"encode_mb_s", encode},
                                        {"decode_mb_s", decode},
                                        {"search_mb_s", search}});
  }
  return {};
}

}  // namespace

Command add_tokenizer(CLI::App& parent) {
  auto options = std::make_shared<Options>();
  CLI::App* app =
      parent.add_subcommand("tokenizer", "Measure how fast texts become tokens, on one core");
  add_name(*app, "-m,--model", options->model, "FILE", "a GGUF, or a folder with tokenizer.json")
      ->required();
  add_names(*app, "--file", options->files, "FILE", "a text; may be given again")->required();
  add_whole(*app, "--rounds", options->rounds, 1, 1000, "how often to repeat; the best counts");
  app->add_flag("--json", options->json, "machine-readable output");
  return [options] {
    return run_report<Report>(options->json,
                              [&](Report& report) { return measure(*options, report); });
  };
}

}  // namespace mneme::bench
