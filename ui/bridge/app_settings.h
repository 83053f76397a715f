// SPDX-License-Identifier: Apache-2.0
// The settings of this run, for whoever in the window reads one: now() gives the values that hold
// for the model in use, changed() says that they are others. They come from the settings file,
// where each has the key that is its name; what a model has for itself is below own_settings. Keys
// that nobody knows stay, and so does what means nothing, until the user changes that setting. UI
// thread.
#pragma once

#include <QObject>
#include <QStringList>
#include <string_view>

#include "inference/settings/layers.h"

namespace mneme {

class SettingsFile;

class AppSettings : public QObject {
  Q_OBJECT

 public:
  // `layers` has what the program and the command line say; `file` outlives this.
  explicit AppSettings(SettingsFile& file, SettingLayers layers = {}, QObject* parent = nullptr);

  SettingsFile& file() { return m_file; }
  // What is wrong with the file, and a sentence for each value in it that means nothing or is out
  // of range.
  const QStringList& problems() const { return m_problems; }

  const Settings& now() const { return m_now; }
  Settings of(const QString& model) const;
  const SettingLayers& layers() const { return m_layers; }

  // The model whose own settings hold: the one in use, or that was last; by its path.
  QString model() const { return m_model; }
  void setModel(const QString& path);

  // Where it comes from now: of the model if that has its own, else of all models.
  void set(std::string_view name, const SettingValue& value);
  void replace(const SettingLayers& layers);
  // As a dialog made `after` of `before`; what was set meanwhile stays.
  void apply(const SettingLayers& before, const SettingLayers& after);

 Q_SIGNALS:
  void changed(const mneme::Settings& before);

 private:
  SettingValues read(const QString& folder, bool ownOnly);
  void write(const QString& folder, const SettingValues& now, const SettingValues& before);
  void writeChanges(const SettingLayers& before);
  void refresh();

  SettingsFile& m_file;
  SettingLayers m_layers;
  QStringList m_problems;
  QStringList m_models;  // that have own settings in the file, in its order
  QString m_model;
  Settings m_now;
};

}  // namespace mneme
