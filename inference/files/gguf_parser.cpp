// SPDX-License-Identifier: Apache-2.0
#include "inference/files/gguf_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "base/printable.h"
#include "base/round_up.h"
#include "inference/files/ggml_type.h"

namespace mneme {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF values are read as they lie");

constexpr std::uint64_t kMaxKeyBytes = 65535;      // the format's own limit
constexpr std::uint64_t kMaxAlignment = 1u << 20;  // a sector-aligned table needs 4096
// A file with holes claims gigabytes that cost nothing: no text and no list of texts is that large.
constexpr std::uint64_t kMaxTextBytes = 64u << 20;
constexpr std::uint64_t kMaxTexts = 1u << 26;
constexpr std::uint64_t kMinEntryBytes = 8 + 4 + 1;  // length, type, one byte
constexpr std::uint64_t kMinTensorBytes = 8 + 4 + 8 + 4 + 8;

bool is_known(std::uint32_t type) {
  return type <= static_cast<std::uint32_t>(MetadataType::f64);
}

// Fills `order` with indices of `tensors` by name; returns the first name that occurs twice.
std::optional<std::string_view> sort_names(const std::vector<GgufTensor>& tensors,
                                           std::vector<std::uint32_t>& order) {
  order.resize(tensors.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [&](std::uint32_t index) { return tensors[index].name; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const std::string_view name = tensors[order[i]].name;
    if (name == tensors[order[i - 1]].name) return name;
  }
  return std::nullopt;
}

}  // namespace

std::string with_commas(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

Error GgufParser::corrupt(const std::string& what) const {
  return Error{ErrorCode::corrupt, fmt::format("{}: {}", file_.name(), what)};
}

Error GgufParser::cut_off(const std::string& what) const {
  return corrupt(
      fmt::format("{} at byte {} reaches beyond the end of the file ({} bytes): the download is "
                  "incomplete or the file is damaged",
                  what, with_commas(at_), with_commas(file_.bytes_.size())));
}

template <class T>
Result<T> GgufParser::read(std::string_view what) {
  if (remaining() < sizeof(T)) return cut_off(std::string(what));
  T value;
  std::memcpy(&value, file_.bytes_.data() + at_, sizeof value);
  at_ += sizeof value;
  return value;
}

Result<std::string_view> GgufParser::read_string(std::string_view what) {
  auto length = read<std::uint64_t>(what);
  if (!length) return length.error();
  if (*length > remaining()) return cut_off(std::string(what));
  if (*length > kMaxTextBytes) {
    return corrupt(fmt::format("{} at byte {} has {} bytes; {} are allowed", what, with_commas(at_),
                               with_commas(*length), with_commas(kMaxTextBytes)));
  }
  const std::string_view text(reinterpret_cast<const char*>(file_.bytes_.data()) + at_,
                              static_cast<std::size_t>(*length));
  at_ += *length;
  return text;
}

// As read_string() for each, without what a Result costs: vocabularies are most of a header.
Status GgufParser::skip_strings(std::uint64_t count, std::string_view what) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t length = 0;
    const bool whole = remaining() >= sizeof length;
    if (whole) std::memcpy(&length, file_.bytes_.data() + at_, sizeof length);
    if (!whole || length > std::min(remaining() - sizeof length, kMaxTextBytes)) {
      auto text = read_string(what);  // may succeed, where someone writes to the file meanwhile
      if (!text) return text.error();
      continue;
    }
    at_ += sizeof length + length;
  }
  return {};
}

Status GgufParser::run() {
  RETURN_IF_ERROR(read_header());
  RETURN_IF_ERROR(read_entries());
  RETURN_IF_ERROR(read_alignment());
  RETURN_IF_ERROR(read_tensors());
  return place_tensors();
}

Status GgufParser::read_header() {
  if (remaining() < 4 || std::memcmp(file_.bytes_.data(), "GGUF", 4) != 0) {
    return corrupt("this is not a GGUF file (it does not begin with the letters GGUF)");
  }
  at_ = 4;
  auto version = read<std::uint32_t>("the header");
  if (!version) return version.error();
  if (*version != 0 && (*version & 0xffffu) == 0) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("{}: a big-endian GGUF file; only little-endian ones open here", file_.name())};
  }
  if (*version != 2 && *version != 3) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("{}: GGUF version {} is not supported, only 2 and 3", file_.name(), *version)};
  }
  file_.version_ = *version;
  auto tensors = read<std::uint64_t>("the header");
  if (!tensors) return tensors.error();
  auto entries = read<std::uint64_t>("the header");
  if (!entries) return entries.error();
  tensor_count_ = *tensors;
  entry_count_ = *entries;
  if (entry_count_ > remaining() / kMinEntryBytes) {
    return corrupt(
        fmt::format("the header promises {} metadata entries, more than the file can hold",
                    with_commas(entry_count_)));
  }
  if (tensor_count_ > remaining() / kMinTensorBytes) {
    return corrupt(fmt::format("the header promises {} tensors, more than the file can hold",
                               with_commas(tensor_count_)));
  }
  return {};
}

Status GgufParser::read_entries() {
  for (std::uint64_t i = 0; i < entry_count_; ++i) RETURN_IF_ERROR(read_entry());
  const auto twice = file_.metadata_.sort();
  if (twice) return corrupt(fmt::format("the metadata key {} occurs twice", printable(*twice)));
  return {};
}

Status GgufParser::read_entry() {
  MetadataEntry entry;
  auto key = read_string("a metadata key");
  if (!key) return key.error();
  if (key->empty() || key->size() > kMaxKeyBytes) {
    return corrupt(fmt::format("a metadata key of {} bytes at byte {}; 1 to 65,535 are allowed",
                               with_commas(key->size()), with_commas(at_)));
  }
  entry.key = *key;
  auto type = read<std::uint32_t>("a metadata type");
  if (!type) return type.error();
  if (!is_known(*type)) {
    return corrupt(fmt::format("metadata {} has the unknown type {}", printable(entry.key), *type));
  }
  entry.type = static_cast<MetadataType>(*type);
  RETURN_IF_ERROR(read_value(entry));
  file_.metadata_.add(entry);
  return {};
}

Status GgufParser::read_value(MetadataEntry& entry) {
  if (entry.type == MetadataType::array) return read_array(entry);
  if (entry.type == MetadataType::string) {
    auto text = read_string(fmt::format("metadata {}", printable(entry.key)));
    if (!text) return text.error();
    entry.payload = std::as_bytes(std::span(text->data(), text->size()));
    return {};
  }
  const std::uint64_t size = metadata_scalar_bytes(entry.type);
  if (remaining() < size) return cut_off(fmt::format("metadata {}", printable(entry.key)));
  entry.payload = file_.bytes_.subspan(at_, size);
  at_ += size;
  if (entry.type == MetadataType::boolean && std::to_integer<int>(entry.payload[0]) > 1) {
    return corrupt(fmt::format("metadata {} is neither true nor false", printable(entry.key)));
  }
  return {};
}

Status GgufParser::read_array(MetadataEntry& entry) {
  const std::string what = fmt::format("the array {}", printable(entry.key));
  auto type = read<std::uint32_t>(what);
  if (!type) return type.error();
  auto count = read<std::uint64_t>(what);
  if (!count) return count.error();
  if (!is_known(*type))
    return corrupt(fmt::format("{} has elements of the unknown type {}", what, *type));
  entry.element_type = static_cast<MetadataType>(*type);
  entry.count = *count;
  if (entry.element_type == MetadataType::array) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{}: {} holds arrays, which are not supported", file_.name(), what)};
  }
  const std::uint64_t begin = at_;
  if (entry.element_type == MetadataType::string) {
    if (*count > remaining() / 8) return cut_off(what);
    if (*count > kMaxTexts) {
      return corrupt(fmt::format("{} has {} texts; {} are allowed", what, with_commas(*count),
                                 with_commas(kMaxTexts)));
    }
    RETURN_IF_ERROR(skip_strings(*count, what));
  } else {
    const std::uint64_t size = metadata_scalar_bytes(entry.element_type);
    if (*count > remaining() / size) return cut_off(what);
    at_ += *count * size;
  }
  entry.payload = file_.bytes_.subspan(begin, at_ - begin);
  return {};
}

Status GgufParser::read_alignment() {
  auto alignment = file_.metadata_.find<std::uint64_t>("general.alignment");
  if (!alignment) return alignment.error();
  if (!alignment->has_value()) return {};
  const std::uint64_t value = **alignment;
  if (value < 8 || value > kMaxAlignment || !std::has_single_bit(value)) {
    return corrupt(
        fmt::format("general.alignment is {}; a power of two from 8 to 1,048,576 is needed",
                    with_commas(value)));
  }
  file_.alignment_ = value;
  return {};
}

Status GgufParser::read_tensors() {
  if (tensor_count_ > remaining() / kMinTensorBytes) return cut_off("the tensor directory");
  for (std::uint64_t i = 0; i < tensor_count_; ++i) RETURN_IF_ERROR(read_tensor());
  const auto twice = sort_names(file_.tensors_, file_.tensor_order_);
  if (twice) return corrupt(fmt::format("the tensor {} occurs twice", printable(*twice)));
  return {};
}

Status GgufParser::read_tensor() {
  GgufTensor tensor;
  auto name = read_string("a tensor's name");
  if (!name) return name.error();
  tensor.name = *name;
  const std::string what = fmt::format("tensor {}", printable(*name));
  if (name->empty() || name->size() > kMaxKeyBytes) {
    return corrupt(fmt::format("a tensor's name has {} bytes", with_commas(name->size())));
  }
  auto dims = read<std::uint32_t>(what);
  if (!dims) return dims.error();
  if (*dims < 1 || *dims > 4)
    return corrupt(fmt::format("{} has {} dimensions; 1 to 4 are allowed", what, *dims));
  tensor.dim_count = *dims;
  std::uint64_t values = 1;
  for (std::uint32_t d = 0; d < *dims; ++d) {
    auto dim = read<std::uint64_t>(what);
    if (!dim) return dim.error();
    // Keeps every later product of dims and block bytes (at most 292) inside int64.
    if (*dim == 0 || *dim > (std::uint64_t{1} << 52) / values) {
      return corrupt(fmt::format("{} has an impossible shape (dimension {} is {})", what, d,
                                 with_commas(*dim)));
    }
    values *= *dim;
    tensor.dims[d] = *dim;
  }
  auto type = read<std::uint32_t>(what);
  if (!type) return type.error();
  auto offset = read<std::uint64_t>(what);
  if (!offset) return offset.error();
  const GgmlTypeInfo* info = find_ggml_type(*type);
  if (info == nullptr) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{}: {} has the unknown element type {}; the file may be "
                             "newer than this program",
                             file_.name(), what, *type)};
  }
  if (tensor.dims[0] % info->block_values != 0) {
    return corrupt(
        fmt::format("{} has rows of {} values, not a multiple of the {} in a block of {}", what,
                    with_commas(tensor.dims[0]), info->block_values, info->name));
  }
  if (*offset % file_.alignment_ != 0) {
    return corrupt(fmt::format("{} lies at offset {}, not a multiple of the alignment {}", what,
                               with_commas(*offset), file_.alignment_));
  }
  tensor.ggml_type = *type;
  tensor.type_name = info->name;
  tensor.dtype = dtype_of_ggml(*type);
  tensor.file_offset = *offset;  // still relative: place_tensors knows where the data begins
  file_.tensors_.push_back(tensor);
  sizes_.push_back(values / info->block_values * info->block_bytes);
  return {};
}

Status GgufParser::place_tensors() {
  const std::uint64_t file_size = file_.bytes_.size();
  const std::uint64_t data = round_up(at_, file_.alignment_);
  for (std::size_t i = 0; i < file_.tensors_.size(); ++i) {
    GgufTensor& tensor = file_.tensors_[i];
    const std::uint64_t size = sizes_[i];
    if (tensor.file_offset > (std::uint64_t{1} << 62)) {
      return corrupt(fmt::format("tensor {} lies at the impossible offset {}",
                                 printable(tensor.name), with_commas(tensor.file_offset)));
    }
    tensor.file_offset += data;
    const std::uint64_t end = tensor.file_offset + size;
    if (end > file_size) {
      return corrupt(fmt::format(
          "tensor {} reaches {} bytes beyond the end of the file: the download is incomplete",
          printable(tensor.name), with_commas(end - file_size)));
    }
    tensor.bytes = file_.bytes_.subspan(tensor.file_offset, size);
  }
  return check_overlap();
}

Status GgufParser::check_overlap() const {
  std::vector<std::uint32_t> order(file_.tensors_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return file_.tensors_[a].file_offset < file_.tensors_[b].file_offset;
  });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const GgufTensor& left = file_.tensors_[order[i - 1]];
    const GgufTensor& right = file_.tensors_[order[i]];
    if (left.file_offset + left.bytes.size() > right.file_offset) {
      return corrupt(fmt::format("the tensors {} and {} overlap", printable(left.name),
                                 printable(right.name)));
    }
  }
  return {};
}

}  // namespace mneme
