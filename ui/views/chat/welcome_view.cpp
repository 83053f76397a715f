// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/welcome_view.h"

#include <QFileInfo>
#include <QHBoxLayout>
#include <QLabel>
#include <QPaintEvent>
#include <QPainter>
#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>

#include "ui/format.h"
#include "ui/theme.h"

namespace mneme {

WelcomeView::WelcomeView(EngineHost& engine, const QString& defaultModel, QWidget* parent)
    : QWidget(parent), m_engine(engine), m_defaultModel(defaultModel) {
  setObjectName(QStringLiteral("welcome"));
  m_title = new QLabel(this);
  m_title->setObjectName(QStringLiteral("welcomeTitle"));
  m_text = new QLabel(this);
  m_text->setWordWrap(true);
  m_text->setAlignment(Qt::AlignHCenter);
  m_text->setProperty("kind", QStringLiteral("muted"));
  m_text->setTextInteractionFlags(Qt::TextSelectableByMouse);
  m_progress = new QProgressBar(this);
  m_progress->setRange(0, 1000);
  m_progress->setAccessibleName(tr("Progress of opening the model"));
  m_progress->setFixedWidth(260);
  m_open = new QPushButton(tr("Open a model…"), this);
  m_open->setAccessibleName(tr("Open a model"));
  m_open->setProperty("kind", QStringLiteral("primary"));
  m_default = new QPushButton(tr("Open the default model"), this);
  m_default->setAccessibleName(m_default->text());
  m_ways = new QPushButton(tr("Ways to get one"), this);
  m_ways->setObjectName(QStringLiteral("waysToAModel"));
  m_ways->setAccessibleName(tr("Ways to get a model: the welcome page"));
  m_cancel = new QPushButton(tr("Cancel"), this);
  m_cancel->setAccessibleName(tr("Cancel opening the model"));

  auto* buttons = new QHBoxLayout;
  buttons->addStretch();
  for (QPushButton* button : {m_open, m_default, m_ways, m_cancel}) buttons->addWidget(button);
  buttons->addStretch();
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(40, 20, 40, 20);
  layout->setSpacing(12);
  layout->addStretch(3);
  layout->addWidget(m_title, 0, Qt::AlignHCenter);
  layout->addWidget(m_text);
  layout->addWidget(m_progress, 0, Qt::AlignHCenter);
  layout->addLayout(buttons);
  layout->addStretch(4);

  connect(m_open, &QPushButton::clicked, this, &WelcomeView::openRequested);
  connect(m_default, &QPushButton::clicked, this, &WelcomeView::openDefaultRequested);
  connect(m_ways, &QPushButton::clicked, this, &WelcomeView::waysRequested);
  connect(m_cancel, &QPushButton::clicked, this, &WelcomeView::cancelRequested);
  connect(&m_engine, &EngineHost::stateChanged, this, &WelcomeView::refresh);
  connect(&m_engine, &EngineHost::loadProgress, this,
          [this](double fraction, const QString& stage) {
            m_progress->setValue(static_cast<int>(fraction * 1000));
            m_stage = stage;
            refresh();
          });
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, &WelcomeView::refresh);
  refresh();
}

void WelcomeView::refresh() {
  QFont title = Theme::current().uiFont(1.6);
  title.setWeight(QFont::DemiBold);
  m_title->setFont(title);
  m_text->setFont(Theme::current().uiFont(1.05));
  const auto state = m_engine.state();
  const bool loading = state == EngineHost::State::loading;
  const ModelLayout* layout = m_engine.layout();
  const bool haveDefault = QFileInfo::exists(m_defaultModel);
  if (loading) {
    m_title->setText(tr("Opening the model"));
    m_text->setText(m_stage);
  } else if (layout == nullptr) {
    m_title->setText(tr("No model is open"));
    m_text->setText(
        haveDefault
            ? tr("Open the default model, or a GGUF file or a folder from Hugging Face of a Llama, "
                 "Mistral, Qwen or Gemma model. Files are used where they lie; nothing is copied.")
            : tr("Open a GGUF file or a folder from Hugging Face of a Llama, Mistral, Qwen or "
                 "Gemma model: "
                 "it is used where it lies, nothing is copied. A model in this folder is found by "
                 "itself when it has this name:\n%1")
                  .arg(m_defaultModel));
  } else if (!layout->chat_available) {
    m_title->setText(tr("This model cannot chat"));
    m_text->setText(QString::fromStdString(layout->chat_unavailable_reason));
  } else {
    m_title->setText(tr("Ask anything"));
    QString text = tr("%1 is ready. It runs on this computer; nothing is sent anywhere.")
                       .arg(format::modelName(QString::fromStdString(layout->path),
                                              QString::fromStdString(layout->quantization)));
    if (layout->memory) {
      text += QLatin1Char(' ');
      text +=
          layout->memory->trained
              ? tr("Its n-gram memory is open: switch on gate ink (Ctrl+G) to see where it is "
                   "used.")
              : tr("The n-gram memory beside it is untrained: its rows are random and its gates "
                   "mean nothing yet. Switch on gate ink (Ctrl+G) to see it work.");
    } else if (!layout->memory_absent_reason.empty()) {
      text += QLatin1Char(' ') + QString::fromStdString(layout->memory_absent_reason);
    }
    m_text->setText(text);
  }
  m_progress->setVisible(loading);
  m_cancel->setVisible(loading);
  m_open->setVisible(!loading && layout == nullptr);
  m_default->setVisible(!loading && layout == nullptr && haveDefault);
  m_ways->setVisible(!loading && layout == nullptr);
}

void WelcomeView::paintEvent(QPaintEvent* event) {
  QPainter(this).fillRect(event->rect(), Theme::current().base);
}

}  // namespace mneme

#include "moc_welcome_view.cpp"
