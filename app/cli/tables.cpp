// SPDX-License-Identifier: Apache-2.0
// mneme-cli tables: which n-gram tables are in these files, how do they lie, and can their rows be
// addressed?
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "app/cli/result_json.h"
#include "inference/base/printable.h"
#include "inference/model/table_files.h"

namespace mneme::cli {
namespace {

using Json = nlohmann::ordered_json;

struct TablesOptions {
  std::vector<std::string> files;
  std::string row;
  bool json = false;
};

std::string_view origin_word(HashOrigin origin) {
  switch (origin) {
    case HashOrigin::unknown:
      return "unknown";
    case HashOrigin::file:
      return "file";
    case HashOrigin::file_verified:
      return "file, verified";
    case HashOrigin::file_differs:
      return "file, differs";
    case HashOrigin::derived:
      return "derived";
  }
  return "";
}

std::string layout_text(const TableSource& source) {
  if (source.page_rows != 0) {
    return fmt::format("{} rows a page of {}, with checksums", source.page_rows, source.page_bytes);
  }
  std::string text = source.parts.size() == 2 ? "values and scales apart" : "one after another";
  if (source.parts[0].runs.size() > 1) {
    text += fmt::format(", in {} shards", source.parts[0].runs.size());
  }
  return text;
}

Json describe(const FoundTables& found) {
  Json json;
  json["dialect"] = found.dialect;
  json["max_ngram_size"] = found.max_ngram_size;
  json["head_count"] = found.head_count;
  json["classes"] = found.class_count;
  json["hash"] = origin_word(found.origin);
  json["hash_text"] = found.origin_text;
  Json tables = Json::array();
  for (const FoundTable& table : found.tables) {
    Json one;
    one["layer"] = table.layer;
    one["tensor"] = table.tensor;
    one["rows"] = table.source.rows;
    one["row_bytes"] = table.source.row_bytes;
    one["values"] = table.format.width;
    one["format"] = table.format.name();
    one["bytes"] = table.stored_bytes();
    one["layout"] = layout_text(table.source);
    one["file"] = table.source.parts[0].runs[0].path;
    tables.push_back(std::move(one));
  }
  json["tables"] = std::move(tables);
  return json;
}

void print(const FoundTables& found) {
  fmt::print("{}: {} table{}\n", printable(found.dialect), found.tables.size(),
             found.tables.size() == 1 ? "" : "s");
  for (const FoundTable& table : found.tables) {
    fmt::print("layer {:<3} {} rows of {} B ({} values, {}), {}, {}\n", table.layer,
               table.source.rows, table.source.row_bytes, table.format.width, table.format.name(),
               bytes_text(table.stored_bytes()), layout_text(table.source));
    fmt::print("          {} in {}\n", printable(table.tensor),
               printable(table.source.parts[0].runs[0].path, kMessageBytesMax));
  }
  if (found.max_ngram_size > 0) {
    fmt::print("hash      2- to {}-grams, {} heads, {} rows a token\n", found.max_ngram_size,
               found.head_count,
               static_cast<std::size_t>((found.max_ngram_size - 1) * found.head_count) *
                   found.tables.size());
  }
  fmt::print("constants {}\n", printable(found.origin_text, kMessageBytesMax));
}

// "14:123456": layer and row.
Result<std::pair<std::int32_t, RowId>> parse_row(const std::string& text) {
  std::int32_t layer = 0;
  unsigned long long row = 0;
  int used = 0;
  if (std::sscanf(text.c_str(), "%d:%llu%n", &layer, &row, &used) != 2 ||
      static_cast<std::size_t>(used) != text.size() || text.find('-') != std::string::npos) {
    return Error{ErrorCode::invalid,
                 fmt::format("'{}' is no row: write LAYER:ROW, as in 14:123456", text)};
  }
  return std::pair{layer, RowId{row}};
}

Status print_row(const FoundTables& found, const TablesOptions& options) {
  auto place = parse_row(options.row);
  if (!place) return place.error();
  for (const FoundTable& table : found.tables) {
    if (table.layer != place->first) continue;
    auto bytes = read_row(table, place->second);
    if (!bytes) return bytes.error();
    std::vector<float> values(table.format.width);
    decode_row(table.format, *bytes, values);
    if (options.json) {
      fmt::print("{}\n", Json(values).dump());
    } else {
      for (const float value : values) fmt::print("{:.9g}\n", value);
    }
    return {};
  }
  return Error{ErrorCode::invalid, fmt::format("there is no table for layer {}", place->first)};
}

int run(const TablesOptions& options) {
  auto found = find_tables(options.files);
  if (!found) return fail(found.error());
  if (!options.row.empty()) {
    const Status status = print_row(*found, options);
    return status ? kDone : fail(status.error());
  }
  if (options.json) {
    fmt::print("{}\n", json_text(describe(*found)));
  } else {
    print(*found);
  }
  return kDone;
}

}  // namespace

Command add_tables(CLI::App& parent) {
  auto options = std::make_shared<TablesOptions>();
  CLI::App* app = parent.add_subcommand(
      "tables", "List the n-gram tables in a model's files, wherever it is from");
  app->add_option("files", options->files,
                  "GGUF (all splits), *.safetensors.index.json, or safetensors shards")
      ->required();
  app->add_option("--row", options->row, "print one row's values instead: LAYER:ROW");
  app->add_flag("--json", options->json, "machine-readable output");
  return [options] { return run(*options); };
}

}  // namespace mneme::cli
