from pytest_evalguard import Metric, Table

LABELS = ["malignant", "benign"]


def pytest_evalguard_metrics(config, cases):
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    answered = [case for case in cases if case.actual]
    wanted = [case.expected for case in answered]
    found = [case.actual for case in answered]
    precision, recall, f1, _ = precision_recall_fscore_support(
        wanted, found, average="binary", pos_label=LABELS[0], zero_division=0
    )
    matrix = confusion_matrix(wanted, found, labels=LABELS)
    columns = ["diagnosis", *(f"found {label}" for label in LABELS)]
    rows = [[label, *counts] for label, counts in zip(LABELS, matrix, strict=True)]
    return [
        Metric("precision", precision),
        Metric("recall", recall),
        Metric("f1", f1),
        Table("confusion", columns, rows),
    ]
