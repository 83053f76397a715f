// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/settings_file.h"

#include <QCoreApplication>
#include <QFile>
#include <QFileInfo>
#include <QSettings>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/private_file.h"

namespace mneme {
namespace {

// A slider sets a value many times a second.
constexpr auto kWriteAfter = std::chrono::milliseconds(300);

// Of what the keys and their values mean; a file without it is of version 1. Keys that are not
// known stay in the file, so that a new setting needs no new version: a changed meaning does.
const QString kVersionKey = QStringLiteral("file/version");
constexpr int kSettingsVersion = 1;

}  // namespace

SettingsFile::SettingsFile(const QString& path) : m_path(path), m_writer("settings") {
  const QSettings file(path, QSettings::IniFormat);
  if (const int version = file.value(kVersionKey, kSettingsVersion).toInt();
      version > kSettingsVersion) {
    m_problem =
        QCoreApplication::translate(
            "SettingsFile",
            "%1 was written by a newer Mneme (its version is %2, this program knows %3): its "
            "settings are not used, and it is not overwritten. Use the newer program, or "
            "move the file away so that this one can keep settings.")
            .arg(path)
            .arg(version)
            .arg(kSettingsVersion);
    return;
  }
  for (const QString& key : file.allKeys()) m_values.insert(key, file.value(key));
  m_values.remove(kVersionKey);  // the writer's
}

SettingsFile::~SettingsFile() {
  m_writer.post([this] { write(); });
}

bool SettingsFile::end(std::chrono::milliseconds atMost) {
  m_writer.post([this] { write(); }, "last");
  return m_writer.end(atMost);
}

QVariant SettingsFile::value(const QString& key, const QVariant& otherwise) const {
  return m_values.value(key, otherwise);
}

void SettingsFile::setValue(const QString& key, const QVariant& value) {
  const auto known = m_values.constFind(key);
  if (known != m_values.constEnd() && *known == value) return;
  if (value.isValid()) {
    m_values.insert(key, value);
  } else if (m_values.remove(key) == 0) {
    return;
  }
  if (!m_problem.isEmpty()) return;
  m_changed.add([&](QMap<QString, QVariant>& values) { values.insert(key, value); });
  if (m_asked.exchange(true)) return;
  m_writer.post_at(std::chrono::steady_clock::now() + kWriteAfter, [this] { write(); });
}

void SettingsFile::write() {
  m_asked = false;  // before the look: what is added after it asks again
  if (const auto changed = m_changed.take()) m_unwritten.insert(*changed);
  if (m_unwritten.isEmpty()) return;
  const Status folder = make_private_folder(QFileInfo(m_path).path().toStdString());
  const Status made = folder ? make_private_file(m_path.toStdString()) : folder;
  // Only this thread of the one program writes the file (app/single_instance.h): a lock that is
  // there was left behind, and would be waited for.
  QFile::remove(m_path + QLatin1String(".lock"));
  QSettings file(m_path, QSettings::IniFormat);
  file.setValue(kVersionKey, kSettingsVersion);
  for (auto value = m_unwritten.cbegin(); value != m_unwritten.cend(); ++value) {
    if (value->isValid()) {
      file.setValue(value.key(), *value);
    } else {
      file.remove(value.key());
    }
  }
  file.sync();
  if (file.status() == QSettings::NoError) {
    m_unwritten.clear();
    return;
  }
  log_warning(
      "ui", "the settings are not kept: {}",
      made ? fmt::format("{} cannot be written", m_path.toStdString()) : made.error().message);
}

}  // namespace mneme
