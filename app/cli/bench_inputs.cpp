// SPDX-License-Identifier: Apache-2.0
#include "app/cli/bench_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <string_view>
#include <utility>

#include "app/cli/interrupt.h"
#include "app/cli/streams.h"
#include "base/file.h"
#include "engram/bench/key_stream.h"
#include "engram/compressed_vocab.h"
#include "inference/files/model_source.h"
#include "inference/text/read_tokenizer.h"

namespace mneme::cli {
namespace {

Result<std::vector<std::filesystem::path>> text_files(const std::string& folder,
                                                      const std::vector<std::string>& only) {
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() != ".txt") continue;
    if (only.empty() || std::ranges::find(only, it->path().stem().string()) != only.end()) {
      paths.push_back(it->path());
    }
  }
  if (error || paths.empty()) {
    const std::string reason = error ? fmt::format(" ({})", error.message()) : "";
    const std::string which = only.empty() ? "" : " of that name";
    return Error{ErrorCode::io,
                 fmt::format("there are no texts (*.txt){} in {}{}", which, folder, reason)};
  }
  std::ranges::sort(paths);
  return paths;
}

Result<BenchText> tokenize(const std::filesystem::path& path, const Tokenizer& tokenizer) {
  auto file = MappedFile::open(path.string());
  if (!file) return file.error();
  const auto bytes = (*file)->bytes();
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  BenchText text{path.stem().string(), {}};
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    auto tokens = tokenizer.encode(rest.substr(0, end));
    if (!tokens.empty()) text.documents.push_back(std::move(tokens));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  RETURN_IF_ERROR((*file)->unchanged());
  if (text.documents.empty()) {
    return Error{ErrorCode::io, fmt::format("{} is empty", path.string())};
  }
  return text;
}

Result<BenchTables> tables_of_file(const std::string& path) {
  auto found = find_tables({path});
  if (!found) return found.error();
  if (found->hash.empty()) {
    return Error{ErrorCode::invalid, fmt::format("{}: {}", path, found->origin_text)};
  }
  BenchTables out;
  for (FoundTable& table : found->tables) out.tables.push_back(std::move(table.source));
  HashSpec spec;
  spec.max_ngram_size = found->max_ngram_size;
  spec.head_count = found->head_count;
  // Cold n-grams are drawn at random: which token has which class does not matter.
  constexpr std::int64_t kClassesDefault = 100'000;
  spec.token_map.resize(
      static_cast<std::size_t>(found->class_count > 0 ? found->class_count : kClassesDefault));
  std::iota(spec.token_map.begin(), spec.token_map.end(), 0);
  spec.layers = std::move(found->hash);
  auto hasher = NgramHasher::create(std::move(spec));
  if (!hasher) return hasher.error();
  out.hasher = std::make_unique<NgramHasher>(std::move(*hasher));
  return out;
}

Result<BenchTables> test_tables(const std::string& folder, std::uint64_t bytes) {
  auto hasher = make_scratch_hasher(bytes);
  if (!hasher) return hasher.error();
  const auto progress = [](double done) {
    show_progress(fmt::format("writing a test table {:.0f} %", 100 * done));
  };
  auto scratch = ScratchTable::create(folder, bytes, true, progress, interrupt_flag());
  if (!scratch) return scratch.error();
  BenchTables out;
  out.scratch.emplace(std::move(*scratch));
  out.hasher = std::make_unique<NgramHasher>(std::move(*hasher));
  std::uint64_t offset = 0;
  for (const LayerHash& layer : out.hasher->spec().layers) {
    out.tables.push_back(plain_table(out.scratch->path(), offset, layer.rows, kV41RowBytes));
    offset += layer.rows * kV41RowBytes;
  }
  return out;
}

}  // namespace

Result<BenchTexts> read_bench_texts(const std::string& model_path, const std::string& folder,
                                    const std::vector<std::string>& only) {
  const auto paths = text_files(folder, only);
  if (!paths) return paths.error();
  const auto source = ModelSource::open(model_path);
  if (!source) return source.error();
  const auto tokenizer = read_tokenizer(*source);
  if (!tokenizer) return tokenizer.error();
  CompressedVocab vocab;
  for (TokenId id = 0; id < tokenizer->vocab_size(); ++id) {
    const auto added = vocab.add(tokenizer->decode(id), tokenizer->vocab_text(id));
    if (!added) return added.error();
  }
  BenchTexts out;
  out.token_map = vocab.map();
  out.pad_class = vocab.map()[static_cast<std::size_t>(tokenizer->eos().value_or(0))];
  for (const auto& path : *paths) {
    auto text = tokenize(path, *tokenizer);
    if (!text) return text.error();
    out.texts.push_back(std::move(*text));
  }
  return out;
}

Result<BenchTables> bench_tables(const std::string& path, const std::string& folder,
                                 std::uint64_t bytes) {
  return path.empty() ? test_tables(folder, bytes) : tables_of_file(path);
}

}  // namespace mneme::cli
