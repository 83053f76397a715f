// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat_settings_dialog.h"

#include <QCheckBox>
#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QRegularExpressionValidator>
#include <QSpinBox>
#include <QVBoxLayout>

namespace mneme {

ChatSettingsDialog::ChatSettingsDialog(const ChatSettings& settings, const QString& systemPrompt,
                                       QWidget* parent)
    : QDialog(parent), m_settings(settings) {
  setWindowTitle(tr("Settings of this chat"));
  setMinimumWidth(560);
  auto* promptLabel = new QLabel(tr("&System prompt"));
  promptLabel->setProperty("kind", QStringLiteral("section"));
  m_prompt = new QPlainTextEdit(systemPrompt, this);
  m_prompt->setAccessibleName(tr("System prompt"));
  m_prompt->setPlaceholderText(tr("Empty: the model's own"));
  m_prompt->setTabChangesFocus(true);
  m_prompt->setMinimumHeight(84);
  promptLabel->setBuddy(m_prompt);

  auto* grid = new QGridLayout;
  grid->setHorizontalSpacing(14);
  grid->setVerticalSpacing(9);
  grid->setColumnStretch(2, 1);
  int row = 0;
  const auto add = [&](const QString& label, QWidget* widget, const QString& help) {
    auto* name = new QLabel(label);
    auto* text = new QLabel(help);
    text->setProperty("kind", QStringLiteral("muted"));
    text->setWordWrap(true);
    widget->setAccessibleName(label);
    widget->setAccessibleDescription(help);
    widget->setFixedWidth(130);
    grid->addWidget(name, row, 0);
    grid->addWidget(widget, row, 1);
    grid->addWidget(text, row++, 2);
  };
  const auto real = [this](const SamplerField& field, double step) {
    auto* spin = new QDoubleSpinBox(this);
    spin->setRange(field.least, field.most);
    spin->setSingleStep(step);
    spin->setDecimals(2);
    return spin;
  };
  const auto integer = [this](double least, double most) {
    auto* spin = new QSpinBox(this);
    spin->setRange(static_cast<int>(least), static_cast<int>(most));
    spin->setGroupSeparatorShown(true);
    return spin;
  };
  using namespace sampler_fields;
  m_temperature = real(kTemperature, 0.05);
  m_topK = integer(kTopK.least, kTopK.most);
  m_topP = real(kTopP, 0.01);
  m_minP = real(kMinP, 0.01);
  m_penalty = real(kRepetitionPenalty, 0.01);
  m_window = integer(kRepetitionWindow.least, kRepetitionWindow.most);
  m_maxTokens = integer(0, 1 << 20);
  m_maxTokens->setSpecialValueText(tr("no limit"));
  m_topK->setSpecialValueText(tr("off"));
  m_seed = new QLineEdit(this);
  m_seed->setPlaceholderText(tr("fresh each time"));
  m_seed->setValidator(
      new QRegularExpressionValidator(QRegularExpression(QStringLiteral("[0-9]{0,19}")), m_seed));
  add(tr("Temperature"), m_temperature, tr("0 always picks the most probable token"));
  add(tr("Top-k"), m_topK, tr("only the k most probable; 0 = off"));
  add(tr("Top-p"), m_topP, tr("only the most probable that together make p; 1 = off"));
  add(tr("Min-p"), m_minP, tr("only those with this share of the best one's probability; 0 = off"));
  add(tr("Repetition penalty"), m_penalty, tr("makes recent tokens less likely; 1 = off"));
  add(tr("Repetition window"), m_window, tr("how many of the last tokens the penalty is for"));
  add(tr("Seed"), m_seed, tr("the same seed gives the same answer; recorded with each answer"));
  add(tr("Longest answer"), m_maxTokens, tr("in tokens; 0 = until the model ends it"));

  m_forNew = new QCheckBox(tr("Use these for new chats as well"), this);
  m_forNew->setAccessibleName(m_forNew->text());
  auto* buttons = new QDialogButtonBox(
      QDialogButtonBox::Ok | QDialogButtonBox::Cancel | QDialogButtonBox::RestoreDefaults, this);
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(buttons->button(QDialogButtonBox::RestoreDefaults), &QPushButton::clicked, this, [this] {
    ChatSettings defaults;
    defaults.memory_on = m_settings.memory_on;
    show(defaults);
  });
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(20, 18, 20, 16);
  layout->setSpacing(11);
  layout->addWidget(promptLabel);
  layout->addWidget(m_prompt);
  layout->addLayout(grid);
  layout->addWidget(m_forNew);
  layout->addStretch();
  layout->addWidget(buttons);
  show(settings);
}

void ChatSettingsDialog::show(const ChatSettings& settings) {
  const SamplerOptions& s = settings.sampling;
  m_temperature->setValue(static_cast<double>(s.temperature));
  m_topK->setValue(s.top_k);
  m_topP->setValue(static_cast<double>(s.top_p));
  m_minP->setValue(static_cast<double>(s.min_p));
  m_penalty->setValue(static_cast<double>(s.repetition_penalty));
  m_window->setValue(s.repetition_window);
  m_seed->setText(s.seed ? QString::number(*s.seed) : QString());
  m_maxTokens->setValue(static_cast<int>(settings.max_tokens));
}

ChatSettings ChatSettingsDialog::settings() const {
  ChatSettings settings = m_settings;
  SamplerOptions& s = settings.sampling;
  s.temperature = static_cast<float>(m_temperature->value());
  s.top_k = m_topK->value();
  s.top_p = static_cast<float>(m_topP->value());
  s.min_p = static_cast<float>(m_minP->value());
  s.repetition_penalty = static_cast<float>(m_penalty->value());
  s.repetition_window = m_window->value();
  bool ok = false;
  const quint64 seed = m_seed->text().toULongLong(&ok);
  s.seed = ok ? std::optional<std::uint64_t>(seed) : std::nullopt;
  settings.max_tokens = m_maxTokens->value();
  return settings;
}

QString ChatSettingsDialog::systemPrompt() const {
  return m_prompt->toPlainText().trimmed();
}
bool ChatSettingsDialog::forNewChats() const {
  return m_forNew->isChecked();
}

}  // namespace mneme

#include "moc_chat_settings_dialog.cpp"
