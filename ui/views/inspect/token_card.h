// SPDX-License-Identifier: Apache-2.0
// The right panel: everything about the token that is shown (hovered, else pinned). Left and Right
// walk tokens, Esc unpins, Ctrl+C copies the card as text. UI thread.
#pragma once

#include <QScrollArea>
#include <optional>

#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"
#include "ui/models/token_facts.h"
#include "ui/selection.h"

class QLabel;
class QPushButton;
class QToolButton;

namespace mneme {

class GateBars;
class HashWalk;
class NgramGrid;
class ProbabilityBars;
class TierLegend;
class TokenChip;

class TokenCard : public QScrollArea {
  Q_OBJECT

 public:
  TokenCard(BranchTrace& trace, Selection& selection, InspectSource& source,
            QWidget* parent = nullptr);

  const std::optional<TokenFacts>& facts() const { return m_facts; }
  QString asText() const;  // what Ctrl+C copies; empty without a token
  // Whether a request for probabilities is being answered; `problem` says why one was not.
  void setComputing(bool computing, const QString& problem = {});

  QSize sizeHint() const override { return {310, 560}; }

 Q_SIGNALS:
  // The user asks for the probabilities of the prompt of the shown token's message.
  void promptProbabilitiesRequested(mneme::EventIndex event);
  void stallExplanationRequested(mneme::EventIndex event);

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  bool event(QEvent* event) override;

 private:
  void build();
  void refresh();
  void fill();
  void fillProbabilities();
  void fillMemory();
  void fillWalk();
  void walk(int step);

  BranchTrace& m_trace;
  Selection& m_selection;
  InspectSource& m_source;
  std::optional<TokenFacts> m_facts;
  bool m_streamsOpen = false;
  bool m_computing = false;
  QString m_problem;

  QWidget* m_body = nullptr;
  QLabel* m_empty = nullptr;
  TokenChip* m_chip = nullptr;
  QLabel* m_place = nullptr;
  QLabel* m_untrained = nullptr;
  ProbabilityBars* m_probabilities = nullptr;
  QLabel* m_noProbabilities = nullptr;
  QPushButton* m_ask = nullptr;
  QLabel* m_gatesTitle = nullptr;
  QToolButton* m_streams = nullptr;
  GateBars* m_gates = nullptr;
  QLabel* m_noMemory = nullptr;
  QLabel* m_ngramsTitle = nullptr;
  NgramGrid* m_ngrams = nullptr;
  QPushButton* m_stall = nullptr;
  TierLegend* m_legend = nullptr;
  QLabel* m_walkTitle = nullptr;
  HashWalk* m_walk = nullptr;
};

}  // namespace mneme
