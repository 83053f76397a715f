// SPDX-License-Identifier: Apache-2.0
// mneme-bench device-rows: the share of look-ups whose rows a device has by itself, for given texts.
#include <fmt/format.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "app/cli/bench_inputs.h"
#include "app/cli/interrupt.h"
#include "app/cli/report.h"
#include "app/paths.h"
#include "tests/bench/commands.h"
#include "tests/bench/replay_device.h"
#include "tests/bench/text_options.h"

namespace mneme::bench {
namespace {

using namespace cli;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::array<std::uint64_t, 4> kDeviceBudgets = {64 * kMiB, 256 * kMiB, 1024 * kMiB,
                                                         2048 * kMiB};
constexpr std::array<std::size_t, 2> kDeviceSteps = {1, 512};  // tokens: an answer's, a prompt's

Status run_device(const TextOptions& options, Report& report) {
  const std::string model = options.model.empty() ? Paths::find().default_model() : options.model;
  show_progress("reading the texts");
  auto texts = read_bench_texts(model, options.streams, options.only);
  if (!texts) return texts.error();
  auto hasher = make_v41_hasher(texts->token_map, texts->pad_class, kV41BucketRows);
  if (!hasher) return hasher.error();
  const HashSpec& spec = hasher->spec();
  const std::uint64_t ngram_bytes =
      spec.layers.size() * static_cast<std::uint64_t>(spec.head_count) * kV41RowBytes;
  report.line("\nlook-ups whose rows a device has by itself, second half of each stream");
  report.line("  {:<12} {:>8} {:>10} {:>8} {:>10} {:>8} {:>14} {:>12}", "stream", "room",
              "at a time", "cached", "repeated", "both", "KB a token", "ns, n-gram");
  for (const BenchText& text : texts->texts) {
    const KeyStream stream = make_key_stream(text.name, *hasher, text.documents);
    for (const std::uint64_t budget : kDeviceBudgets) {
      for (const std::size_t tokens : kDeviceSteps) {
        RETURN_IF_ERROR(check_interrupt());
        show_progress(fmt::format("{}: {} MiB on a device", stream.name, budget / kMiB));
        const DeviceShare share = replay_device(stream, ngram_bytes, budget, tokens);
        const double bytes = share.ngrams_transferred * static_cast<double>(ngram_bytes);
        show_progress("");
        report.line("  {:<12} {:>4} MiB {:>10} {:6.2f} % {:8.2f} % {:6.2f} % {:14.1f} {:12.0f}",
                    stream.name, budget / kMiB, tokens, 100 * share.cached, 100 * share.repeated,
                    100 * share.total(), bytes / 1e3, share.ns_per_ngram);
        report.json["device"].push_back({{"stream", stream.name},
                                         {"room", budget},
                                         {"tokens", tokens},
                                         {"cached", share.cached},
                                         {"repeated", share.repeated},
                                         {"bytes_per_token", bytes},
                                         {"ns_per_ngram", share.ns_per_ngram}});
      }
    }
  }
  return {};
}

}  // namespace

Command add_device_rows(CLI::App& parent) {
  auto options = std::make_shared<TextOptions>();
  CLI::App* app = parent.add_subcommand(
      "device-rows", "Replay texts through the policy that decides which rows a device caches");
  add_text_options(*app, *options);
  return [options] {
    return run_report<Report>(options->json,
                              [&](Report& report) { return run_device(*options, report); });
  };
}

}  // namespace mneme::bench
