"""What writes the code: a function from a problem to a completion of its prompt."""

import re


def reference(problem):
    """Answer right: put a call of your model in its place."""
    return problem["canonical_solution"]


def sloppy(problem):
    """Answer wrong by a fixed rule, to have something to compare with."""
    number = int(problem["task_id"].partition("/")[2])
    if number == 5:
        return "    while True:\n        pass\n"
    if number % 11 == 0:
        return '    raise NotImplementedError("too hard")\n'
    if number % 7 == 0:
        return off_by_one(problem["canonical_solution"])
    return problem["canonical_solution"]


def off_by_one(code):
    """Add one to the first number, or where there is none, to what is returned."""
    if number := re.search(r"\d+", code):
        start, end = number.span()
        return f"{code[:start]}{int(number[0]) + 1}{code[end:]}"
    return code.replace("return ", "return 1 + ", 1)


SOLVERS = {"reference": reference, "sloppy": sloppy}
