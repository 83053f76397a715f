// SPDX-License-Identifier: Apache-2.0
// Packs the tables of any model that find_tables() knows into our own layout (engram/PACK.md): rows
// in pages, values and scales together, each with its checksum. A memory pack stays a memory pack;
// of other models only the tables and their hash constants are taken.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "inference/files/gguf_writer.h"
#include "inference/tables/table_files.h"

namespace mneme {

// The pack, ready for GgufWriter::write_resumable(): its size is known, no row was read yet. The
// inputs are only read, and must stay as they are until it is written. Errors: as find_tables();
// invalid, where rows do not fit a page or the tables differ in their rows' format.
Result<GgufWriter> plan_table_pack(const std::vector<std::string>& inputs);

}  // namespace mneme
