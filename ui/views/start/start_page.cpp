// SPDX-License-Identifier: Apache-2.0
#include "ui/views/start/start_page.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QTimer>
#include <QVBoxLayout>
#include <utility>

#include "ui/bridge/engine_host.h"
#include "ui/bridge/machine_survey.h"
#include "ui/theme.h"
#include "ui/views/start/found_card.h"
#include "ui/views/start/machine_card.h"
#include "ui/views/start/sizes_card.h"
#include "ui/views/start/ways_card.h"

namespace mneme {
namespace {

constexpr int kPageWidest = 1120;  // of the column, at zoom 1
constexpr int kPageNarrow = 820;   // below it the cards stand one below the other
constexpr int kPageSide = 32;
constexpr int kPageGap = 16;

// The page's own background, and when it is on the screen for the first time.
class PageGround : public QWidget {
 public:
  explicit PageGround(std::function<void()> painted) : m_painted(std::move(painted)) {}

 protected:
  void paintEvent(QPaintEvent* event) override {
    QPainter(this).fillRect(event->rect(), Theme::current().base);
    // Behind the paint that is under way.
    if (m_painted) QTimer::singleShot(0, this, std::exchange(m_painted, nullptr));
  }

 private:
  std::function<void()> m_painted;
};

}  // namespace

StartPage::StartPage(EngineHost& engine, const QString& defaultModel, const Package& package,
                     MachineSurvey& survey, FindModels findModels, QWidget* parent)
    : QScrollArea(parent), m_engine(engine), m_survey(survey), m_findModels(std::move(findModels)) {
  setObjectName(QStringLiteral("startPage"));
  setAccessibleName(tr("Welcome to Mneme"));
  setFrameShape(QFrame::NoFrame);
  setFocusPolicy(Qt::NoFocus);
  setWidgetResizable(true);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  m_ways = new WaysCard(engine, defaultModel, package);
  m_found = new FoundCard;
  m_machine = new MachineCard(survey, package);
  m_sizes = new SizesCard(survey);
  // Both headings of the pair are on one line.
  m_sizes->heading()->addStrut(m_machine->again()->sizeHint().height());
  m_pair = new QBoxLayout(QBoxLayout::LeftToRight);
  m_pair->setSpacing(kPageGap);
  m_pair->addWidget(m_machine, 106);
  m_pair->addWidget(m_sizes, 100);

  m_column = new QWidget;
  auto* column = new QVBoxLayout(m_column);
  column->setContentsMargins(0, 24, 0, 24);
  column->setSpacing(kPageGap);
  column->addWidget(makeHead());
  column->addLayout(m_pair);
  column->addWidget(m_ways);
  column->addWidget(m_found);
  column->addStretch(1);
  auto* ground = new PageGround([this] { begin(); });
  auto* across = new QHBoxLayout(ground);
  across->setContentsMargins(kPageSide, 0, kPageSide, 0);
  across->addStretch(1);
  across->addWidget(m_column, 1000);
  across->addStretch(1);
  setWidget(ground);

  // The ways first, then the list.
  QWidget* last = m_ways->mainButton();
  for (QWidget* next : {static_cast<QWidget*>(m_found->list()), static_cast<QWidget*>(m_skip)}) {
    setTabOrder(last, next);
    last = next;
  }
  connect(m_skip, &QPushButton::clicked, this, &StartPage::left);
  connect(m_ways, &WaysCard::chatRequested, this, &StartPage::left);
  connect(m_ways, &WaysCard::openRequested, this, &StartPage::openRequested);
  connect(m_ways, &WaysCard::chooseRequested, this, &StartPage::chooseRequested);
  connect(m_found, &FoundCard::openRequested, this, &StartPage::openRequested);
  connect(m_found, &FoundCard::lookAgain, this, &StartPage::search);
  connect(m_found->list(), &FoundView::currentMoved, this, [this](const QRect& row) {
    const QPoint at = m_found->list()->mapTo(widget(), row.center());
    ensureVisible(at.x(), at.y(), 0, row.height() + kPageGap);
  });
  const auto showSpeed = [this] { m_found->table().setMachine(m_survey.speed()); };
  connect(&survey, &MachineSurvey::changed, this, showSpeed);
  showSpeed();
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, &StartPage::fit);
  fit();
}

QWidget* StartPage::makeHead() {
  auto* head = new QWidget;
  auto* title = new QLabel(tr("Welcome to Mneme"), head);
  keepFont(title, 1.7, QFont::DemiBold);
  auto* text = new StartText("muted", head);
  keepFont(text, 1.08);
  text->say(
      tr("Language models with n-gram memory, running here: nothing you type leaves this "
         "machine."));
  m_skip = new QPushButton(tr("Skip"), head);
  m_skip->setObjectName(QStringLiteral("skipStart"));
  m_skip->setAccessibleName(tr("Skip this page"));
  m_skip->setToolTip(tr("Esc; Help > Welcome page shows it again"));
  auto* layout = new QHBoxLayout(head);
  layout->setContentsMargins(0, 0, 0, 2);
  auto* words = new QVBoxLayout;
  words->setSpacing(4);
  words->addWidget(title);
  words->addWidget(text);
  layout->addLayout(words, 1);
  layout->addWidget(m_skip, 0, Qt::AlignBottom);
  return head;
}

void StartPage::takeFocus() {
  m_ways->mainButton()->setFocus(Qt::OtherFocusReason);
}

void StartPage::fit() {
  const double zoom = Theme::zoom();
  m_column->setMaximumWidth(static_cast<int>(kPageWidest * zoom));
  const bool narrow = viewport()->width() - 2 * kPageSide < kPageNarrow * zoom;
  m_pair->setDirection(narrow ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
  m_ways->setNarrow(narrow);
}

void StartPage::resizeEvent(QResizeEvent* event) {
  fit();
  QScrollArea::resizeEvent(event);
}

void StartPage::keyPressEvent(QKeyEvent* event) {
  const bool enter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
  auto* button = qobject_cast<QPushButton*>(focusWidget());
  if (event->key() == Qt::Key_Escape) {
    Q_EMIT left();
  } else if (enter && button != nullptr) {
    button->click();
  } else {
    QScrollArea::keyPressEvent(event);
  }
}

void StartPage::begin() {
  m_survey.goOn();
  search();
}

void StartPage::search() {
  m_found->searching();
  m_engine.jobs().start(this, "models", m_findModels,
                        [this](FoundModels found) { m_found->show(std::move(found)); });
}

}  // namespace mneme

#include "moc_start_page.cpp"
