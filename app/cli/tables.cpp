// SPDX-License-Identifier: Apache-2.0
// mneme-cli tables: which n-gram tables are in these files, how do they lie, and can their rows be
// addressed?
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/commands.h"
#include "app/cli/result_json.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "base/printable.h"
#include "inference/tables/table_files.h"

namespace mneme::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Row {
  std::int32_t layer = 0;
  RowId row = 0;
};

struct TablesOptions {
  std::vector<std::string> files;
  std::optional<Row> row;
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
  print_out("{}: {} table{}\n", printable(found.dialect), found.tables.size(),
            found.tables.size() == 1 ? "" : "s");
  for (const FoundTable& table : found.tables) {
    print_out("layer {:<3} {} rows of {} B ({} values, {}), {}, {}\n", table.layer,
              table.source.rows, table.source.row_bytes, table.format.width, table.format.name(),
              bytes_text(table.stored_bytes()), layout_text(table.source));
    print_out("          {} in {}\n", printable(table.tensor),
              printable(table.source.parts[0].runs[0].path, kMessageBytesMax));
  }
  if (found.max_ngram_size > 0) {
    print_out("hash      2- to {}-grams, {} heads, {} rows a token\n", found.max_ngram_size,
              found.head_count,
              static_cast<std::size_t>((found.max_ngram_size - 1) * found.head_count) *
                  found.tables.size());
  }
  print_out("constants {}\n", printable(found.origin_text, kMessageBytesMax));
}

// "14:123456": layer and row.
Result<Row> parse_row(const std::string& text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view layer = std::string_view(text).substr(0, colon);
  const std::string_view row = std::string_view(text).substr(std::min(colon + 1, text.size()));
  const auto number = parse_whole(row, 0, std::numeric_limits<std::int64_t>::max());
  const auto place = parse_whole(layer, 0, std::numeric_limits<std::int32_t>::max());
  if (!number || !place) {
    return Error{ErrorCode::invalid,
                 fmt::format("'{}' is no row: write LAYER:ROW, as in 14:123456", text)};
  }
  return Row{static_cast<std::int32_t>(*place), static_cast<RowId>(*number)};
}

Status print_row(const FoundTables& found, const TablesOptions& options) {
  for (const FoundTable& table : found.tables) {
    if (table.layer != options.row->layer) continue;
    auto bytes = read_row(table, options.row->row);
    if (!bytes) return bytes.error();
    std::vector<float> values(table.format.width);
    decode_row(table.format, *bytes, values);
    if (options.json) {
      print_out("{}\n", Json(values).dump());
    } else {
      for (const float value : values) print_out("{:.9g}\n", value);
    }
    return {};
  }
  return Error{ErrorCode::invalid,
               fmt::format("there is no table for layer {}", options.row->layer)};
}

int run(const TablesOptions& options) {
  auto found = find_tables(options.files);
  if (!found) return fail(found.error());
  if (options.row) {
    const Status status = print_row(*found, options);
    return status ? kDone : fail(status.error());
  }
  if (options.json) {
    print_out("{}\n", json_text(describe(*found)));
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
  add_names(*app, "files", options->files, "FILE",
            "GGUF (all splits), *.safetensors.index.json, or safetensors shards")
      ->required();
  add_value(*app, "--row", "LAYER:ROW", "print one row's values instead", "", "",
            [options](const std::string& text) -> Status {
              const auto row = parse_row(text);
              if (!row) return row.error();
              options->row = *row;
              return {};
            });
  app->add_flag("--json", options->json, "machine-readable output");
  return [options] { return run(*options); };
}

}  // namespace mneme::cli
