import pytest

load_breast_cancer = pytest.importorskip("sklearn.datasets").load_breast_cancer
GaussianNB = pytest.importorskip("sklearn.naive_bayes").GaussianNB

DATA = load_breast_cancer()
EVERY = 8
HELD_OUT = range(0, len(DATA.data), EVERY)


@pytest.fixture(scope="session")
def classifier():
    known = [n for n in range(len(DATA.data)) if n % EVERY]
    return GaussianNB().fit(DATA.data[known], DATA.target[known])


@pytest.mark.eval
@pytest.mark.parametrize("number", HELD_OUT)
def test_diagnosis(eval_case, classifier, number):
    sample = DATA.data[number]
    eval_case.input = dict(zip(DATA.feature_names[:5], sample[:5], strict=True))
    eval_case.expected = DATA.target_names[DATA.target[number]]
    with eval_case.measure():
        (likely,) = classifier.predict_proba([sample])
    eval_case.actual = DATA.target_names[likely.argmax()]
    eval_case.score = eval_case.actual == eval_case.expected
    eval_case.add_metric("confidence", likely.max())
