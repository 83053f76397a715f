// SPDX-License-Identifier: Apache-2.0
#include "ui/views/start/ways_card.h"

#include <QClipboard>
#include <QFileInfo>
#include <QGuiApplication>
#include <QPushButton>
#include <QVBoxLayout>

#include "ui/format.h"
#include "ui/theme.h"

namespace mneme {
namespace {

constexpr int kWayGap = 20;
constexpr int kCommandPadding = 8;

// A way: its name, what it is, and below, at the same height in all, what to press.
struct Way {
  QWidget* widget;
  QLabel* text;
  QVBoxLayout* column;
};

Way makeWay(const QString& name, const QString& text, QWidget* parent) {
  auto* way = new QWidget(parent);
  auto* title = new QLabel(name, way);
  title->setProperty("kind", QStringLiteral("title"));
  auto* words = new QLabel(text, way);
  words->setTextFormat(Qt::PlainText);
  words->setWordWrap(true);
  words->setProperty("kind", QStringLiteral("muted"));
  words->setMinimumWidth(1);
  auto* column = new QVBoxLayout(way);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(4);
  column->addWidget(title);
  column->addWidget(words);
  column->addStretch(1);
  column->addSpacing(8);
  return {way, words, column};
}

void setPrimary(QPushButton* button, bool primary) {
  const QVariant kind = primary ? QVariant(QStringLiteral("primary")) : QVariant();
  if (button->property("kind") == kind) return;
  button->setProperty("kind", kind);
  button->setStyleSheet(button->styleSheet());  // reads the property again
}

}  // namespace

WaysCard::WaysCard(EngineHost& engine, const QString& defaultModel, const Package& package,
                   QWidget* parent)
    : StartCard(tr("Get a model"), parent),
      m_engine(engine),
      m_defaultModel(defaultModel),
      m_haveDefault(QFileInfo::exists(defaultModel)),
      m_wayToDefault(wayToDefaultModel(package, QFileInfo(defaultModel).fileName(),
                                       QFileInfo(defaultModel).path())) {
  heading()->addStretch();
  m_ways = new QBoxLayout(QBoxLayout::LeftToRight);
  m_ways->setSpacing(kWayGap);
  body()->addSpacing(10);
  body()->addLayout(m_ways);
  addWay(makeSmallOne());
  addWay(makeFile());
  connect(&m_engine, &EngineHost::stateChanged, this, &WaysCard::refresh);
  connect(&m_engine, &EngineHost::modelOpened, this, [this] {
    m_failed.clear();
    refresh();
  });
  connect(&m_engine, &EngineHost::loadProgress, this, [this](double, const QString& stage) {
    m_stage = stage;
    refresh();
  });
  connect(&m_engine, &EngineHost::openFailed, this, [this](const QString& reason, bool cancelled) {
    m_failed = cancelled ? QString() : reason;
    refresh();
  });
  refresh();
}

QWidget* WaysCard::makeSmallOne() {
  const Way way =
      makeWay(m_haveDefault ? tr("Start with the small one") : m_wayToDefault.title, {}, this);
  m_smallText = way.text;
  m_small = new QPushButton(way.widget);
  m_small->setObjectName(QStringLiteral("smallOne"));
  m_small->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
  connect(m_small, &QPushButton::clicked, this, &WaysCard::act);
  m_commandRow = new QBoxLayout(QBoxLayout::LeftToRight);
  m_commandRow->setSpacing(8);
  if (!m_haveDefault) {
    auto* box = new QFrame(way.widget);
    box->setProperty("kind", QStringLiteral("code"));
    m_command = new StartText("", box);
    m_command->setObjectName(QStringLiteral("installCommand"));
    keepFont(m_command, 0.95, QFont::Normal, true);
    m_command->say(m_wayToDefault.copied);
    auto* inside = new QHBoxLayout(box);
    inside->setContentsMargins(kCommandPadding, 4, kCommandPadding, 4);
    inside->addWidget(m_command);
    m_commandRow->addWidget(box);
  }
  m_commandRow->addWidget(m_small);
  m_commandRow->addStretch(1);
  way.column->addLayout(m_commandRow);
  return way.widget;
}

QWidget* WaysCard::makeFile() {
  const Way way =
      makeWay(tr("Choose a file"),
              tr("A GGUF file, or a folder from Hugging Face, of a Llama, Mistral, Qwen or Gemma model. "
                 "It is used where it lies, never copied. "
                 "Dropping it on this window does the same."),
              this);
  m_choose = new QPushButton(tr("Choose a file…"), way.widget);
  m_choose->setObjectName(QStringLiteral("chooseFile"));
  m_choose->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
  connect(m_choose, &QPushButton::clicked, this, &WaysCard::chooseRequested);
  way.column->addWidget(m_choose);
  return way.widget;
}

void WaysCard::addWay(QWidget* way) {
  if (m_ways->count() > 0) {
    auto* line = new QFrame(this);
    line->setProperty("kind", QStringLiteral("upright"));
    m_lines << line;
    m_ways->addWidget(line);
  }
  m_ways->addWidget(way, 1);
}

bool WaysCard::smallOneIsOpen() const {
  const ModelLayout* layout = m_engine.layout();
  return layout != nullptr && QString::fromStdString(layout->path) == m_defaultModel;
}

QPushButton* WaysCard::mainButton() const {
  return m_haveDefault ? m_small : m_choose;
}

void WaysCard::refresh() {
  const QString what = tr("%1 with its n-gram memory.")
                           .arg(format::modelName(m_defaultModel, QStringLiteral("Q4_1")));
  QString text;
  if (!m_haveDefault) {
    text = m_wayToDefault.text;
    m_small->setText(tr("Copy"));
    m_small->setAccessibleName(m_wayToDefault.action);
  } else if (smallOneIsOpen()) {
    text = what + QLatin1Char(' ') + tr("Ready.");
    m_small->setText(tr("Start chatting"));
  } else if (m_engine.state() == EngineHost::State::loading) {
    text = what + QLatin1Char(' ') + (m_stage.isEmpty() ? tr("Being opened…") : m_stage);
    m_small->setText(tr("Start chatting"));
  } else if (!m_failed.isEmpty()) {
    text = m_failed;
    m_small->setText(tr("Try again"));
  } else {
    text = what + QLatin1Char(' ') + tr("It is installed.");
    m_small->setText(tr("Start chatting"));
  }
  m_smallText->setText(text);
  m_small->setProperty("kind", {});
  setPrimary(m_small, m_haveDefault);
  setPrimary(m_choose, !m_haveDefault);
}

void WaysCard::act() {
  if (!m_haveDefault) {
    QGuiApplication::clipboard()->setText(m_wayToDefault.copied);
    m_small->setText(tr("Copied"));
  } else if (smallOneIsOpen() || m_engine.state() == EngineHost::State::loading) {
    Q_EMIT chatRequested();
  } else {
    Q_EMIT openRequested(m_defaultModel);
  }
}

void WaysCard::setNarrow(bool narrow) {
  m_ways->setDirection(narrow ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
  for (QFrame* line : m_lines) {
    line->setProperty("kind", narrow ? QStringLiteral("line") : QStringLiteral("upright"));
    line->setStyleSheet(line->styleSheet());
  }
}

void WaysCard::resizeEvent(QResizeEvent* event) {
  StartCard::resizeEvent(event);
  if (m_command == nullptr) return;
  const QMargins margins = body()->contentsMargins();
  int room = width() - margins.left() - margins.right();
  if (m_ways->direction() == QBoxLayout::LeftToRight) {
    const int between = static_cast<int>(m_lines.size());
    room = (room - between * (2 * kWayGap + 1)) / (between + 1);
  }
  const int needed = m_command->sizeHint().width() + m_small->sizeHint().width() +
                     2 * kCommandPadding + m_commandRow->spacing();
  m_commandRow->setDirection(room < needed ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
}

}  // namespace mneme

#include "moc_ways_card.cpp"
