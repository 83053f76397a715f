// SPDX-License-Identifier: Apache-2.0
// The INI file of all settings, read once. What is set counts at once and is on disk soon: a thread
// of its own writes, so that a slow drive holds nobody up. What could not be written is tried again
// with the next change, and at last by the destructor, which waits for it. UI thread.
#pragma once

#include <QHash>
#include <QMap>
#include <QString>
#include <QVariant>
#include <memory>
#include <mutex>

#include "inference/base/worker.h"

namespace mneme {

class SettingsFile {
 public:
  explicit SettingsFile(const QString& path);
  ~SettingsFile();

  QString path() const { return m_path; }
  bool contains(const QString& key) const { return m_values.contains(key); }
  QVariant value(const QString& key, const QVariant& otherwise = {}) const;
  void setValue(const QString& key, const QVariant& value);

 private:
  struct Unwritten {
    std::mutex mutex;
    QMap<QString, QVariant> values;
    bool asked = false;  // the writer will come for them
  };
  void write();  // the writer's thread

  const QString m_path;
  QHash<QString, QVariant> m_values;
  Unwritten m_unwritten;
  Worker m_writer;  // last: joins before the rest goes
};

}  // namespace mneme
