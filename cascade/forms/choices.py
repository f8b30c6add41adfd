"""What a policy may choose from, in the words of its form."""

from cascade.domain.policy import Classifier, Fallback, PartnerWhen, Streaming, WithoutCounters

CLASSIFIERS = (
    (Classifier.NONE.value, "Nobody: begin at the first stage"),
    (Classifier.LEARNED.value, "Trained weights predict who is right"),
    (Classifier.LLM.value, "A model says simple, medium or complex"),
)
STREAMINGS = (
    (Streaming.BUFFERED.value, "Buffered: judge the whole answer, then send it"),
    (Streaming.COMMIT.value, "Commit: hold the first sentence, judge it, then stream on"),
    (Streaming.OPTIMISTIC.value, "Optimistic: stream at once, replace when rejected"),
)
FALLBACKS = (
    (Fallback.BEST.value, "The best answer there is, marked as short"),
    (Fallback.REFUSE.value, "An error"),
)
WITHOUT = (
    (WithoutCounters.REFUSE.value, "Refuse: nothing is spent that cannot be counted"),
    (WithoutCounters.LOCAL.value, "Go on within a small allowance, booked later"),
)
PARTNERS = (
    (PartnerWhen.UNSURE.value, "when the score is below the threshold"),
    (PartnerWhen.ALWAYS.value, "always"),
)
