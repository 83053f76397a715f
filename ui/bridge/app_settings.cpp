// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/app_settings.h"

#include <utility>

#include "base/log.h"
#include "ui/bridge/settings_file.h"

namespace mneme {
namespace {

// The keys that QSettings gives an array.
const QString kModelCount = QStringLiteral("own_settings/size");

QString modelFolder(qsizetype index) {
  return QStringLiteral("own_settings/%1/").arg(index + 1);
}
QString modelKey(qsizetype index) {
  return modelFolder(index) + QStringLiteral("file");
}

QString keyOf(const QString& folder, const Setting& setting) {
  return folder + QString::fromUtf8(setting.name.data(), qsizetype(setting.name.size()));
}

// QSettings takes a text with commas that nobody put in quotes for a list.
std::string textOf(const QVariant& value) {
  const QString text = value.typeId() == QMetaType::QStringList
                           ? value.toStringList().join(QStringLiteral(", "))
                           : value.toString();
  return text.toStdString();
}

}  // namespace

AppSettings::AppSettings(SettingsFile& file, SettingLayers layers, QObject* parent)
    : QObject(parent), m_file(file), m_layers(std::move(layers)) {
  if (!m_file.problem().isEmpty()) m_problems << m_file.problem();
  m_layers.file = read({}, false);
  // Earlier versions wrote every setting, also those that nobody had changed.
  std::erase_if(m_layers.file, [&](const auto& named) {
    return named.second == find_setting(named.first).of(m_layers.program);
  });
  const int models = m_file.value(kModelCount).toInt();
  // The number is what a file says; the models are those that it has.
  for (int i = 0; i < models && m_file.contains(modelKey(i)); ++i) {
    m_models << m_file.value(modelKey(i)).toString();
    if (m_models.last().isEmpty()) continue;
    m_layers.models[m_models.last().toStdString()] = read(modelFolder(i), true);
  }
  for (const QString& problem : m_problems) log_warning("ui", "{}", problem.toStdString());
  m_now = m_layers.resolve({});
}

SettingValues AppSettings::read(const QString& folder, bool ownOnly) {
  SettingValues values;
  for (const Setting& setting : all_settings()) {
    const QString key = keyOf(folder, setting);
    if (!setting.kept || (ownOnly && !setting.per_model) || !m_file.contains(key)) continue;
    StoredSetting stored = setting_from_file(setting, textOf(m_file.value(key)));
    if (!stored.problem.empty()) {
      m_problems << tr("%1 has a wrong value: %2.")
                        .arg(m_file.path(), QString::fromStdString(stored.problem));
    }
    if (stored.value) values.emplace(setting.name, std::move(*stored.value));
  }
  return values;
}

void AppSettings::write(const QString& folder, const SettingValues& now,
                        const SettingValues& before) {
  for (const Setting& setting : all_settings()) {
    const auto value = now.find(setting.name);
    const auto old = before.find(setting.name);
    const bool is = value != now.end();
    const bool was = old != before.end();
    if (!setting.kept || (is == was && (!is || value->second == old->second))) continue;
    const QString key = keyOf(folder, setting);
    if (is) {
      m_file.setValue(key, QString::fromStdString(setting_to_file(setting, value->second)));
    } else {
      m_file.remove(key);
    }
  }
}

void AppSettings::writeChanges(const SettingLayers& before) {
  write({}, m_layers.file, before.file);
  for (const auto& [path, values] : m_layers.models) {
    const auto found = before.models.find(path);
    const SettingValues old = found != before.models.end() ? found->second : SettingValues();
    if (values == old) continue;
    const QString model = QString::fromStdString(path);
    if (!m_models.contains(model)) {
      m_models << model;
      m_file.setValue(kModelCount, static_cast<int>(m_models.size()));
      m_file.setValue(modelKey(m_models.size() - 1), model);
    }
    write(modelFolder(m_models.indexOf(model)), values, old);
  }
}

Settings AppSettings::of(const QString& model) const {
  return m_layers.resolve(model.toStdString());
}

void AppSettings::setModel(const QString& path) {
  m_model = path;
  refresh();
}

void AppSettings::set(std::string_view name, const SettingValue& value) {
  const Setting& setting = find_setting(name);
  const std::string model = m_model.toStdString();
  const bool own = m_layers.origin(setting, model, SettingLayer::model) == SettingLayer::model;
  SettingLayers layers = m_layers;
  layers.set(own ? SettingLayer::model : SettingLayer::file, setting, value, model);
  replace(layers);
}

void AppSettings::replace(const SettingLayers& layers) {
  const SettingLayers before = std::exchange(m_layers, layers);
  writeChanges(before);
  refresh();
}

void AppSettings::apply(const SettingLayers& before, const SettingLayers& after) {
  SettingLayers layers = m_layers;
  layers.take_changes(before, after);
  replace(layers);
}

void AppSettings::refresh() {
  const Settings before = std::exchange(m_now, m_layers.resolve(m_model.toStdString()));
  Q_EMIT changed(before);
}

}  // namespace mneme

#include "moc_app_settings.cpp"
