// SPDX-License-Identifier: Apache-2.0
#include "app/config_file.h"

#include <QString>
#include <algorithm>
#include <cmath>

#include "inference/base/log.h"

namespace mneme {
namespace {

QString keyOf(const FieldInfo& info) {
  return QString::fromUtf8(info.name.data(), static_cast<qsizetype>(info.name.size()));
}

class Reader {
 public:
  explicit Reader(const SettingsFile& file) : m_file(file) {}

  void path(const FieldInfo& info, std::string& value) { text(info, value); }
  void device(const FieldInfo& info, std::string& value) { text(info, value); }
  void text(const FieldInfo& info, std::string& value) {
    if (m_file.contains(keyOf(info))) value = m_file.value(keyOf(info)).toString().toStdString();
  }
  void integer(const FieldInfo& info, std::int64_t& value, std::int64_t min, std::int64_t max,
               std::string_view) {
    bool ok = false;
    const qlonglong read = m_file.value(keyOf(info)).toLongLong(&ok);
    if (!ok) return;
    value = std::clamp<std::int64_t>(read, min, max);
    if (value != read) say<std::int64_t>(info, read, value);
  }
  void real(const FieldInfo& info, double& value, double min, double max) {
    bool ok = false;
    const double read = m_file.value(keyOf(info)).toDouble(&ok);
    if (!ok || !std::isfinite(read)) return;
    value = std::clamp(read, min, max);
    // Written as a double, kept as a float: a limit may come back a little beside itself.
    if (std::abs(value - read) > 1e-6) say(info, read, value);
  }
  void toggle(const FieldInfo& info, bool& value) {
    if (m_file.contains(keyOf(info))) value = m_file.value(keyOf(info)).toBool();
  }
  template <std::size_t N>
  void choice(const FieldInfo& info, std::string& value,
              const std::array<std::string_view, N>& names) {
    const std::string read = m_file.value(keyOf(info)).toString().toStdString();
    if (std::find(names.begin(), names.end(), read) != names.end()) value = read;
  }

 private:
  template <class Number>
  void say(const FieldInfo& info, Number stored, Number used) {
    log_warning("app", "{} is {} in {}, which is out of range; {} is used", info.name, stored,
                m_file.path().toStdString(), used);
  }

  const SettingsFile& m_file;
};

class Writer {
 public:
  explicit Writer(SettingsFile& file) : m_file(file) {}

  void path(const FieldInfo& info, const std::string& value) { text(info, value); }
  void device(const FieldInfo& info, const std::string& value) { text(info, value); }
  void text(const FieldInfo& info, const std::string& value) {
    m_file.setValue(keyOf(info), QString::fromStdString(value));
  }
  void integer(const FieldInfo& info, const std::int64_t& value, std::int64_t, std::int64_t,
               std::string_view) {
    m_file.setValue(keyOf(info), static_cast<qlonglong>(value));
  }
  void real(const FieldInfo& info, const double& value, double, double) {
    m_file.setValue(keyOf(info), value);
  }
  void toggle(const FieldInfo& info, const bool& value) { m_file.setValue(keyOf(info), value); }
  template <std::size_t N>
  void choice(const FieldInfo& info, const std::string& value,
              const std::array<std::string_view, N>&) {
    text(info, value);
  }

 private:
  SettingsFile& m_file;
};

}  // namespace

Config readConfig(const SettingsFile& file) {
  Config config;
  visit_fields(config, Reader(file));
  visit_chat_defaults(config.chat, Reader(file));
  return config;
}

void writeConfig(SettingsFile& file, const Config& config) {
  visit_fields(config, Writer(file));
  visit_chat_defaults(config.chat, Writer(file));
}

}  // namespace mneme
