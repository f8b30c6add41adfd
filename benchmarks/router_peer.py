"""scikit-learn's TF-IDF and logistic regression on one support query: prints microseconds."""

from __future__ import annotations

import time

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from benchmarks import outcomes


def main() -> None:
    """Fit on RouteLLM's training rows and time one text at a time."""
    learnt = [pair for pair in outcomes.routellm_mmlu() if pair.bucket in outcomes.TRAINING]
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=300))
    model.fit([pair.prompt for pair in learnt], [pair.weak for pair in learnt])
    texts = [asked.text for asked in outcomes.support() if asked.source != "tau2"][::40]
    taken = []
    for _ in range(3):
        began = time.process_time()
        for text in texts:
            model.predict_proba([text])
        taken.append((time.process_time() - began) / len(texts) * 1e6)
    print(min(taken))


if __name__ == "__main__":
    main()
