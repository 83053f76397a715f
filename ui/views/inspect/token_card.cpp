// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/token_card.h"

#include <QApplication>
#include <QClipboard>
#include <QKeyEvent>
#include <QLabel>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/format.h"
#include "ui/models/stall_facts.h"
#include "ui/models/token_text.h"
#include "ui/theme.h"
#include "ui/views/inspect/card_bars.h"
#include "ui/views/inspect/hash_walk.h"
#include "ui/views/inspect/ngram_grid.h"
#include "ui/views/inspect/tier_legend.h"
#include "ui/views/inspect/token_chip.h"

namespace mneme {
namespace {

QLabel* label(QWidget* parent, const char* kind, const QString& text = {}) {
  auto* made = new QLabel(text, parent);
  made->setProperty("kind", QLatin1String(kind));
  made->setWordWrap(true);
  return made;
}

// "GATES" in small capitals with a muted remark behind it.
QString titleText(const QString& title, const QString& remark) {
  return QStringLiteral(
             "<span style='font-weight:600; letter-spacing:0.5px;'>%1</span>&nbsp; "
             "<span style='font-weight:400;'>%2</span>")
      .arg(title.toUpper().toHtmlEscaped(), remark.toHtmlEscaped());
}

// Its text is titleText()'s, which escapes what it is given.
QLabel* titleLabel(QWidget* parent, const QString& text = {}) {
  QLabel* made = label(parent, "section", text);
  made->setTextFormat(Qt::RichText);
  return made;
}

QString sourceName(TokenSource source) {
  switch (source) {
    case TokenSource::template_text:
      return TokenCard::tr("template");
    case TokenSource::system:
      return TokenCard::tr("system prompt");
    case TokenSource::user:
      return TokenCard::tr("user");
    case TokenSource::assistant:
      return TokenCard::tr("answer");
    case TokenSource::raw_prompt:
      return TokenCard::tr("prompt");
  }
  return {};
}

}  // namespace

TokenCard::TokenCard(BranchTrace& trace, Selection& selection, InspectSource& source,
                     QWidget* parent)
    : QScrollArea(parent), m_trace(trace), m_selection(selection), m_source(source) {
  setWidgetResizable(true);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Token card"));
  build();
  connect(&m_selection, &Selection::shownChanged, this, &TokenCard::refresh);
  connect(&m_trace, &BranchTrace::wasReset, this, &TokenCard::refresh);
  connect(&m_trace, &BranchTrace::grew, this, [this] {
    if (!m_facts) refresh();
  });
  connect(&m_trace, &BranchTrace::recordsChanged, this, [this] { setComputing(false); });
  connect(&m_source, &InspectSource::modelChanged, this, &TokenCard::refresh);
  connect(&m_source, &InspectSource::tiersUpdated, this,
          [this](const TierStats& stats) { m_legend->setStats(stats); });
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, &TokenCard::refresh);
  refresh();
}

void TokenCard::build() {
  auto* content = new QWidget(this);
  auto* outer = new QVBoxLayout(content);
  outer->setContentsMargins(14, 12, 14, 8);
  outer->setSpacing(0);  // the stretch below would have one too, and a card that fits would scroll
  m_empty = label(content, "muted");
  m_empty->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  outer->addWidget(m_empty);
  m_body = new QWidget(content);
  outer->addWidget(m_body);
  outer->addStretch(1);

  auto* rows = new QVBoxLayout(m_body);
  rows->setContentsMargins(0, 0, 0, 0);
  rows->setSpacing(3);
  auto* head = new QHBoxLayout;
  m_chip = new TokenChip(m_body);
  m_place = label(m_body, "muted");
  m_place->setWordWrap(false);
  m_place->setAlignment(Qt::AlignRight);
  m_untrained = label(m_body, "warning", tr("untrained n-gram memory"));
  m_untrained->setWordWrap(false);
  m_untrained->setAlignment(Qt::AlignRight);
  m_untrained->setToolTip(
      tr("The pack is a stand-in of random rows: its gates, and what it adds, mean nothing yet."));
  auto* where = new QVBoxLayout;
  where->setSpacing(0);
  where->addWidget(m_place);
  where->addWidget(m_untrained);
  m_stall = new QPushButton(tr("Waited: why?"), m_body);
  m_stall->setObjectName(QStringLiteral("explainStall"));
  m_stall->setProperty("kind", QStringLiteral("quiet"));
  m_stall->setToolTip(tr("Shows the reads that this token waited for."));
  connect(m_stall, &QPushButton::clicked, this, [this] {
    if (m_facts) Q_EMIT stallExplanationRequested(m_facts->event);
  });
  where->addWidget(m_stall, 0, Qt::AlignRight);
  head->addWidget(m_chip, 0, Qt::AlignTop);
  head->addStretch(1);
  head->addLayout(where);
  rows->addLayout(head);

  rows->addSpacing(6);
  rows->addWidget(titleLabel(m_body, titleText(tr("Probability"), {})));
  m_probabilities = new ProbabilityBars(m_body);
  rows->addWidget(m_probabilities);
  m_noProbabilities = label(m_body, "muted");
  rows->addWidget(m_noProbabilities);
  m_ask = new QPushButton(tr("Compute them"), m_body);
  m_ask->setObjectName(QStringLiteral("computeProbabilities"));
  m_ask->setToolTip(tr("Reads the prompt again and keeps the probability of each of its tokens."));
  rows->addWidget(m_ask, 0, Qt::AlignLeft);
  connect(m_ask, &QPushButton::clicked, this, [this] {
    if (m_facts) Q_EMIT promptProbabilitiesRequested(m_facts->event);
  });

  rows->addSpacing(6);
  auto* gatesHead = new QHBoxLayout;
  m_gatesTitle = titleLabel(m_body, titleText(tr("Gates"), tr("0 shut, 0.5 neutral, 1 open")));
  m_streams = new QToolButton(m_body);
  m_streams->setText(tr("Streams"));
  m_streams->setCheckable(true);
  m_streams->setAutoRaise(true);
  gatesHead->addWidget(m_gatesTitle, 1);
  gatesHead->addWidget(m_streams);
  rows->addLayout(gatesHead);
  connect(m_streams, &QToolButton::toggled, this, [this](bool open) {
    m_streamsOpen = open;
    if (m_facts) m_gates->setFacts(*m_facts, open);
  });
  m_gates = new GateBars(m_body);
  rows->addWidget(m_gates);
  m_noMemory = label(m_body, "muted");
  rows->addWidget(m_noMemory);

  rows->addSpacing(6);
  m_ngramsTitle = titleLabel(m_body);
  rows->addWidget(m_ngramsTitle);
  m_ngrams = new NgramGrid(m_body);
  rows->addWidget(m_ngrams);
  m_legend = new TierLegend(m_source.tiers(), m_body);
  rows->addWidget(m_legend);
  rows->addSpacing(6);
  m_walkTitle = titleLabel(m_body);
  rows->addWidget(m_walkTitle);
  m_walk = new HashWalk(m_body);
  rows->addWidget(m_walk);
  connect(m_ngrams, &NgramGrid::placeChanged, this, &TokenCard::fillWalk);
  setWidget(content);
}

void TokenCard::refresh() {
  const auto shown = m_selection.shown();
  const auto index = shown ? m_trace.indexOf(*shown) : std::nullopt;
  m_facts.reset();
  if (index) m_facts = factsOf(m_trace, m_source, *index);
  m_body->setVisible(m_facts.has_value());
  m_empty->setVisible(!m_facts.has_value());
  if (m_facts) {
    setAccessibleDescription(describeToken(m_trace, m_source, m_facts->index));
    fill();
    return;
  }
  const QString why =
      m_trace.size() == 0
          ? tr("No token to show yet. Ask something: the card then explains every token of the "
               "prompt and the answer.")
          : tr("Point at a token to look at it, click to keep it here. Gate ink (Ctrl+G) shows "
               "tokens in the chat; the strip below shows all of them.");
  m_empty->setText(why);
  setAccessibleDescription(why);
}

void TokenCard::fill() {
  const TraceHeader& header = m_facts->header;
  m_chip->setToken(m_facts->text, m_facts->layers.empty()
                                      ? -1.0
                                      : double{m_trace.recordAt(m_facts->index).gate_max()});
  m_place->setText(tr("token %1 · id %2").arg(format::count(header.position)).arg(header.token));
  m_place->setToolTip(header.sampled
                          ? tr("%1, picked by the sampler").arg(sourceName(header.source))
                          : tr("%1, read").arg(sourceName(header.source)));
  m_untrained->setVisible(m_facts->untrained);
  fillProbabilities();
  fillMemory();
  fillWalk();
}

void TokenCard::fillProbabilities() {
  const bool known = !m_facts->choices.empty();
  m_probabilities->setVisible(known);
  m_noProbabilities->setVisible(!known);
  m_ask->setVisible(!known && !m_facts->otherModel && m_source.model() != nullptr);
  if (known) m_probabilities->setFacts(*m_facts);
  m_noProbabilities->setText(m_facts->header.position == 0
                                 ? tr("The first token follows nothing, so it has no probability.")
                             : !m_problem.isEmpty()
                                 ? m_problem
                                 : tr("Probabilities of prompt tokens are computed on request."));
  m_ask->setEnabled(!m_computing);
  m_ask->setText(m_computing ? tr("Reading the prompt …") : tr("Compute them"));
  if (m_facts->header.position == 0) m_ask->hide();
}

void TokenCard::setComputing(bool computing, const QString& problem) {
  m_computing = computing;
  m_problem = problem;
  refresh();
}

void TokenCard::fillMemory() {
  const bool known = !m_facts->layers.empty();
  const bool several = known && m_facts->layers.front().gates.size() > 1;
  m_streams->setVisible(several);
  m_gates->setVisible(known);
  m_noMemory->setVisible(!known);
  m_noMemory->setText(m_facts->whyNoMemory);
  if (known) m_gates->setFacts(*m_facts, m_streamsOpen);
  const std::uint32_t waitUs = m_facts->header.wait_us;
  const std::vector<StallRead> reads = readsOf(*m_facts);
  m_stall->setVisible(!reads.empty() && reads.front().tier == Tier::ssd_late);
  m_stall->setText(tr("Waited %1: why?").arg(format::microseconds(waitUs)));
  const bool ngrams = !m_facts->ngrams.empty();
  for (QWidget* part : {static_cast<QWidget*>(m_ngramsTitle), static_cast<QWidget*>(m_ngrams),
                        static_cast<QWidget*>(m_legend)}) {
    part->setVisible(ngrams);
  }
  if (!ngrams) return;
  const auto heads = static_cast<int>(m_facts->ngrams.front().layers.front().rows.size());
  m_ngramsTitle->setText(
      titleText(tr("N-grams ending here"), heads > 0 ? tr("%1 heads each").arg(heads) : QString()));
  m_ngrams->setFacts(*m_facts, m_source.tiers().storage);
  m_legend->setStats(m_source.tiers());
}

void TokenCard::fillWalk() {
  const bool ngrams = m_facts && !m_facts->ngrams.empty();
  m_walkTitle->setVisible(ngrams);
  m_walk->setVisible(ngrams);
  if (!ngrams) return;
  const NgramGrid::Place place = m_ngrams->place();
  m_walkTitle->setText(titleText(
      tr("Hash walk"), tr("%1-gram, %2, head %3")
                           .arg(m_facts->ngrams[static_cast<std::size_t>(place.ngram)].order)
                           .arg(m_facts->layers[static_cast<std::size_t>(place.layer)].name)
                           .arg(place.head)));
  m_walk->setWalk(*m_facts, m_source, place);
}

QString TokenCard::asText() const {
  return m_facts ? cardText(*m_facts, m_source) : QString();
}

void TokenCard::walk(int step) {
  if (m_trace.size() == 0) return;
  const auto from = m_selection.shown() ? m_trace.indexOf(*m_selection.shown()) : std::nullopt;
  int index = from ? *from + step : (step > 0 ? 0 : m_trace.size() - 1);
  index = std::clamp(index, 0, m_trace.size() - 1);
  m_selection.hover(std::nullopt);
  m_selection.pin(m_trace.eventAt(index));
}

void TokenCard::keyPressEvent(QKeyEvent* event) {
  if (event->matches(QKeySequence::Copy)) {
    if (m_facts) QApplication::clipboard()->setText(asText());
    return;
  }
  switch (event->key()) {
    case Qt::Key_Left:
      walk(-1);
      return;
    case Qt::Key_Right:
      walk(1);
      return;
    case Qt::Key_Escape:
      if (m_selection.shown()) {
        m_selection.clear();
        return;
      }
      break;
    default:
      break;
  }
  QScrollArea::keyPressEvent(event);
}

bool TokenCard::event(QEvent* event) {
  // Ctrl+C and Esc belong to the card while it has the focus, also where the window has shortcuts.
  if (event->type() == QEvent::ShortcutOverride) {
    auto* key = static_cast<QKeyEvent*>(event);
    if (key->matches(QKeySequence::Copy) ||
        (key->key() == Qt::Key_Escape && m_selection.shown().has_value())) {
      key->accept();
      return true;
    }
  }
  return QScrollArea::event(event);
}

}  // namespace mneme
