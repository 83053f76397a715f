// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/settings_dialog.h"

#include <QDialogButtonBox>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QListWidget>
#include <QPushButton>
#include <QScrollArea>
#include <QStackedWidget>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/bridge/app_settings.h"
#include "ui/manual_topic.h"
#include "ui/plain_text.h"
#include "ui/views/window/message_line.h"
#include "ui/views/window/setting_editor.h"

namespace mneme {
namespace {

constexpr int kPageHeight = 30;

QString topicOf(SettingPage page) {
  switch (page) {
    case SettingPage::model:
      return QStringLiteral("large-models");
    case SettingPage::memory:
    case SettingPage::advanced:
      return QStringLiteral("choosing-a-budget");
    default:
      return {};
  }
}

QString flagText(const Setting& setting) {
  const std::string_view flags = setting.flags;
  const std::string_view longest = flags.substr(flags.rfind(',') + 1);
  return QString::fromUtf8(longest.data(), static_cast<qsizetype>(longest.size()));
}

}  // namespace

SettingsDialog::SettingsDialog(const AppSettings& settings, Jobs& jobs,
                               const std::optional<Settings>& opened, QWidget* parent)
    : QDialog(parent),
      m_layers(settings.layers()),
      m_model(settings.model().toStdString()),
      m_before(settings.now()),
      m_opened(opened) {
  setWindowTitle(tr("Settings"));
  setMinimumWidth(640);
  resize(780, 680);
  m_list = new QListWidget(this);
  m_list->setObjectName(QStringLiteral("pages"));
  m_list->setAccessibleName(tr("Pages"));
  m_list->setFixedWidth(140);
  m_pages = new QStackedWidget(this);
  addPage(SettingPage::model, tr("Model"), jobs);
  addPage(SettingPage::memory, tr("N-gram memory"), jobs);
  addPage(SettingPage::chat, tr("New chats"), jobs);
  addPage(SettingPage::window, tr("Window"), jobs);
  addPage(SettingPage::advanced, tr("Advanced"), jobs);
  connect(m_list, &QListWidget::currentRowChanged, this, [this](int row) {
    m_pages->setCurrentIndex(row);
    setManualTopic(this, m_list->item(row)->data(Qt::UserRole).toString());
  });
  m_list->setCurrentRow(0);

  m_effect = new MessageLine(this);
  m_effect->setObjectName(QStringLiteral("effect"));
  auto* buttons = new QDialogButtonBox(
      QDialogButtonBox::Ok | QDialogButtonBox::Cancel | QDialogButtonBox::RestoreDefaults, this);
  m_openAgain = buttons->addButton(tr("OK, open the model again"), QDialogButtonBox::ActionRole);
  m_openAgain->setObjectName(QStringLiteral("openAgain"));
  m_openAgain->setAutoDefault(false);
  connect(m_openAgain, &QPushButton::clicked, this, [this] { finish(true); });
  connect(buttons, &QDialogButtonBox::accepted, this, [this] { finish(false); });
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(buttons->button(QDialogButtonBox::RestoreDefaults), &QPushButton::clicked, this,
          &SettingsDialog::resetAll);
  auto* middle = new QHBoxLayout;
  middle->setSpacing(18);
  middle->addWidget(m_list);
  middle->addWidget(m_pages, 1);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(20, 18, 20, 16);
  layout->setSpacing(14);
  if (!m_model.empty()) layout->addWidget(makeScope());
  layout->addLayout(middle, 1);
  layout->addWidget(m_effect);
  layout->addWidget(buttons);
  refresh();
}

QWidget* SettingsDialog::makeScope() {
  auto* scope = new QWidget(this);
  auto* row = new QHBoxLayout(scope);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(8);
  const QString name = QFileInfo(QString::fromStdString(m_model)).completeBaseName();
  const auto chip = [&](const QString& text, const char* objectName, bool own) {
    auto* button = new QPushButton(menuText(text), scope);
    button->setObjectName(QLatin1String(objectName));
    button->setProperty("kind", QStringLiteral("chip"));
    button->setCheckable(true);
    button->setAutoExclusive(true);
    button->setAutoDefault(false);
    button->setChecked(own == m_forModel);
    connect(button, &QPushButton::clicked, this, [this, own] { setForModel(own); });
    row->addWidget(button);
  };
  chip(tr("All models"), "allModels", false);
  chip(tr("Only %1").arg(name), "thisModel", true);
  row->addStretch();
  return scope;
}

void SettingsDialog::addPage(SettingPage page, const QString& title, Jobs& jobs) {
  std::vector<const Setting*> settings;
  for (const Setting& setting : all_settings()) {
    const bool here = setting.page == page ||
                      (page == SettingPage::chat && setting.page == SettingPage::sampling);
    if (here && setting.kept) settings.push_back(&setting);
  }
  auto* form = new SettingForm(
      settings, [this](const Setting& one) { return look(one); }, jobs, this);
  connect(form, &SettingForm::edited, this, &SettingsDialog::edit);
  connect(form, &SettingForm::resetAsked, this, &SettingsDialog::resetOne);
  m_forms.push_back(form);
  // Scrolls where the screen is too low: help that wraps must never be squeezed.
  auto* area = new QScrollArea(m_pages);
  area->setWidget(form);
  area->setWidgetResizable(true);
  area->setFrameShape(QFrame::NoFrame);
  area->setFocusPolicy(Qt::NoFocus);
  area->setMinimumHeight(200);
  m_pages->addWidget(area);
  auto* item = new QListWidgetItem(title, m_list);
  item->setSizeHint(QSize(0, kPageHeight));
  item->setData(Qt::UserRole, topicOf(page));
}

SettingLayer SettingsDialog::layer() const {
  return m_forModel ? SettingLayer::model : SettingLayer::file;
}

Settings SettingsDialog::edited() const {
  return m_layers.resolve(m_model);
}

SettingForm::Shown SettingsDialog::look(const Setting& setting) const {
  // A value of the command line is what holds now; choosing another one ends it.
  const SettingLayer origin = m_layers.origin(setting, m_model);
  const bool forced = origin == SettingLayer::command_line;
  const SettingLayer top = forced ? origin : layer();
  SettingForm::Shown shown;
  shown.value = m_layers.value(setting, m_model, top);
  shown.own = m_layers.origin(setting, m_model, top) == top;
  const SettingLayer under = forced       ? layer()
                             : m_forModel ? SettingLayer::file
                                          : SettingLayer::program;
  shown.below = m_layers.value(setting, m_model, under);
  shown.visible = !m_forModel || setting.per_model;
  shown.note = noteOf(setting);
  return shown;
}

QString SettingsDialog::noteOf(const Setting& setting) const {
  QStringList notes;
  switch (m_layers.origin(setting, m_model)) {
    case SettingLayer::command_line:
      notes << (setting.flags.empty()  // follows from another flag
                    ? tr("From the command line, for this run.")
                    : tr("From the command line (%1), for this run.").arg(flagText(setting)));
      break;
    case SettingLayer::model:
      notes << (m_forModel ? tr("For this model only.")
                           : tr("The model in use has its own value."));
      break;
    case SettingLayer::file:
      if (m_forModel) notes << tr("As for all models.");
      break;
    case SettingLayer::program:
      break;
  }
  if (m_opened && setting.applies == SettingApplies::on_opening &&
      setting.of(*m_opened) != setting.of(edited())) {
    notes << tr("Takes effect when the model is opened again.");
  }
  if (setting.applies == SettingApplies::new_chats && setting.of(m_before) != setting.of(edited()))
    notes << tr("Chats that exist keep their own.");
  return notes.join(QLatin1Char(' '));
}

void SettingsDialog::setForModel(bool own) {
  m_forModel = own;
  refresh();
  if (m_list->currentItem() == nullptr || m_list->currentItem()->isHidden())
    m_list->setCurrentRow(0);
}

void SettingsDialog::edit(const Setting& setting, const SettingValue& value) {
  m_layers.set(layer(), setting, value, m_model);
  refresh();
}

void SettingsDialog::resetOne(const Setting& setting) {
  if (m_layers.origin(setting, m_model) == SettingLayer::command_line) {
    m_layers.command_line.erase(std::string(setting.name));
  } else {
    m_layers.reset(layer(), setting, m_model);
  }
  refresh();
}

void SettingsDialog::resetAll() {
  for (const Setting& setting : all_settings()) {
    // Which files they are, is not a taste.
    if (setting.kept && setting.kind != SettingKind::file)
      m_layers.reset(layer(), setting, m_model);
  }
  refresh();
}

void SettingsDialog::refresh() {
  for (std::size_t i = 0; i < m_forms.size(); ++i) {
    m_forms[i]->refresh();
    m_list->item(static_cast<int>(i))->setHidden(m_forms[i]->empty());
  }
  QStringList later;
  if (m_opened) {
    for (const Setting* setting : differing_on_opening(*m_opened, edited()))
      later << settingText(setting->label);
  }
  m_effect->say(MessageLine::Kind::note,
                later.isEmpty() ? QString()
                                : tr("Takes effect when the model is opened again: %1.")
                                      .arg(later.join(QStringLiteral(", "))));
  m_openAgain->setVisible(!later.isEmpty());
}

void SettingsDialog::finish(bool openAgain) {
  Q_EMIT applied(m_layers, openAgain);
  accept();
}

}  // namespace mneme

#include "moc_settings_dialog.cpp"
