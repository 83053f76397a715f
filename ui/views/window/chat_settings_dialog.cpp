// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/chat_settings_dialog.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

#include "ui/bridge/app_settings.h"
#include "ui/plain_text.h"

namespace mneme {

ChatSettingsDialog::ChatSettingsDialog(const AppSettings& settings, Jobs& jobs,
                                       const ChatSettings& chat, const QString& systemPrompt,
                                       QWidget* parent)
    : QDialog(parent),
      m_layers(settings.layers()),
      m_model(settings.model().toStdString()),
      m_new(settings.now()) {
  m_edited.chat = chat;
  m_edited.system_prompt = systemPrompt.toStdString();
  setWindowTitle(tr("Settings of this chat"));
  setMinimumWidth(560);
  resize(620, 700);
  for (const Setting& setting : all_settings()) {
    const bool here = setting.page == SettingPage::chat || setting.page == SettingPage::sampling;
    if (here && setting.kind != SettingKind::texts) m_rows.push_back(&setting);
  }
  m_form = new SettingForm(
      m_rows, [this](const Setting& one) { return look(one); }, jobs, this);
  const auto put = [this](const Setting& setting, const SettingValue& value) {
    setting.put(m_edited, value);
  };
  connect(m_form, &SettingForm::edited, this, put);
  connect(m_form, &SettingForm::resetAsked, this,
          [this, put](const Setting& setting) { put(setting, setting.of(m_new)); });
  auto* area = new QScrollArea(this);
  area->setWidget(m_form);
  area->setWidgetResizable(true);
  area->setFrameShape(QFrame::NoFrame);
  area->setFocusPolicy(Qt::NoFocus);
  area->setMinimumHeight(200);

  m_scope = new QComboBox(this);
  m_scope->setAccessibleName(tr("Chats that these settings are for"));
  m_scope->setObjectName(QStringLiteral("scope"));
  m_scope->addItem(tr("This chat only"));
  m_scope->addItem(tr("New chats as well"));
  if (!m_model.empty()) {
    const QString name = QFileInfo(QString::fromStdString(m_model)).completeBaseName();
    m_scope->addItem(menuText(tr("New chats with %1 as well").arg(name)));
  }
  auto* scope = new QHBoxLayout;
  scope->setSpacing(12);
  scope->addWidget(new QLabel(tr("For"), this));
  scope->addWidget(m_scope);
  scope->addStretch();
  auto* buttons = new QDialogButtonBox(
      QDialogButtonBox::Ok | QDialogButtonBox::Cancel | QDialogButtonBox::RestoreDefaults, this);
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(buttons->button(QDialogButtonBox::RestoreDefaults), &QPushButton::clicked, this,
          [this, put] {
            for (const Setting* setting : m_rows) put(*setting, setting->of(m_new));
            m_form->refresh();
          });
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(20, 18, 20, 16);
  layout->setSpacing(14);
  layout->addWidget(area, 1);
  layout->addLayout(scope);
  layout->addWidget(buttons);
}

SettingForm::Shown ChatSettingsDialog::look(const Setting& setting) const {
  SettingForm::Shown shown;
  shown.value = setting.of(m_edited);
  shown.below = setting.of(m_new);
  shown.own = true;
  if (shown.value != shown.below) shown.note = tr("In this chat; new chats have another value.");
  return shown;
}

SettingLayers ChatSettingsDialog::layers() const {
  SettingLayers layers = m_layers;
  if (m_scope->currentIndex() == 0) return layers;
  const bool own = m_scope->currentIndex() == 2;
  for (const Setting* setting : m_rows) {
    // One that is the same already stays where it comes from.
    if (!setting->kept || setting->of(m_edited) == setting->of(m_new)) continue;
    layers.set(own ? SettingLayer::model : SettingLayer::file, *setting, setting->of(m_edited),
               m_model);
    if (!own) layers.reset(SettingLayer::model, *setting, m_model);
  }
  return layers;
}

}  // namespace mneme

#include "moc_chat_settings_dialog.cpp"
